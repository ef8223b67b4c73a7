"""From a graph to a working one: constants as constants, calls of the model's functions inlined."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...graph.errors import OcostError
from ...graph.functions import MOST_INLINED, inlined_nodes, shares_bodies
from ...graph.graph import Graph
from ...graph.load import instantiate
from ...graph.node import Node
from ...graph.shapes.fold import fold
from ...graph.shapes.info import ShapeCall
from ...graph.tensor import Tensor
from .inference import dtype_of, from_proto, infer
from .node import WorkNode
from .sizes import Sizes
from .target import Target
from .work import Constant, Type, Work


class TooManyError(OcostError):
    """Raised of a graph whose functions come to more nodes than rules could go through."""


def read(graph: Graph, target: Target, sizes: Sizes | None = None) -> Work:
    """The working copy of a root graph; the graph itself is left as it is.

    ``sizes`` are those of inputs instead of what the file says, which then says nothing of the
    tensors behind them either.

    Raises
    ------
    TooManyError
        If its functions, all calls of which are inlined, come to too many nodes.
    """
    if shares_bodies(graph):
        raise TooManyError(
            f"{graph.header.source.path or graph.name}: its functions come to "
            f"{inlined_nodes(graph)} nodes once all calls are inlined; of over {MOST_INLINED} "
            "nodes only the cost as written is known (--level written)"
        )
    return _Reader(target, sizes or {}).scope(graph, None)


class _Reader:
    def __init__(self, target: Target, sizes: Sizes) -> None:
        self._target, self._sizes = target, sizes

    def scope(self, graph: Graph, parent: Work | None) -> Work:
        work = Work(self._target, graph.opset, parent)
        work.original = graph
        names = work.root.names
        names |= {*graph.live_tensors(), *graph.declared}
        work.root.node_names.update(node.name or node.id for node in graph)
        work.declared = {n: from_proto(v.type) for n, v in graph.declared.items()}
        work.inputs = tuple(n for n in graph.inputs if n not in graph.initializers)
        for name, shape in self._sizes.items() if parent is None else ():
            work.declared[name] = Type(work.declared[name].dtype, shape)
        if self._sizes:
            work.declared = {n: k for n, k in work.declared.items() if n in graph.inputs}
        for name in work.inputs:
            if name in work.declared:
                work.types[name] = work.declared[name]
        for name, tensor in graph.initializers.items():
            store(work, name, tensor)
            if graph.overridable(name):
                work.overridable.add(name)
        work.set_graph_outputs(graph.outputs)
        calls: list[tuple[Graph, Node, Mapping[str, str], WorkNode]] = []
        for node in graph:
            self._node(work, graph, node, {}, calls)
        for scope, node, names_of, placeholder in calls:  # it grows
            self._inline(work, scope, node, names_of, placeholder, calls)
        if calls:
            for inner in work.order():
                infer(work, inner)
        return work

    def _node(
        self,
        work: Work,
        graph: Graph,
        node: Node,
        names: Mapping[str, str],
        calls: list[tuple[Graph, Node, Mapping[str, str], WorkNode]],
    ) -> None:
        made = WorkNode(
            node.op_type,
            [names.get(t, t) for t in node.inputs],
            [names.get(t, t) for t in node.outputs],
            node.attributes,
            domain=node.domain,
            name=node.name or node.id,
            covers=(graph.path(node),),
            source=node,
        )
        if node.op_type == "Constant" and not node.domain:
            constant(work, graph, node, made)
            return
        made.captures = tuple(names.get(t, t) for t in graph.captures(node))
        for name, body in graph.subgraphs(node).items():
            made.bodies[name] = self.body(work, body, names)
        work.insert(made)
        if graph.function(node) is not None:
            calls.append((graph, node, names, made))
        else:
            infer(work, made)

    def body(self, work: Work, graph: Graph, names: Mapping[str, str]) -> Work:
        body = self.scope(graph, work)
        for old, new in names.items():
            body.recapture(old, new)
        return body

    def _inline(
        self,
        work: Work,
        graph: Graph,
        node: Node,
        names: Mapping[str, str],
        call: WorkNode,
        calls: list[tuple[Graph, Node, Mapping[str, str], WorkNode]],
    ) -> None:
        """Put the nodes of a function in the place of a call of it."""
        function = graph.function(node)
        assert function is not None  # the caller has looked
        body = instantiate(graph, node, function)
        work.detach(call)
        work.root.fates[graph.path(node)] = "inlined"
        inner: dict[str, str] = dict(zip(body.inputs, call.inputs, strict=False))
        inner.update(zip(body.outputs, call.outputs, strict=False))
        for member in body:
            for tensor in member.outputs:
                if tensor and tensor not in inner:
                    inner[tensor] = work.fresh(body.prefix + tensor)
        for name, value in body.declared.items():
            if name in inner:
                work.declared.setdefault(inner[name], from_proto(value.type))
        for member in body:
            self._node(work, body, member, inner, calls)


def body_of(work: Work, graph: Graph, names: Mapping[str, str]) -> Work:
    """The working copy of a body, for a node that is put in; ``names`` are new ones outside."""
    return _Reader(work.target, {}).body(work, graph, names)


def store(work: Work, name: str, tensor: Tensor) -> None:
    """Take in a constant of the file."""
    work.constants[name] = Constant(tensor.dtype, tensor.shape, tensor)
    work.types[name] = Type(tensor.dtype, tensor.shape)


def constant(work: Work, graph: Graph, node: Node, made: WorkNode) -> None:
    """Make an initializer of a Constant node."""
    name = made.outputs[0]
    proto = node.tensor("value")
    sparse = node.attributes.get("sparse_value")
    if proto is not None or sparse is not None:
        held = proto if proto is not None else sparse.sparse_tensor  # type: ignore[union-attr] # one of both is there
        store(work, name, Tensor.from_proto(held, graph.header.source, name))
    else:
        folded = fold(ShapeCall(node, []), 1 << 20)
        if folded is None:
            work.insert(made)
            infer(work, made)
            return
        value = np.asarray(folded[0])
        work.settle(name, Constant(dtype_of(value), value.shape, None, value))
    for original in made.covers:
        work.root.fates[original] = "folded"
