"""Which node of one graph became which of the other.

By name, then by the tensor that a node makes, then by dataflow: equal operators that read
corresponding tensors, found forwards from the inputs, backwards from the outputs, and by looking
past nodes that were removed or added next to a pair already found. So a graph whose nodes were all
renamed does not show as all new. Linear in the nodes.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..graph import Graph, Node

How = Literal["name", "tensor", "dataflow"]

# How far past removed or added nodes to look, and at how many of them.
_REACH = 3
_LOOKED_AT = 12


@dataclass(eq=False)
class _Side:
    """One graph's nodes by path, with what is matched so far."""

    graph: Graph
    weight: Mapping[str, object]  # by path: what else has to be equal, such as MACs
    partner: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nodes: dict[str, tuple[Graph, Node]] = {
            g.path(n): (g, n) for g, n in self.graph.walk()
        }

    def kind(self, path: str) -> Hashable:
        """What must be equal for two nodes to be the same operation."""
        node = self.nodes[path][1]
        return node.op_type, node.domain, self.weight.get(path)

    def after(self, path: str) -> list[str]:
        graph, node = self.nodes[path]
        return [graph.path(r) for o in node.outputs if o for r, _ in graph.consumers(o)]

    def before(self, path: str) -> list[str]:
        graph, node = self.nodes[path]
        makers = (graph.producer(i) for i in node.inputs if i)
        return [graph.path(m) for m in makers if m is not None]

    def open(self) -> Iterator[str]:
        return (path for path in self.nodes if path not in self.partner)


def match(
    before: Graph, after: Graph, macs: tuple[Mapping[str, object], Mapping[str, object]] = ({}, {})
) -> dict[str, tuple[str, How]]:
    """Pair the nodes of two graphs, bodies included.

    Parameters
    ----------
    before, after
        Root graphs.
    macs
        MACs by node path of each side, where known: equal ones tell renamed nodes apart.

    Returns
    -------
    dict
        Path in ``before`` to (path in ``after``, what the match rests on).
    """
    a, b = _Side(before, macs[0]), _Side(after, macs[1])
    found: dict[str, tuple[str, How]] = {}

    def pair(x: str, y: str, how: How) -> None:
        found[x] = y, how
        a.partner[x], b.partner[y] = y, x

    for path, (_, node) in a.nodes.items():
        other = b.nodes.get(path)
        if other is not None and other[1].op_type == node.op_type:
            pair(path, path, "name")
    for x, y in _by_key(a, _made_tensors(a), b, _made_tensors(b)):
        pair(x, y, "tensor")
    for x, y in _by_stem(a, b):
        pair(x, y, "name")
    for forwards in (True, False):
        for x, y in _by_key(a, _structure(a, forwards), b, _structure(b, forwards)):
            pair(x, y, "dataflow")
    _spread(a, b, list(found), lambda x, y: pair(x, y, "dataflow"))
    for path in a.nodes:  # the same name, another operator: Conv -> FusedConv
        if path not in a.partner and path in b.nodes and path not in b.partner:
            pair(path, path, "name")
    return found


# What onnxruntime appends to the name of a node, or of the tensor a node makes, when it fuses.
_SUFFIX = re.compile(r"(_token_\d+|_nchwc|_bn_nchwc|_mul_nchwc|/\w+Fusion/*|_quant)+$")
# Operators that it makes of one another.
_FAMILIES = (
    {"Conv", "FusedConv", "NhwcFusedConv", "QLinearConv", "ConvInteger"},
    {"MatMul", "Gemm", "FusedMatMul", "FusedGemm", "MatMulInteger", "QLinearMatMul", "QGemm"},
)


def _family(node: Node) -> str:
    return next((min(f) for f in _FAMILIES if node.op_type in f), node.op_type)


def _by_stem(a: _Side, b: _Side) -> list[tuple[str, str]]:
    """Pairs by names without such a suffix: a node's own, or a tensor's that the fused one makes.

    A fused node may make what an activation or a BatchNormalization made before: the operator
    that it stands for is a few steps above.
    """
    makers: dict[str, str] = {}
    for path, (graph, node) in a.nodes.items():
        makers.update((graph.prefix + output, path) for output in node.outputs if output)
        makers.setdefault(path, path)
    pairs: dict[str, str] = {}
    for path in b.open():
        graph, node = b.nodes[path]
        for name in (path, *(graph.prefix + output for output in node.outputs if output)):
            stem = _SUFFIX.sub("", name)
            origin = makers.get(stem) if stem != name else None
            for _ in range(_REACH + 1):
                if origin is None or _family(a.nodes[origin][1]) == _family(node):
                    break
                origin = next(iter(a.before(origin)), None)
            else:
                origin = None
            if origin is not None and origin not in a.partner and origin not in pairs:
                pairs[origin] = path
                break
    return list(pairs.items())


def _made_tensors(side: _Side) -> dict[str, Hashable]:
    """By path: the operator and the tensor that it makes."""
    return {
        path: (graph.prefix, node.outputs[:1], node.op_type, node.domain)
        for path, (graph, node) in side.nodes.items()
    }


def _by_key(
    a: _Side, keys_a: Mapping[str, Hashable], b: _Side, keys_b: Mapping[str, Hashable]
) -> list[tuple[str, str]]:
    """Pairs of open nodes of equal keys, in order."""
    waiting: dict[Hashable, deque[str]] = {}
    for path in b.open():
        waiting.setdefault(keys_b[path], deque()).append(path)
    queues = ((path, waiting.get(keys_a[path])) for path in a.open())
    return [(path, queue.popleft()) for path, queue in queues if queue]


def _structure(side: _Side, forwards: bool) -> dict[str, Hashable]:
    """A hash of each node's operator and of what it reads (or of what reads it), all the way."""
    hashes: dict[str, Hashable] = {}
    paths: Iterable[str] = side.nodes if forwards else reversed(side.nodes)
    for path in paths:
        graph, node = side.nodes[path]
        if forwards:
            around: tuple[Hashable, ...] = tuple(
                _read_hash(side, graph, name, hashes) for name in node.inputs
            )
        else:
            around = tuple(
                (slot, tuple(sorted(_reader_hashes(side, graph, name, hashes))))
                for slot, name in enumerate(node.outputs)
                if name
            )
        hashes[path] = hash((side.kind(path), around))
    return hashes


def _anchor(side: _Side, path: str, hashes: Mapping[str, Hashable]) -> Hashable:
    """A node that has a partner stands for the pair, by the name it has before."""
    partner = side.partner.get(path)
    if partner is None:
        return hashes.get(path, 0)
    return max(path, partner)


def _read_hash(side: _Side, graph: Graph, name: str, hashes: Mapping[str, Hashable]) -> Hashable:
    maker = graph.producer(name)
    if maker is not None:
        return _anchor(side, graph.path(maker), hashes), maker.outputs.index(name)
    constant = graph.constant(name)
    if constant is not None:
        return constant.dtype, constant.shape
    return name


def _reader_hashes(
    side: _Side, graph: Graph, name: str, hashes: Mapping[str, Hashable]
) -> Iterator[tuple[str, str]]:
    if name in graph.outputs:
        yield "output", str(graph.outputs.index(name))
    for reader, key in graph.consumers(name):
        yield str(_anchor(side, graph.path(reader), hashes)), str(key)


def _spread(
    a: _Side,
    b: _Side,
    found: list[str],
    pair: Callable[[str, str], None],
) -> None:
    """From each pair on, pair the nearest open neighbours that do the same."""
    todo = deque((x, a.partner[x]) for x in found)
    while todo:
        x, y = todo.popleft()
        for step_a, step_b in ((a.after, b.after), (a.before, b.before)):
            near: dict[Hashable, str] = {}
            for path in _near(b, y, step_b):
                near.setdefault(b.kind(path), path)
            for path in _near(a, x, step_a):
                other = near.pop(a.kind(path), None)
                if other is not None:
                    pair(path, other)
                    todo.append((path, other))


def _near(side: _Side, start: str, step: Callable[[str], list[str]]) -> list[str]:
    """Open nodes within reach of a node, through open nodes only, nearest first."""
    found: dict[str, None] = {}
    layer = [start]
    for _ in range(_REACH):
        layer = [
            path
            for at in layer
            for path in step(at)[:_LOOKED_AT]
            if path not in side.partner and path not in found
        ]
        found.update(dict.fromkeys(layer))
        if not layer or len(found) > _LOOKED_AT:
            break
    return list(found)
