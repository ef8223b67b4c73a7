"""What operands of known shapes, weights above all, demand of the other operand's dims.

onnx's inference passes over some of it: a convolution's input channels, what a normalisation's
scale is as long as, the elements of a Reshape. A dim that the model leaves open is found by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .info import Info, Quality, ShapeCall

Shape = tuple[int, ...]


class Misfit(Exception):  # noqa: N818 - an answer, not a failure
    """Raised where a node can't take its inputs' shapes.

    Parameters
    ----------
    text
        What doesn't fit.
    have, want
        The size that is there and the one that fits, where that is one number.
    only
        Whether no other fits.
    rank
        How many of the node's demands are met.

    Attributes
    ----------
    path, order
        Of the node, and how many were inferred before.
    """

    def __init__(
        self,
        text: str,
        have: int | None = None,
        want: int | None = None,
        *,
        only: bool = True,
        rank: int = 0,
    ) -> None:
        super().__init__(text)
        self.have, self.want, self.only, self.rank = have, want, only, rank
        self.path = ""
        self.order = 0

    @property
    def place(self) -> tuple[float, int]:
        """Where the inference got to; the larger, the further."""
        return self.order, self.rank

    @property
    def gap(self) -> int | None:
        """By how much the size is too large; None where that is not a matter of one size."""
        return None if self.have is None or self.want is None else self.have - self.want


class _Demand(NamedTuple):
    """A size: of ``slot``'s ``axis``, or of all its elements, where a multiple may do too."""

    slot: int
    axis: int | None
    want: int
    only: bool = True


def require_fit(call: ShapeCall) -> None:
    """Refuse inputs whose dims are not those that another operand demands.

    Raises
    ------
    Misfit
        Naming the first that is not.
    """
    rule = _RULES.get((call.node.domain, call.node.op_type))
    if rule is None:
        return
    for rank, (slot, axis, want, only) in enumerate(rule(call)):
        shape = _operand(call, slot)
        if shape is None:
            continue
        if axis is None:
            have, what = math.prod(shape), "elements"
        elif -len(shape) <= axis < len(shape):
            have, what = shape[axis], f"in dim {axis % len(shape)}"
        else:
            continue
        if have != want:
            name = call.node.inputs[slot]
            text = f"{call.node.op_type} wants {want} {what} of '{name}', not {have}"
            raise Misfit(text, have, want, only=only, rank=rank)


def _shape(call: ShapeCall, slot: int) -> Shape | None:
    info = call.get(slot)
    return None if info is None else info.resolved


def _weight(call: ShapeCall, slot: int, rank: int) -> Shape | None:
    """The shape of an operand, if that rests on nothing that is assumed or bounded."""
    info = call.get(slot)
    shape = None if info is None or info.quality is not Quality.EXACT else info.resolved
    return shape if shape is not None and len(shape) >= rank else None


def _gemm(call: ShapeCall) -> Iterator[_Demand]:
    a, b = _weight(call, 0, 2), _weight(call, 1, 2)
    across, down = call.node.int("transA", 0), call.node.int("transB", 0)
    if b is not None:
        yield _Demand(0, 0 if across else 1, b[1 if down else 0])
    elif a is not None:
        yield _Demand(1, 1 if down else 0, a[0 if across else 1])


def _matmul(left: int, right: int) -> Callable[[ShapeCall], Iterator[_Demand]]:
    def rule(call: ShapeCall) -> Iterator[_Demand]:
        b = _operand(call, right)
        across, down = call.node.int("transA", 0), call.node.int("transB", 0)
        if b:
            yield _Demand(left, -2 if across else -1, b[-1 if down or len(b) == 1 else -2])

    return rule


def _concat(call: ShapeCall) -> Iterator[_Demand]:
    """All dims but one are those of the first operand."""
    first = _operand(call, 0)
    if not first:
        return
    along = call.node.int("axis", 1) % len(first)  # left out only before opset 4
    for slot in range(1, len(call.inputs)):
        shape = _operand(call, slot)
        if shape is not None and len(shape) == len(first):
            yield from (_Demand(slot, i, d) for i, d in enumerate(first) if i != along)


def _elementwise(call: ShapeCall) -> Iterator[_Demand]:
    """Dims are equal, counted from the last, or one of them is 1."""
    if call.opset < 7:  # before, operand 1 may stand at another axis
        return
    a, b = _operand(call, 0), _operand(call, 1)
    for axis in range(-min(len(a or ()), len(b or ())), 0):
        if a and b and 1 not in (a[axis], b[axis]):
            yield _Demand(0, axis, b[axis])


def _operand(call: ShapeCall, slot: int) -> Shape | None:
    """An operand's shape, unless it is only bounded."""
    info = call.get(slot)
    return None if info is None or info.quality is Quality.BOUND else info.resolved


def _conv(data: int, weight: int) -> Callable[[ShapeCall], Iterator[_Demand]]:
    def rule(call: ShapeCall) -> Iterator[_Demand]:
        shape = _weight(call, weight, 3)
        if shape is not None:
            yield _Demand(data, 1, shape[1] * call.node.int("group", 1))

    return rule


def _transposed(call: ShapeCall) -> Iterator[_Demand]:
    shape = _weight(call, 1, 3)
    if shape is not None:
        yield _Demand(0, 1, shape[0])


def _channels(call: ShapeCall) -> Iterator[_Demand]:
    """One element a channel, which is axis 1."""
    shape = _weight(call, 1, 1)
    if shape is not None and len(shape) == 1 and call.node.int("spatial", 1):
        yield _Demand(0, 1, shape[0])


def _groups(call: ShapeCall) -> Iterator[_Demand]:
    if call.opset >= 21:  # before, it has one scale a group
        yield from _channels(call)


def _stretched(call: ShapeCall) -> Iterator[_Demand]:
    """Operand 1 is broadcast to operand 0, never the other way round."""
    shape = _weight(call, 1, 1)
    if shape is not None and call.opset >= 7:
        yield from (_Demand(0, i - len(shape), d) for i, d in enumerate(shape) if d != 1)


def _last(slot: int) -> Callable[[ShapeCall], Iterator[_Demand]]:
    """As long as the first dim of an operand: the last dim of operand 0."""

    def rule(call: ShapeCall) -> Iterator[_Demand]:
        shape = _weight(call, slot, 1)
        if shape is not None:
            yield _Demand(0, -1, shape[0])

    return rule


def _recurrent(call: ShapeCall) -> Iterator[_Demand]:
    shape = _weight(call, 1, 3)
    if shape is not None:
        yield _Demand(0, 2, shape[2])


def _packed(call: ShapeCall) -> Iterator[_Demand]:
    yield _Demand(0, -1, call.node.int("K", 0))


def _split(call: ShapeCall) -> Iterator[_Demand]:
    sizes = call.value(1)
    parts = call.node.ints("split") if sizes is None else sizes.reshape(-1).tolist()
    if parts:
        yield _Demand(0, call.node.int("axis", 0), sum(parts))


def _reshape(call: ShapeCall) -> Iterator[_Demand]:
    """As many elements after as before; with -1 a multiple, of which the least is told."""
    shape, value = _shape(call, 0), call.value(1)
    if shape is None or value is None:
        return
    sizes = [int(size) for size in value.reshape(-1)]
    if not call.node.int("allowzero", 0):
        sizes = [shape[i] if s == 0 and i < len(shape) else s for i, s in enumerate(sizes)]
    rest = math.prod(size for size in sizes if size != -1)
    if -1 not in sizes:
        yield _Demand(0, None, rest)
    elif rest and math.prod(shape) % rest:
        yield _Demand(0, None, rest, only=False)


_ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Pow", "Mod", "And", "Or", "Xor", "Equal", "Less"}
_ELEMENTWISE |= {"LessOrEqual", "Greater", "GreaterOrEqual"}

_Rule = Callable[[ShapeCall], Iterator[_Demand]]
_MS = "com.microsoft"
_RULES: dict[tuple[str, str], _Rule] = {
    ("", "Gemm"): _gemm,
    (_MS, "FusedGemm"): _gemm,
    ("", "MatMul"): _matmul(0, 1),
    ("", "MatMulInteger"): _matmul(0, 1),
    ("", "QLinearMatMul"): _matmul(0, 3),
    (_MS, "FusedMatMul"): _matmul(0, 1),
    (_MS, "MatMulIntegerToFloat"): _matmul(0, 1),
    (_MS, "DynamicQuantizeMatMul"): _matmul(0, 1),
    (_MS, "MatMulNBits"): _packed,
    ("", "Conv"): _conv(0, 1),
    (_MS, "FusedConv"): _conv(0, 1),
    ("", "ConvInteger"): _conv(0, 1),
    ("", "QLinearConv"): _conv(0, 3),
    ("", "ConvTranspose"): _transposed,
    ("", "BatchNormalization"): _channels,
    ("", "InstanceNormalization"): _channels,
    ("", "GroupNormalization"): _groups,
    ("", "LayerNormalization"): _stretched,
    ("", "RMSNormalization"): _stretched,
    ("", "PRelu"): _stretched,
    (_MS, "SkipLayerNormalization"): _last(2),
    (_MS, "BiasGelu"): _last(1),
    (_MS, "Attention"): _last(1),
    ("", "LSTM"): _recurrent,
    ("", "GRU"): _recurrent,
    ("", "RNN"): _recurrent,
    ("", "Split"): _split,
    ("", "Reshape"): _reshape,
    ("", "Concat"): _concat,
    **{("", op_type): _elementwise for op_type in _ELEMENTWISE},
}

_WINDOWS = frozenset({"Conv", "ConvInteger", "QLinearConv", "FusedConv", "ConvTranspose"})
_WINDOWS |= {"MaxPool", "AveragePool", "LpPool"}


def require_window(call: ShapeCall, outputs: Sequence[Info | None]) -> None:
    """Refuse an input that is smaller than the window that slides over it.

    Raises
    ------
    Misfit
        If an output's spatial dim would be none or less.
    """
    if call.node.op_type not in _WINDOWS or not outputs or outputs[0] is None:
        return
    shape, made = _shape(call, 0), outputs[0].shape
    if shape and made is not None and all(shape) and any(not size for size in made[2:]):
        size = "x".join(map(str, shape))
        raise Misfit(f"{call.node.op_type}'s window is larger than its input of {size}")
