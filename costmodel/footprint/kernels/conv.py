"""Convolutions that are not blocked: the unfolded input, a piece for each thread or all of it.

A pointwise one without strides and padding multiplies the input as it is. Where there are more
filters than places in the output, all of it is unfolded; else threads unfold 64 KiB at a time, as
many of them as there are multiples of 65,536 multiplications in an image. Blocked convolutions
take nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...work import Call
from ..register import elements, scratch

_FLOAT = 4
_PIECE = 64 * 1024
_WORK = 64 * 1024


@scratch("Conv")
@scratch("FusedConv", domain="com.microsoft")
def unfolded(call: Call, threads: int) -> Sequence[int]:
    """Of single precision: other types have no such kernel."""
    filters, _, *kernel = call.input(1).shape
    groups = call.node.int("group", 1)
    made = call.output(0).shape
    places = elements(made[2:])
    depth = call.input(0).shape[1] // groups * elements(kernel)
    strides = call.node.ints("strides") or [1]
    pads = call.node.ints("pads") or [0]
    padded = any(pads) or call.node.string("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER")
    if elements(kernel) == 1 and set(strides) == {1} and not padded:
        return ()
    if filters // groups > places:
        return (places * depth * _FLOAT,)
    busy = min(threads, filters // groups * places * depth // _WORK + 1)
    return (busy * _PIECE,)
