"""The part of two graphs in which they differ, cut out with what stands around it.

Whoever tries many small changes of a large graph lowers that part alone. What a runtime does with a
node depends on its neighbours. Fusions look at chains: so the part reaches some nodes far. And a
layout is handed on from node to node until one chooses its own: so it reaches as far as that too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from heapq import heappop, heappush
from math import prod
from typing import NamedTuple

from onnx import helper

from ..graph import Graph, Node
from ..graph.dtypes import INT32, INT64
from ..graph.shapes import Given, Info, Shapes, infer
from ..passes.lowering import Target, types_of
from ..passes.lowering.work import Type

_REACH = 10  # nodes that the part reaches beyond what differs
_CONV = 6  # as many of them counts a convolution
_CHOOSE = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm"})  # their layout, whatever is handed
_RANK = 4  # of tensors that have layouts
_FEW = 40  # nodes of a graph that is not worth cutting
_SMALL = 16  # elements of what may be a shape, whose makers have to be there


class Touched(NamedTuple):
    """The part of either graph, and the sizes of its inputs.

    ``before`` is the same object for each change of the same nodes.
    """

    before: Graph
    after: Graph
    given: Given


class Cutter:
    """Cuts out what other graphs change of one.

    Parameters
    ----------
    graph
        A root graph.
    target
        What it is lowered for.
    given
        Sizes of inputs.

    Raises
    ------
    OcostError
        If what is given contradicts the graph.
    """

    def __init__(self, graph: Graph, target: Target, given: Given | None) -> None:
        self._graph, self._given = graph, given or Given()
        self._target = target
        self._cuts: dict[frozenset[str], Graph] = {}
        self._known: tuple[Shapes, Mapping[str, Type]] | None = None

    def touched(self, after: Graph) -> Touched | None:
        """What another graph changes; None where that is much of it, or can't be cut out."""
        before = self._graph
        if len(before) < _FEW or before.outputs != after.outputs or before.inputs != after.inputs:
            return None
        gone, come = _differing(before, after), _differing(after, before)
        near = {n for n in _around(before, gone) - gone if n not in come}
        near |= {n for n in _around(after, come) - come if n not in gone}
        kept, now = gone | near, come | near
        for graph, part, start in ((before, kept, gone), (after, now, come)):
            self._hand_on(graph, part, start)
            self._complete(graph, part)
        kept, now = kept | (now - come), now | (kept - gone)
        if 2 * len(kept) > len(before):
            return None
        if any(g.subgraphs(g.node(n)) for g, part in ((before, kept), (after, now)) for n in part):
            return None
        inputs = dict.fromkeys([*_inputs(before, kept), *_inputs(after, now)])
        given = self._sizes(inputs)
        if given is None:
            return None
        key = frozenset(kept)
        if key not in self._cuts:
            self._cuts[key] = self._cut(before, kept)
        return Touched(self._cuts[key], self._cut(after, now), given)

    def _facts(self) -> tuple[Shapes, Mapping[str, Type]]:
        if self._known is None:
            types = types_of(self._graph, self._target, self._given)
            self._known = infer(self._graph, self._given), types
        return self._known

    def _hand_on(self, graph: Graph, part: set[str], start: Collection[str]) -> None:
        """Take in what some nodes hand their layouts on to, then what hands the part its own."""
        seen, stack = set(start), list(start)
        while stack:
            for tensor in filter(self._has_layout, graph.node(stack.pop()).outputs):
                found = {reader.id for reader, _ in graph.consumers(tensor)} - seen
                seen |= found
                stack += [n for n in found if graph.node(n).op_type not in _CHOOSE]
        part |= seen
        stack = list(part)
        while stack:
            node = graph.node(stack.pop())
            if node.op_type not in _CHOOSE:
                makers = map(graph.producer, filter(self._has_layout, node.inputs))
                found = {maker.id for maker in makers if maker is not None} - part
                part |= found
                stack += found

    def _has_layout(self, tensor: str) -> bool:
        """Whether a tensor may be blocked; one that only the other graph has may."""
        _, types = self._facts()
        kind = types.get(tensor)
        return bool(tensor) and (kind is None or kind.dims is None or len(kind.dims) == _RANK)

    def _complete(self, graph: Graph, part: set[str]) -> None:
        """Take in what makes constants and shapes that the part reads."""
        shapes, _ = self._facts()
        stack = list(_inputs(graph, part))
        while stack:
            name = stack.pop()
            info, maker = shapes.get(name), graph.producer(name)
            if info is None or maker is None or maker.id in part:
                continue
            if info.constant or _may_be_a_shape(info):
                part.add(maker.id)
                stack += [t for t in maker.inputs if t and t not in graph.initializers]

    def _sizes(self, inputs: Collection[str]) -> Given | None:
        """Sizes of a part's inputs; None if one is unknown, or no tensor."""
        shapes, types = self._facts()
        sizes = {}
        for name in inputs:
            info = shapes.get(name)
            if info is None or info.type is not None or info.resolved is None:
                return None
            if name not in types:
                return None
            sizes[name] = info.resolved
        values = {n: value for n, value in self._given.values.items() if n in sizes}
        return Given(sizes, values=values)

    def _cut(self, graph: Graph, part: Collection[str]) -> Graph:
        """A root graph of these nodes."""
        _, types = self._facts()
        made = Graph(graph.header, graph.skeleton, graph.opset)
        nodes = [node for node in graph if node.id in part]
        inputs = _inputs(graph, part)
        outputs = [
            tensor
            for node in nodes
            for tensor in node.outputs
            if tensor in graph.outputs or any(r.id not in part for r, _ in graph.consumers(tensor))
        ]
        read = {tensor for node in nodes for tensor in node.inputs} & graph.initializers.keys()
        made.initializers = {name: graph.initializers[name] for name in read}
        overridable = [name for name in read if graph.overridable(name)]
        made.set_interface([*inputs, *overridable], outputs)
        inner = {tensor for node in nodes for tensor in node.outputs}.union(overridable)
        made.declared = {n: value for n, value in graph.declared.items() if n in inner}
        for name in inputs:
            kind = types[name]
            made.declared[name] = helper.make_tensor_value_info(name, kind.dtype, kind.dims)
        for node in nodes:
            made.add_node(node)
        return made


def _differing(graph: Graph, other: Graph) -> set[str]:
    """Nodes of a graph that another has not, or that read another constant there."""
    found = {node.id for node in graph if node.id not in other or other.node(node.id) is not node}
    for name, tensor in graph.initializers.items():
        if other.initializers.get(name) is not tensor:
            found |= {reader.id for reader, _ in graph.consumers(name)}
    return found


def _around(graph: Graph, start: Collection[str]) -> set[str]:
    """Nodes within reach, these among them."""
    reached: dict[str, int] = {}
    queue = [(0, node_id) for node_id in start]
    while queue:
        far, node_id = heappop(queue)
        if node_id in reached:
            continue
        reached[node_id] = far
        node = graph.node(node_id)
        far += _CONV if far and node.op_type == "Conv" else 1
        if far <= _REACH:
            for other in _neighbours(graph, node):
                heappush(queue, (far, other))
    return set(reached)


def _neighbours(graph: Graph, node: Node) -> Iterator[str]:
    """Who makes or reads what a node reads, and who reads what it makes."""
    for tensor in node.inputs:
        if tensor and tensor not in graph.initializers:
            maker = graph.producer(tensor)
            if maker is not None:
                yield maker.id
            yield from (reader.id for reader, _ in graph.consumers(tensor))
    for tensor in node.outputs:
        yield from (reader.id for reader, _ in graph.consumers(tensor))


def _inputs(graph: Graph, part: Collection[str]) -> list[str]:
    """What nodes read that neither they nor constants hold, in order."""
    nodes = [graph.node(node_id) for node_id in part]
    made = {tensor for node in nodes for tensor in node.outputs} | graph.initializers.keys()
    return sorted({tensor for node in nodes for tensor in node.inputs if tensor} - made)


def _may_be_a_shape(info: Info) -> bool:
    shape = info.resolved
    if info.dtype not in (INT32, INT64) or shape is None:
        return False
    return prod(shape) <= _SMALL
