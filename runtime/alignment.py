"""Which node of a saved graph each event of its profile belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..graph import Graph, Node, OcostError
from .trace import Body, Event


@dataclass(slots=True)
class Spent:
    """A node's part in one run."""

    microseconds: int = 0
    events: int = 0


@dataclass(slots=True)
class Aligner:
    """Sums up the events of a run by the paths of a graph's nodes.

    The k-th event of a run is the k-th node of the graph that the session saved; a body's nodes
    stand in its own events, one execution a trip. Constants in bodies are saved, but not executed.
    """

    graph: Graph
    _nodes: dict[int, list[Node]] = field(default_factory=dict)

    def spent(self, run: Body) -> dict[str, Spent]:
        """By path: the nodes that the run executed.

        Raises
        ------
        OcostError
            If the events are not those of the graph.
        """
        if self._agreement(run.events, self.graph) is None:
            raise OcostError(
                f"the profile is not of this graph: it executes {len(run.events)} nodes in a run, "
                f"the graph has {len(self._executed(self.graph))}; "
                "save the optimised graph in the session that is profiled"
            )
        found: dict[str, Spent] = {}
        self._add(run.events, self.graph, found)
        return found

    def _executed(self, graph: Graph) -> list[Node]:
        if id(graph) not in self._nodes:
            self._nodes[id(graph)] = [node for node in graph if node.op_type != "Constant"]
        return self._nodes[id(graph)]

    def _add(self, events: Sequence[Event], graph: Graph, found: dict[str, Spent]) -> None:
        for node, event in zip(self._executed(graph), events, strict=True):
            spent = found.setdefault(graph.path(node), Spent())
            spent.microseconds += event.own_us
            spent.events += 1
            for body in event.bodies:
                self._add(body.events, self._body(graph, node, body), found)

    def _body(self, graph: Graph, node: Node, body: Body) -> Graph:
        """The one of a node's bodies that was executed: the branch that an If took."""
        rated = [
            (agreement, scope)
            for scope in graph.subgraphs(node).values()
            if (agreement := self._agreement(body.events, scope)) is not None
        ]
        if not rated:
            raise OcostError(
                f"the profile is not of this graph: no body of '{graph.path(node)}' has the "
                f"{len(body.events)} nodes that it executes"
            )
        return max(rated, key=lambda pair: pair[0])[1]

    def _agreement(self, events: Sequence[Event], graph: Graph) -> int | None:
        """How many events have their node's name; None if they can't be of the graph."""
        nodes = self._executed(graph)
        if [e.op_type for e in events] != [n.op_type for n in nodes]:
            return None
        return sum(e.name == n.name for e, n in zip(events, nodes, strict=True))
