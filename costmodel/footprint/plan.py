"""Which tensors share a buffer, and when each buffer is there: onnxruntime's allocation plan.

The runtime makes it when a model is opened, from the shapes that it knows then. An output of a
node takes, in this order,

1. nothing of its own if it is a view of an input (``VIEWS``),
2. the buffer of an input that dies with the node, if the operator may write over it (``IN_PLACE``)
   and the shapes are the same,
3. the last buffer to fall idle of those of its shape and size of element: it stays allocated from
   its first tensor to its last, idle in between,
4. a buffer of its own.

Inputs of the graph are the caller's, weights the session's: neither is written over. An output of
the graph always has a buffer of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from ...graph import Graph, Node
from .operators import IN_PLACE, VIEWS

Size = Callable[[str], Hashable]


class Step(NamedTuple):
    """A node in the order of execution: the buffers that it allots, and those freed after it.

    A buffer is named by the first tensor in it.
    """

    node: Node
    allots: tuple[str, ...]
    frees: tuple[str, ...]


class Plan(NamedTuple):
    """The steps, and the buffer that each tensor lies in."""

    steps: tuple[Step, ...]
    buffer: Mapping[str, str]


def plan(graph: Graph, nodes: Sequence[Node], alike: Size) -> Plan:
    """The plan of a graph or a body.

    Parameters
    ----------
    graph
        What is executed.
    nodes
        Its nodes in the order of execution.
    alike
        Of a tensor: its shape and size of element as the runtime knows them when it opens the
        model, equal for two tensors that fit each other's buffer; None where it knows too little.
    """
    return Plan(*_Planner(graph, nodes, alike).run())


class _Planner:
    def __init__(self, graph: Graph, nodes: Sequence[Node], alike: Size) -> None:
        self._graph, self._nodes, self._alike = graph, nodes, cache(alike)
        self._kept = set(graph.outputs)
        self._buffer: dict[str, str] = {}
        self._uses = Counter(graph.outputs)
        for node in nodes:
            self._uses.update(self._reads(node))
            self._uses.update(filter(None, node.outputs))
        self._made = {name for node in nodes for name in node.outputs if name}
        for name in self._uses.keys() - self._made:
            self._uses[name] += 1  # who made it keeps it
        self._idle: dict[Hashable, list[str]] = {}  # by what fits it, the last to fall idle last

    def _reads(self, node: Node) -> Iterator[str]:
        yield from filter(None, node.inputs)
        yield from self._graph.captures(node)

    def _home(self, name: str) -> str:
        return self._buffer.get(name, name)

    def run(self) -> tuple[tuple[Step, ...], dict[str, str]]:
        steps = [(node, tuple(self._allot(node))) for node in self._nodes]
        # ``_allot`` lets buffers fall idle that are taken again later: they go after their last.
        last: dict[str, int] = {}
        for at, node in enumerate(self._nodes):
            for name in (*self._reads(node), *filter(None, node.outputs)):
                last[self._home(name)] = at
        frees: list[list[str]] = [[] for _ in steps]
        kept = {self._home(name) for name in self._kept}
        for home, at in last.items():
            if home in self._made and home not in kept:
                frees[at].append(home)
        return (
            tuple(Step(n, a, tuple(f)) for (n, a), f in zip(steps, frees, strict=True)),
            self._buffer,
        )

    def _allot(self, node: Node) -> Iterator[str]:
        for slot, name in enumerate(node.outputs):
            if not name:
                continue
            taken = None if name in self._kept else self._taken(node, slot, name)
            self._buffer[name] = self._home(taken) if taken else name
            if taken:
                self._uses[self._home(taken)] += self._uses[name]
            else:
                yield name
        for name in (*self._reads(node), *filter(None, node.outputs)):
            home = self._home(name)
            self._uses[home] -= 1
            if not self._uses[home]:
                self._idle.setdefault(self._alike(home), []).append(home)

    def _taken(self, node: Node, slot: int, name: str) -> str | None:
        """A tensor whose buffer an output takes over."""
        kind = (node.domain, node.op_type)
        inputs = node.inputs
        viewed = VIEWS.get(kind, {}).get(slot)
        if viewed is not None and viewed < len(inputs) and inputs[viewed]:
            return inputs[viewed]
        wanted = self._alike(name)
        if wanted is None:
            return None
        for read, made in IN_PLACE.get(kind, ()):
            if made == slot and read < len(inputs) and inputs[read]:
                dies = self._uses[self._home(inputs[read])] == 1
                if dies and self._alike(inputs[read]) == wanted:
                    return inputs[read]
        idle = self._idle.get(wanted)
        return idle.pop() if idle else None
