"""What onnxruntime knows of a tensor's size when it opens a model.

A dim that the file leaves open is known by its symbol: the batch of an activation is the batch of
the input. What is computed from an open dim, as the width after a convolution or the length of a
Reshape, is not known at all: such a tensor's buffer fits no other.

Which is which shows at other sizes of the open dims: larger ones, and where the graph can't take
those (a table of positions is too short), smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple

from onnx import TensorShapeProto

from ...graph import Graph, Node, OcostError, dtypes
from ...graph.shapes import Given, Shapes, infer
from ...graph.shapes.table import scopes

# A network that halves its input several times still takes it so many times larger.
_FACTORS = (3, 5, 7, 11, 13, 17, 19, 23)


# Axes behind these are computed from those of the input, so that an open one is not known.
_WINDOWS = frozenset(
    {"Conv", "FusedConv", "QLinearConv", "ConvInteger", "ConvTranspose", "MaxPool", "AveragePool"}
    | {"LpPool", "NhwcMaxPool", "Upsample", "Resize", "DepthToSpace", "SpaceToDepth", "Pad"}
)
_SPATIAL = 2

# Broadcast: a dim is known if it is in all inputs that are not 1 there.
_BROADCAST = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Mean", "Sum", "Mod", "PRelu", "Where"}
    | {"And", "Or", "Xor", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
    | {"QLinearAdd", "QLinearMul", "BiasGelu", "FastGelu", "SkipLayerNormalization"}
)

Dims = tuple[int | str | None, ...]
Pairs = Sequence[tuple[int, int]]  # of sizes: here, elsewhere


class _Read(NamedTuple):
    dims: Dims
    pairs: Pairs


class KnownSizes:
    """Of the tensors of a graph and of its bodies, by scope.

    Parameters
    ----------
    shapes
        Of the graph that is executed, at the sizes that it is run with.
    given
        What the user says of the inputs.
    written
        The graph in its file: what is known of a tensor there stays known.
    """

    def __init__(self, shapes: Shapes, given: Given | None, written: Graph) -> None:
        self._known: Mapping[tuple[str, str], Dims | None] | None = None
        if any(_symbols(shapes)):
            before = _Dims(infer(written, given), given, _stated(written)).known
            self._known = _Dims(shapes, given, before).known

    def alike(self, scope: Shapes, name: str) -> Hashable:
        """Equal for two tensors that fit each other's buffer; None where too little is known."""
        info = scope.get(name)
        width = None if info is None or info.type is not None else dtypes.bits(info.dtype)
        if info is None or width is None or not info.resolved:
            return None
        dims: Dims | None = info.resolved
        if self._known is not None and not info.constant:
            dims = self._known.get((scope.graph.prefix, name))
        return None if dims is None or None in dims else (width, dims)


class _Dims:
    """Dims of tensors by scope and name: fixed ones, symbols, None for what is not known.

    ``stated`` are those that are known before.
    """

    def __init__(
        self, shapes: Shapes, given: Given | None, stated: Mapping[tuple[str, str], Dims | None]
    ) -> None:
        self.known: dict[tuple[str, str], Dims | None] = {}
        self._stated = stated
        self._pairs: dict[tuple[int, int], str] = {}
        self._other: Mapping[str, Shapes] = {}
        symbols = _symbols(shapes)
        factors = {s: _FACTORS[at % len(_FACTORS)] for at, s in enumerate(symbols)}
        ways: tuple[Callable[[str, int], int], ...] = (
            lambda symbol, size: size * factors[symbol],
            lambda _, size: max(1, size // 2),
        )
        for way in ways:
            found = _at(shapes, given or Given(), way)
            if found is not None:
                self._other = {scope.graph.prefix: scope for scope in scopes(found)}
                self._pairs = {(n, way(s, n)): s for s, n in symbols.items()}
                break
        for scope in scopes(shapes):
            self._walk(scope)

    def _walk(self, scope: Shapes) -> None:
        graph = scope.graph
        for name in graph.inputs:
            pairs = self._sizes(scope, name) if name not in graph.initializers else None
            if pairs is not None:
                self.known[graph.prefix, name] = tuple(
                    a if a == b else self._pairs.get((a, b)) for a, b in pairs
                )
        for node in graph:
            reads = [self._read(scope, name) for name in node.inputs if name]
            for name in filter(None, node.outputs):
                pairs = self._sizes(scope, name)
                dims: Dims | None = None
                if pairs is not None:
                    axes = enumerate(pairs)
                    dims = tuple(_follows(node, reads, pairs, at) for at, _ in axes)
                stated = self._stated.get((graph.prefix, name))
                self.known[graph.prefix, name] = _merged(dims, stated)

    def _read(self, scope: Shapes, name: str) -> _Read | None:
        """What is known of a tensor that a node reads."""
        where: Shapes | None = scope
        while where is not None:
            if (where.graph.prefix, name) in self.known:
                dims = self.known[where.graph.prefix, name]
                pairs = self._sizes(where, name)
                fits = dims is not None and pairs is not None and len(dims) == len(pairs)
                return _Read(dims, pairs) if dims and pairs and fits else None
            where = where.parent
        info = scope.get(name)
        if info is None or info.resolved is None:
            return None
        return _Read(info.resolved, [(size, size) for size in info.resolved])

    def _sizes(self, scope: Shapes, name: str) -> Pairs | None:
        """A tensor's dims here and elsewhere."""
        info, there = scope.get(name), self._other.get(scope.graph.prefix)
        other = there.get(name) if there is not None else None
        if info is None or other is None or info.resolved is None or other.resolved is None:
            return None
        if len(info.resolved) != len(other.resolved):
            return None
        return list(zip(info.resolved, other.resolved, strict=True))


def _stated(graph: Graph) -> dict[tuple[str, str], Dims | None]:
    """What a file says of inner tensors."""
    return {
        (scope.prefix, value.name): tuple(map(_dim, value.type.tensor_type.shape.dim))
        for scope in {id(one): one for one, _ in graph.walk()}.values()
        for value in scope.skeleton.value_info
        if value.type.tensor_type.HasField("shape")
    }


def _dim(dim: TensorShapeProto.Dimension) -> int | str | None:
    return dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None


def _merged(dims: Dims | None, stated: Dims | None) -> Dims | None:
    """What is found of a tensor, and what the file states where nothing is."""
    if stated is None or dims is None or len(dims) != len(stated):
        return stated if dims is None else dims
    return tuple(b if a is None else a for a, b in zip(dims, stated, strict=True))


def _follows(
    node: Node, reads: Sequence[_Read | None], pairs: Pairs, axis: int
) -> int | str | None:
    """A dim of an output, as the runtime sees it in the node's inputs."""
    pair, rank = pairs[axis], len(pairs)
    if pair[0] == pair[1]:
        return pair[0]
    if node.op_type in _WINDOWS:
        last = node.int("channels_last", 0)
        if 0 < axis < rank - 1 if last else axis >= _SPATIAL:
            return None
    if node.op_type in _BROADCAST:
        if None in reads:
            return None
        there = [one.dims[axis - rank] for one in reads if one and rank - axis <= len(one.dims)]
        names = set(there) - {1}
        return names.pop() if len(names) == 1 else None
    found = (
        dim
        for one in reads
        if one is not None
        for dim, other in zip(one.dims, one.pairs, strict=True)
        if isinstance(dim, str) and other == pair
    )
    return next(found, None)


def _inputs(graph: Graph) -> list[str]:
    return [name for name in graph.inputs if name not in graph.initializers]


def _symbols(shapes: Shapes) -> dict[str, int]:
    """The symbols of the inputs' open dims, and their sizes; one without a name is its place."""
    found: dict[str, int] = {}
    for name in _inputs(shapes.graph):
        info = shapes.get(name)
        dims = shapes.graph.declared[name].type.tensor_type.shape.dim
        sizes = (info.resolved if info is not None else None) or ()
        for axis, (dim, size) in enumerate(zip(dims, sizes, strict=False)):
            if not dim.HasField("dim_value"):
                found[dim.dim_param or f"{name}[{axis}]"] = size
    return found


def _at(shapes: Shapes, given: Given, way: Callable[[str, int], int]) -> Shapes | None:
    """The same graph at other sizes of its open dims; None where it can't take them."""
    sizes: dict[str, tuple[int, ...]] = {}
    for name in _inputs(shapes.graph):
        info = shapes.get(name)
        if info is None or info.resolved is None:
            continue
        dims = shapes.graph.declared[name].type.tensor_type.shape.dim
        sizes[name] = tuple(
            size if dim.HasField("dim_value") else way(dim.dim_param or f"{name}[{axis}]", size)
            for axis, (dim, size) in enumerate(zip(dims, info.resolved, strict=False))
        )
    values = {name: value for name, value in given.values.items() if value.ndim == 0}
    try:
        return infer(shapes.graph, Given(sizes, values=values))
    except OcostError:
        return None
