"""The figures of a graph that add up, by node and by constant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..costmodel import Device
from ..costmodel.cost import Costed, cost_nodes
from ..costmodel.estimators import estimator_for
from ..costmodel.params import (
    by_path,
    leaves,
    of_attributes,
    param_bytes,
    parameters_by_constant,
    stored_bytes,
)
from ..costmodel.result import GraphCost, NodeCost
from ..graph import Graph
from ..graph.shapes import Given, Shapes, infer

Number = int | float
OF_NODES = ("macs", "flops", "read_bytes", "write_bytes", "traffic_bytes", "latency_s")
OF_EXECUTED = (*OF_NODES, "padded_flops", "padded_bytes")  # as written, nothing is padded
OF_CONSTANTS = ("params", "param_bytes")


@dataclass(frozen=True)
class Figures:
    """A costed graph.

    Parameters
    ----------
    nodes
        By path.
    params
        Elements by constant, where they count as parameters.
    stored
        Bytes by constant, or by the node whose attributes they are.
    tensors
        By path of a node: what it reads and makes, and the constants behind what it reads, each
        under the path of where it lives.
    owners
        By path of a node or constant in a body: the node whose body that is.
    outputs
        Data type and rank of each output of the graph: 0 and None where they are not known.
    """

    nodes: Mapping[str, NodeCost]
    params: Mapping[str, int]
    stored: Mapping[str, int]
    tensors: Mapping[str, tuple[str, ...]]
    owners: Mapping[str, str]
    outputs: Mapping[str, tuple[int, int | None]]

    @classmethod
    def of(cls, graph: Graph, device: Device, given: Given | None) -> Figures:
        """Cost a graph as written."""
        shapes = infer(graph, given)
        costed = cost_nodes(shapes)
        estimator = estimator_for(device)
        nodes = map(estimator, costed)
        return cls._of(shapes, costed, nodes, by_path(parameters_by_constant(costed)))

    @classmethod
    def of_cost(cls, cost: GraphCost) -> Figures:
        """Those of a graph that is costed, as a runtime executes it for one."""
        assert cost.shapes is not None
        return cls._of(cost.shapes, cost_nodes(cost.shapes), cost.nodes, cost.params)

    @classmethod
    def _of(
        cls,
        shapes: Shapes,
        costed: Sequence[Costed],
        nodes: Iterable[NodeCost],
        params: Mapping[str, int],
    ) -> Figures:
        graph = shapes.graph
        return cls(
            {node.name: node for node in nodes},
            params,
            _stored(graph),
            dict(map(_tensors, costed)),
            _owners(graph, costed),
            {name: _type(shapes, name) for name in graph.outputs},
        )

    def total(self) -> dict[str, Number]:
        """The sum of each figure; what is not costed adds nothing."""
        constants = {"params": sum(self.params.values()), "param_bytes": sum(self.stored.values())}
        return self.of_nodes(self.nodes) | constants

    def of_nodes(self, names: Iterable[str]) -> dict[str, Number]:
        """The sum over these nodes; those without a cost of their own add nothing."""
        costs = [self.nodes[name] for name in names if name in self.nodes]
        return {f: sum(getattr(c, f) or 0 for c in costs) for f in OF_NODES}


def _type(shapes: Shapes, name: str) -> tuple[int, int | None]:
    info = shapes.get(name)
    if info is None:
        return 0, None
    return info.dtype, None if info.shape is None else len(info.shape)


def _owners(graph: Graph, costed: Iterable[Costed]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for inner, node in graph.walk():
        for body in inner.subgraphs(node).values():
            names = (*(n.id for n in body), *body.initializers)
            owners.update((body.prefix + name, inner.path(node)) for name in names)
    calls = {  # what stands before the names of a function's nodes
        body.graph.prefix: c.cost.name
        for c in costed
        for (node_id, name), body in c.scope.bodies.items()
        if name == "function" and node_id == c.node.id
    }
    prefixes = {c.cost.name: c.scope.graph.prefix for c in costed}
    return owners | {name: calls[prefix] for name, prefix in prefixes.items() if prefix in calls}


def _stored(graph: Graph) -> dict[str, int]:
    sizes = {graph.prefix + name: stored_bytes(t) for name, t in graph.initializers.items()}
    for node in graph:
        own = param_bytes(of_attributes(node, graph.header.source))
        if own:
            sizes[graph.path(node)] = own
        for body in graph.subgraphs(node).values():
            sizes |= _stored(body)
    return sizes


def _tensors(costed: Costed) -> tuple[str, tuple[str, ...]]:
    scope = costed.scope
    names = [t for t in (*costed.node.inputs, *costed.node.outputs) if t]
    keys = [key for name in names for key in scope.homes(name)]
    constant = [name for name in names if (info := scope.get(name)) and info.constant]
    keys += [key for name in constant for key, _, _ in leaves(scope, name)]
    return costed.cost.name, tuple(home.graph.prefix + name for home, name in dict.fromkeys(keys))
