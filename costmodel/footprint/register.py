"""The register of what kernels take beside their outputs: scratch memory and packed weights.

To add a kernel: one file in ``costmodel/footprint/kernels/``, one test that runs it on a tiny
model. Both kinds of rule see the node as cost formulas do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from ..work import Call

Scratch = Callable[[Call, int], Sequence[int]]
Packed = Callable[[Call], Mapping[int, Sequence[int]]]

_SCRATCH: dict[tuple[str, str], Scratch] = {}
_PACKED: dict[tuple[str, str], Packed] = {}


def scratch(*op_types: str, domain: str = "") -> Callable[[Scratch], Scratch]:
    """Register what kernels take while they run: of a call and a number of threads, the sizes
    in bytes of the buffers that are there at once, in the order in which they are taken.

    Raises
    ------
    ValueError
        If an operator has a rule already.
    """

    def register(function: Scratch) -> Scratch:
        for op_type in op_types:
            if _SCRATCH.setdefault((domain, op_type), function) is not function:
                raise ValueError(f"{domain or 'ai.onnx'}::{op_type} has a scratch rule already")
        return function

    return register


def packed(*op_types: str, domain: str = "") -> Callable[[Packed], Packed]:
    """Register which constant inputs kernels pack when a model is opened: by input slot the
    sizes in bytes of what they are packed into, which replaces the constant.

    Raises
    ------
    ValueError
        If an operator has a rule already.
    """

    def register(function: Packed) -> Packed:
        for op_type in op_types:
            if _PACKED.setdefault((domain, op_type), function) is not function:
                raise ValueError(f"{domain or 'ai.onnx'}::{op_type} has a packing rule already")
        return function

    return register


@cache
def scratch_rules() -> Mapping[tuple[str, str], Scratch]:
    """All rules of scratch memory by (domain, operator)."""
    from . import kernels  # noqa: F401, PLC0415 - registers on import

    return _SCRATCH


@cache
def packed_rules() -> Mapping[tuple[str, str], Packed]:
    """All rules of packed weights by (domain, operator)."""
    from . import kernels  # noqa: F401, PLC0415 - registers on import

    return _PACKED


def up(size: int, step: int) -> int:
    """The next multiple of a step."""
    return -(size // -step) * step


def elements(shape: Sequence[int]) -> int:
    """Of a tensor."""
    return math.prod(shape)
