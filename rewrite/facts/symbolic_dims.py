"""Shapes with open dims in them: which dim of an output is which dim of an input, in every run.

One function an operator, for those that shape arithmetic is wrapped around. A dim that no rule
tells is None; what is fixed is known better by ``Scope.dims`` anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import prod

from ...graph import Node


@dataclass(frozen=True, slots=True)
class Dim:
    """A dim that may differ from run to run, times a whole number above 0."""

    tensor: str
    axis: int
    times: int = 1


Element = int | Dim | None
Dims = tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class DimsCall:
    """A node with the shapes of its inputs, and what its inputs hold where that is shape-like."""

    node: Node
    opset: int
    shape: Callable[[int], Dims]  # of an input, by its slot
    held: Callable[[int], Dims | None]  # the elements of an input

    def axes(self, slot: int, rank: int) -> frozenset[int] | None:
        """Axes from an input or, in older opsets, an attribute; None if none are told."""
        given: Sequence[Element] | None = self.node.ints("axes")
        if given is None and slot < len(self.node.inputs) and self.node.inputs[slot]:
            given = self.held(slot)
        whole = [axis for axis in given or () if isinstance(axis, int)]
        if not rank or not whole or len(whole) < len(given or ()):
            return None
        return frozenset(axis % rank for axis in whole)


class Untold(Exception):  # noqa: N818 - an answer, not a failure
    """Raised where nothing of a shape is known."""


def broadcast(*shapes: Dims) -> Dims:
    """The shape of what these broadcast to."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return tuple(reduce(_wider, column) for column in zip(*padded, strict=True))


def _wider(a: Element, b: Element) -> Element:
    if a in (1, b):
        return b
    if b == 1 or isinstance(a, int):
        return a  # an open dim beside a fixed one is 1 or the same
    return b if isinstance(b, int) else None


def output_dims(call: DimsCall) -> Sequence[Dims]:
    """The shapes of the first outputs, as far as they can be told."""
    rule = _RULES.get(call.node.op_type)
    if rule is None or call.node.domain or call.opset < 7:  # older ones broadcast differently
        return ()
    try:
        found = rule(call)
    except (Untold, IndexError, ValueError):  # a malformed node is for others to tell
        return ()
    return [found] * (len(call.node.outputs) if call.node.op_type == "Split" else 1)


def _same(call: DimsCall) -> Dims:
    return call.shape(0)


def _broadcast(call: DimsCall) -> Dims:
    return broadcast(*(call.shape(slot) for slot in range(len(call.node.inputs))))


def _batch(call: DimsCall) -> Dims:
    first, *rest = call.shape(0)
    return (first, *[None] * len(rest))


def _transpose(call: DimsCall) -> Dims:
    x = call.shape(0)
    order = call.node.ints("perm") or range(len(x))[::-1]
    return tuple(x[axis] for axis in order)


def _matmul(call: DimsCall) -> Dims:
    a, b = call.shape(0), call.shape(1)
    if len(a) < 2 or len(b) < 2:
        raise Untold
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def _gemm(call: DimsCall) -> Dims:
    a, b = call.shape(0), call.shape(1)
    return a[call.node.int("transA", 0) != 0], b[call.node.int("transB", 0) == 0]


def _but_axis(call: DimsCall) -> Dims:
    x = call.shape(0)
    axis = call.node.int("axis", 0) % len(x) if x else 0
    return tuple(None if i == axis else dim for i, dim in enumerate(x))


def _gather(call: DimsCall) -> Dims:
    x = call.shape(0)
    axis = call.node.int("axis", 0) % len(x) if x else 0
    return (*x[:axis], *call.shape(1), *x[axis + 1 :])


def _unsqueeze(call: DimsCall) -> Dims:
    x = call.shape(0)
    rank = len(x) + len(call.node.ints("axes") or call.held(1) or ())
    ones = call.axes(1, rank)
    if ones is None:
        raise Untold
    rest = iter(x)
    return tuple(1 if axis in ones else next(rest, None) for axis in range(rank))


def _squeeze(call: DimsCall) -> Dims:
    x = call.shape(0)
    axes = call.axes(1, len(x))
    if axes is None:
        raise Untold
    return tuple(dim for axis, dim in enumerate(x) if axis not in axes)


def _reduce(call: DimsCall) -> Dims:
    x = call.shape(0)
    axes = call.axes(1, len(x))
    if axes is None:
        raise Untold
    if call.node.int("keepdims", 1):
        return tuple(1 if axis in axes else dim for axis, dim in enumerate(x))
    return tuple(dim for axis, dim in enumerate(x) if axis not in axes)


def _slice(call: DimsCall) -> Dims:
    x = call.shape(0)
    axes = call.axes(3, len(x))
    return tuple(None if axes is None or axis in axes else dim for axis, dim in enumerate(x))


def product(dims: Sequence[Element]) -> Element:
    """All of them multiplied; None unless all but one are fixed and above 0."""
    whole = [dim for dim in dims if isinstance(dim, int)]
    open_ = [dim for dim in dims if isinstance(dim, Dim)]
    if len(whole) + len(open_) < len(dims) or len(open_) > 1 or min(whole, default=1) < 1:
        return None
    fixed = prod(whole)
    return replace(open_[0], times=open_[0].times * fixed) if open_ else fixed


def rest_of(total: Element, known: Sequence[Element]) -> Element:
    """What -1 stands for beside other dims, as when a batch is cut into windows; None if untold.

    Beside an open dim that is 0 it stands for nothing, which fails as the model is.
    """
    each = product(known)
    if not isinstance(total, Dim) or each is None:
        return None
    times = each if isinstance(each, int) else each.times
    if total.times % times:
        return None
    if isinstance(each, int):
        return replace(total, times=total.times // times)
    return total.times // times if (each.tensor, each.axis) == (total.tensor, total.axis) else None


def _flatten(call: DimsCall) -> Dims:
    x, axis = call.shape(0), call.node.int("axis", 1)
    axis = axis + len(x) if axis < 0 else axis
    return product(x[:axis]), product(x[axis:])


def _pad(call: DimsCall) -> Dims:
    """Axes to which nothing is added stay."""
    x, pads = call.shape(0), call.node.ints("pads") or call.held(1)
    if pads is None or len(pads) != 2 * len(x):
        return (None,) * len(x)
    return tuple(
        dim if pads[axis] == pads[axis + len(x)] == 0 else None for axis, dim in enumerate(x)
    )


def _reshape(call: DimsCall) -> Dims:
    """A dim that the target gives holds only if it can't be 0, which copies the input's.

    -1 is told where one dim alone is open and the others are fixed.
    """
    x, target = call.shape(0), call.held(1)
    if target is None:
        raise Untold
    if call.node.int("allowzero", 0):
        return tuple(None if dim == -1 else dim for dim in target)
    copied: list[Element] = []
    for axis, dim in enumerate(target):
        own = x[axis] if axis < len(x) else None
        if dim in (0, own):
            copied.append(own)
        else:
            copied.append(dim if isinstance(dim, int) and dim > 0 else None)
    if target.count(-1) == 1:
        place = target.index(-1)
        copied[place] = rest_of(product(x), copied[:place] + copied[place + 1 :])
    return tuple(copied)


def _filled(call: DimsCall) -> Dims:
    target = call.held(0)
    if target is None:
        raise Untold
    return target


def _range(call: DimsCall) -> Dims:
    """As long as its limit, if it counts from 0 in steps of 1."""
    start, limit, delta = (call.held(slot) for slot in range(3))
    if limit is None or start != (0,) or delta != (1,):
        return (None,)
    return tuple(end if isinstance(end, Dim) else None for end in limit)


def _rank(call: DimsCall) -> Dims:
    return (None,) * len(call.shape(0))


def _expand(call: DimsCall) -> Dims:
    target = call.held(1)
    if target is None:
        raise Untold
    return broadcast(call.shape(0), target)


_SAME = """
    Abs Acos Asin Atan BatchNormalization Cast Ceil Celu Clip Cos CumSum DequantizeLinear Dropout
    Elu Erf Exp Floor Gelu GroupNormalization HardSigmoid HardSwish Hardmax Identity
    InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log LogSoftmax
    LpNormalization Mish Neg Not PRelu QuantizeLinear Reciprocal Relu Round ScatterElements
    ScatterND Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Tan Tanh ThresholdedRelu Trilu
"""
_ELEMENTWISE = """
    Add And BitShift Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow
    Sub Sum Where Xor
"""
_IMAGES = """
    Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool DepthToSpace
    SpaceToDepth
"""
_RANK = "Resize Tile TopK Upsample"
_REDUCTIONS = "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL2"

_RULES: Mapping[str, Callable[[DimsCall], Dims]] = {
    **dict.fromkeys(_SAME.split(), _same),
    **dict.fromkeys(_ELEMENTWISE.split(), _broadcast),
    **dict.fromkeys(_IMAGES.split(), _batch),
    **dict.fromkeys(_REDUCTIONS.split(), _reduce),
    **dict.fromkeys(_RANK.split(), _rank),
    "Concat": _but_axis,
    "ConstantOfShape": _filled,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pad": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _but_axis,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
