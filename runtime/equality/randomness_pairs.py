"""Which random node of one graph became which of the other.

Any pairing of nodes that draw of the same distribution proves two models equal if their outputs
are, since all draws are independent. A wrong one only hides that they are; so nodes are paired
by what became of them, and never by their position.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence

from onnx import AttributeProto

from ...graph import Graph, Node, OcostError
from .randomness_nodes import Draw

Key = tuple[int, str]  # a graph and a tensor in it

_SMALL = 64  # elements or bytes of a constant that tells two places apart


def pair(
    graphs: tuple[Graph, Graph], before: Sequence[Draw], after: Sequence[Draw]
) -> list[tuple[Draw, Draw]]:
    """Pairs of nodes that draw the same and stand at the same place in the flow of data.

    The same place is: all that they read and all that reads them is equal, under the same name
    and then under another. What is left is paired by how much of it is, the most alike first.
    """
    places = [_Places(graph) for graph in graphs]
    found: list[tuple[Draw, Draw]] = []
    left = list(before), list(after)

    def take(keys: tuple[dict[Draw, Hashable], dict[Draw, Hashable]]) -> None:
        waiting: dict[Hashable, deque[Draw]] = defaultdict(deque)
        for draw in left[1]:
            waiting[keys[1][draw]].append(draw)
        for draw in list(left[0]):
            if queue := waiting.get(keys[0][draw]):
                found.append((draw, queue.popleft()))
                left[0].remove(draw)
                left[1].remove(found[-1][1])

    at = [{d: place.of(d) for d in side} for place, side in zip(places, left, strict=True)]
    named: list[dict[Draw, Hashable]] = [
        {d: (d.node.outputs, d.signature, where[d]) for d in side}
        for where, side in zip(at, left, strict=True)
    ]
    unnamed: list[dict[Draw, Hashable]] = [
        {d: (d.signature, where[d]) for d in side} for where, side in zip(at, left, strict=True)
    ]
    take((named[0], named[1]))
    take((unnamed[0], unnamed[1]))
    where = at[0] | at[1]
    scores = [
        (_likeness(x, y, where[x], where[y]), i, j)
        for i, x in enumerate(left[0])
        for j, y in enumerate(left[1])
        if x.signature == y.signature
    ]
    rest = [list(side) for side in left]
    taken: tuple[set[int], set[int]] = (set(), set())
    for _, i, j in sorted(scores, key=lambda score: (-score[0], *score[1:])):
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            found.append((rest[0][i], rest[1][j]))
    return found


def _likeness(x: Draw, y: Draw, at: tuple[int, int], to: tuple[int, int]) -> float:
    """How much two nodes are alike: by what reads them, what they read, and their names."""
    score = 2.0 * (at[1] == to[1]) + 2.0 * (bool(x.above) and at[0] == to[0])
    score += _shared(x.below, y.below) + _shared(x.above, y.above)
    return score + 0.25 * (x.node.outputs[:1] == y.node.outputs[:1])


def _shared(x: frozenset[str], y: frozenset[str]) -> float:
    return len(x & y) / len(x | y) if x or y else 0.0


class _Places:
    """A hash of all that a node reads, and one of all that reads it, up to inputs and outputs."""

    def __init__(self, graph: Graph) -> None:
        self._reads: dict[Key, Hashable] = {}
        self._ways: dict[Key, list[Hashable]] = defaultdict(list)
        self._forward(graph)
        for name in graph.outputs:
            self._ways[id(graph), name].append(hash(("output", name)))
        self._backward(graph)

    def of(self, draw: Draw) -> tuple[int, int]:
        """The hashes of what a node reads, and of what reads it."""
        reads = tuple(self._read(draw.scope, name) for name in draw.node.inputs)
        return hash(reads), hash(tuple(self._way(draw.scope, name) for name in draw.node.outputs))

    def _forward(self, graph: Graph) -> None:
        for name, tensor in graph.initializers.items():
            contents: Hashable = name
            if tensor.size <= _SMALL:
                try:
                    contents = tensor.data().tobytes()
                except OcostError:  # what can't be read is told by its name
                    contents = name
            self._reads[id(graph), name] = hash((tensor.dtype, tensor.shape, contents))
        for node in graph:
            captured = (self._read(graph, name) for name in graph.captures(node))
            inputs = tuple(self._read(graph, name) for name in node.inputs)
            made = hash((_work(node), inputs, tuple(captured)))
            for slot, name in enumerate(node.outputs):
                self._reads[id(graph), name] = hash((made, slot))
            for at, body in graph.subgraphs(node).items():
                for slot, name in enumerate(body.inputs):
                    self._reads[id(body), name] = hash((made, at, slot))
                self._forward(body)

    def _backward(self, graph: Graph) -> None:
        for node in reversed(list(graph)):
            ways = tuple(self._way(graph, name) for name in node.outputs)
            for at, body in graph.subgraphs(node).items():
                for slot, name in enumerate(body.outputs):
                    self._ways[self._home(body, name)].append(hash((at, slot, ways)))
                self._backward(body)
            inputs = [self._read(graph, name) for name in node.inputs]
            for slot, name in enumerate(node.inputs):
                if name:
                    beside = (*inputs[:slot], *inputs[slot + 1 :])
                    way = hash((_work(node), slot, beside, ways))
                    self._ways[self._home(graph, name)].append(way)

    def _read(self, graph: Graph, name: str) -> Hashable:
        return self._reads.get(self._home(graph, name), name)

    def _way(self, graph: Graph, name: str) -> Hashable:
        return tuple(sorted(map(hash, self._ways.get((id(graph), name), ()))))

    def _home(self, graph: Graph, name: str) -> Key:
        scope = graph
        while scope.parent is not None and not (
            name in scope.initializers or name in scope.inputs or scope.producer(name)
        ):
            scope = scope.parent
        return id(scope), name


def _work(node: Node) -> Hashable:
    return node.op_type, node.domain, tuple(sorted(_attributes(node.attributes.values())))


def _attributes(attributes: Iterable[AttributeProto]) -> Iterable[tuple[str, bytes]]:
    for attribute in attributes:
        if attribute.HasField("g") or attribute.graphs:
            yield attribute.name, b""
        elif attribute.ByteSize() <= 16 * _SMALL:
            yield attribute.name, attribute.SerializeToString(deterministic=True)
        else:
            yield attribute.name, str(list(attribute.t.dims)).encode()
