"""Which node of a saved graph each event of its profile belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...graph import Graph, Node, OcostError
from .trace import Body, Event

Pairs = list[tuple[Node, Event]]


@dataclass(slots=True)
class Spent:
    """A node's part in one run; ``bodies`` is how often it ran one of its own."""

    microseconds: int = 0
    events: int = 0
    bodies: int = 0
    provider: str = field(default="", compare=False)


@dataclass(slots=True)
class Aligner:
    """Sums up the events of a run by the paths of a graph's nodes.

    In the session that saved the graph they have the nodes' names. Else, and where nodes have no
    names, they come in the order of the root's nodes; that of a body's nodes may be another.
    Constants in bodies are saved, but not executed.
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
        pairs = self._pairs(run.events, self.graph)
        if pairs is None:
            raise OcostError(
                f"the profile is not of this graph: it executes {len(run.events)} nodes in a run, "
                f"the graph has {len(self._executed(self.graph))}; "
                "save the optimised graph in the session that is profiled"
            )
        found: dict[str, Spent] = {}
        self._add(pairs, self.graph, found)
        return found

    def _executed(self, graph: Graph) -> list[Node]:
        if id(graph) not in self._nodes:
            self._nodes[id(graph)] = [node for node in graph if node.op_type != "Constant"]
        return self._nodes[id(graph)]

    def _add(self, pairs: Pairs, graph: Graph, found: dict[str, Spent]) -> None:
        for node, event in pairs:
            spent = found.setdefault(graph.path(node), Spent())
            spent.microseconds += event.own_us
            spent.events += 1
            spent.bodies += len(event.bodies)
            spent.provider = event.provider
            for body in event.bodies:
                self._add(*self._body(graph, node, body), found)

    def _body(self, graph: Graph, node: Node, body: Body) -> tuple[Pairs, Graph]:
        """The one of a node's bodies that was executed: the branch that an If took."""
        possible = [
            (pairs, scope)
            for scope in graph.subgraphs(node).values()
            if (pairs := self._pairs(body.events, scope)) is not None
        ]
        if not possible:
            raise OcostError(
                f"the profile is not of this graph: no body of '{graph.path(node)}' has the "
                f"{len(body.events)} nodes that it executes"
            )
        return max(possible, key=lambda one: sum(n.name == e.name for n, e in one[0]))

    def _pairs(self, events: Sequence[Event], graph: Graph) -> Pairs | None:
        """Each event's node, or None if the events can't be the graph's."""
        nodes = self._executed(graph)
        named = {node.name: node for node in nodes}
        if len(named) == len(nodes) == len(events) and named.keys() == {e.name for e in events}:
            return [(named[event.name], event) for event in events]
        if [n.op_type for n in nodes] == [e.op_type for e in events]:
            return list(zip(nodes, events, strict=True))
        if Counter(n.op_type for n in nodes) != Counter(e.op_type for e in events):
            return None
        left = list(nodes)  # a body with nodes that have no names
        pairs = []
        for event in events:
            alike = [node for node in left if node.op_type == event.op_type]
            chosen = next((node for node in alike if node.name == event.name), alike[0])
            left.remove(chosen)
            pairs.append((chosen, event))
        return pairs
