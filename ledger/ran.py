"""A graph as a runtime executes it, with what is known of every node."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..costmodel import GraphCost, NodeCost
from ..graph import Graph, Node
from ..lineage.attribution import Attribution, Executed
from ..lineage.covers import INSERTED


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
    attribution: Attribution
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

    def origin(self, scope: Graph, tensor: str) -> str:
        """The written tensor that an executed one holds."""
        path = scope.prefix + tensor
        return self.attribution.tensors.get(path, path)

    def makes(self, path: str) -> tuple[str, ...]:
        """The written tensors that a node makes."""
        scope, node = self.nodes[path]
        return tuple(self.origin(scope, tensor) for tensor in node.outputs if tensor)

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
