"""Transposed convolutions: the product before it is folded, of one group of one image; and the
filters of all groups, transposed once when the model is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...work import Call
from ..register import elements, packed, scratch

_FLOAT = 4


@scratch("ConvTranspose")
def unfolded(call: Call, threads: int) -> Sequence[int]:
    """Of single precision."""
    _, filters, *kernel = call.input(1).shape
    return (filters * elements(kernel) * elements(call.input(0).shape[2:]) * _FLOAT,)


@packed("ConvTranspose")
def transposed(call: Call) -> Mapping[int, Sequence[int]]:
    """As large as the filters."""
    return {1: (call.input(1).size * _FLOAT,)}
