"""A graph as a runtime executes it, with what is known of every node."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..costmodel import GraphCost, NodeCost
from ..graph import Graph, Node
from ..lineage.lineage import INSERTED, Executed, Lineage


@dataclass(frozen=True)
class Ran:
    """A graph as the runtime executes it.

    Parameters
    ----------
    graph
        What the runtime saved, or what rules say.
    attribution
        Of its nodes to those of the written graph.
    cost
        At ``executed``.
    seconds
        Measured, by node, where anything was; a node that was not executed has none.
    """

    graph: Graph
    attribution: Lineage
    cost: GraphCost
    seconds: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> Mapping[str, tuple[Graph, Node]]:
        """By path, in order."""
        return {scope.path(node): (scope, node) for scope, node in self.graph.walk()}

    @cached_property
    def costs(self) -> Mapping[str, NodeCost]:
        """By path; of both branches of an If only the one that counts."""
        return {node.name: node for node in self.cost.nodes}

    @cached_property
    def covers(self) -> Mapping[str, Executed]:
        """By path: what a node stands for."""
        return {node.name: node for node in self.attribution.executed}

    def beside(self, path: str) -> list[str]:
        """Nodes that make what a node reads, or read what it makes; of one in a body its owner."""
        scope, node = self.nodes[path]
        makers = (scope.producer(tensor) for tensor in (*node.inputs, *scope.captures(node)))
        found = [scope.path(maker) for maker in makers if maker is not None]
        for tensor in filter(None, node.outputs):
            found += [scope.path(reader) for reader, _ in scope.consumers(tensor)]
        for body in scope.subgraphs(node).values():
            found += [body.path(inner) for inner in body]
        return found + ([self.owners[id(scope)]] if id(scope) in self.owners else [])

    @cached_property
    def owners(self) -> Mapping[int, str]:
        """By the id of a body: the node whose body it is."""
        return {
            id(body): scope.path(node)
            for scope, node in self.graph.walk()
            for body in scope.subgraphs(node).values()
        }

    def origin(self, scope: Graph, tensor: str) -> str | None:
        """The written tensor that an executed one holds; None where that is not known."""
        return self.attribution.tensors.get(scope.prefix + tensor)

    def makes(self, path: str) -> tuple[str, ...]:
        """The written tensors that a node makes, as far as they are known."""
        scope, node = self.nodes[path]
        origins = (self.origin(scope, tensor) for tensor in node.outputs if tensor)
        return tuple(origin for origin in origins if origin is not None)

    def originals(self, path: str) -> tuple[str, ...]:
        """The written nodes that a node stands for."""
        cover = self.covers.get(path)
        return () if cover is None else cover.originals

    def inserted(self, path: str) -> bool:
        """Whether the runtime put a node there to change a layout or a type."""
        cover = self.covers.get(path)
        return cover is not None and cover.status in INSERTED

    def work(self, path: str, of_cost: Callable[[NodeCost], Hashable]) -> Hashable:
        """What is equal of nodes that do the same: the operator, and what it costs."""
        cost = self.costs.get(path)
        return self.nodes[path][1].qualified_type, None if cost is None else of_cost(cost)
