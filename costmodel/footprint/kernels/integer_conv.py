"""Convolutions of 8-bit integers.

A QLinearConv has two kernels. One works on weights that are symmetric (int8, zero point 0, where
a group has a multiple of 4 input channels or is a single one): it takes pointers to the input's
rows, 8 bytes for each place of the output and each element of the filter, and the weights as they
are, reordered. The other unfolds the input and sums up in 32 bits; its weights are packed as a
product's are. Both work on channels last: an input with channels first is transposed, and so is
the output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....graph import dtypes
from ...work import Call
from ..register import elements, packed, scratch
from .integer_matmul import packed_bytes

_POINTER = 8
_SUM = 4
_CHANNELS = 4


class _Conv:
    """The sizes of a quantised convolution."""

    def __init__(self, call: Call) -> None:
        self.last = call.node.int("channels_last", 0)
        weights = call.input(3)
        self.groups = call.node.int("group", 1)
        self.filters, self.depth, *kernel = weights.shape
        self.kernel = elements(kernel)
        read, made = call.input(0).shape, call.output(0).shape
        self.images = made[0]
        self.places = elements(made[1:-1] if self.last else made[2:])
        self.read, self.made = elements(read[1:]), elements(made[1:])
        strides, pads = call.node.ints("strides") or [1], call.node.ints("pads") or [0]
        padded = any(pads) or call.node.string("auto_pad", "NOTSET").startswith("SAME")
        self.direct = self.kernel == 1 and set(strides) == {1} and not padded
        self.single = self.depth == 1 and self.filters == self.groups
        zero = call.inputs[5] if len(call.inputs) > 5 else None
        even = weights.dtype == dtypes.INT8 and (zero is None or call.holds(5, 0))
        fits = self.filters % 16 == 0 if self.single else self.depth % _CHANNELS == 0
        self.symmetric = even and fits and (self.single or self.groups == 1)


@scratch("QLinearConv")
@scratch("QLinearConv", domain="com.microsoft")
def working(call: Call, threads: int) -> Sequence[int]:
    """Pointers for a batch at once with channels last; all else for one image."""
    conv = _Conv(call)
    found = [] if conv.last else [conv.read, conv.made]
    if conv.symmetric or conv.single:
        images = conv.images if conv.last else 1
        rows = images * conv.places * conv.kernel * _POINTER
    else:
        found.append(conv.made * _SUM)
        rows = conv.places * conv.kernel * conv.depth * conv.groups
    return found if conv.direct else [*found, rows]


@packed("QLinearConv")
@packed("QLinearConv", domain="com.microsoft")
def weights(call: Call) -> Mapping[int, Sequence[int]]:
    """Input 3."""
    conv = _Conv(call)
    if conv.symmetric or conv.single:
        return {3: (call.input(3).size,)}
    part = packed_bytes(conv.filters // conv.groups, conv.depth * conv.kernel)
    return {3: (conv.groups * part,)}


@scratch("ConvInteger")
def unfolded(call: Call, threads: int) -> Sequence[int]:
    """One group of one image, unless it is pointwise."""
    _, depth, *kernel = call.input(1).shape
    strides, pads = call.node.ints("strides") or [1], call.node.ints("pads") or [0]
    if elements(kernel) == 1 and set(strides) == {1} and not any(pads):
        return ()
    return (depth * elements(kernel) * elements(call.output(0).shape[2:]),)
