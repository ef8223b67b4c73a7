"""Products of 8-bit integers: a constant second matrix is packed with the sums of its columns.

Columns are padded to 16, rows to 64 (as the matrix units of newer x86 cores want them; to 4 on
older ones, which is the same for most networks). Where the result is scaled to 8 bits, it lies in
32 bits for a while; where the first matrix is quantised in the kernel, so does that, in 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...work import Call
from ..register import packed, scratch, up

_COLUMNS, _ROWS = 16, 64
_SUM = 4

# The slot of the second matrix.
_SECOND = {"QLinearMatMul": 3, "QGemm": 3}


def packed_bytes(columns: int, depth: int) -> int:
    """Of a matrix of 8-bit integers."""
    wide = up(columns, _COLUMNS)
    return wide * (up(depth, _ROWS) + _SUM)


@packed("MatMulInteger", "QLinearMatMul")
@packed("MatMulIntegerToFloat", "DynamicQuantizeMatMul", "QGemm", domain="com.microsoft")
def second(call: Call) -> Mapping[int, Sequence[int]]:
    """The second operand, if it is a matrix."""
    slot = _SECOND.get(call.node.op_type, 1)
    matrix = call.input(slot)
    if len(matrix.shape) != 2 or not matrix.size:
        return {}
    turned = call.node.int("transB", 0)
    columns, depth = matrix.shape if turned else matrix.shape[::-1]
    return {slot: (packed_bytes(columns, depth),)}


@scratch("QLinearMatMul")
@scratch("QGemm", domain="com.microsoft")
def sums(call: Call, threads: int) -> Sequence[int]:
    """The result in 32 bits."""
    return (call.output(0).size * _SUM,)


@scratch("DynamicQuantizeMatMul", domain="com.microsoft")
def quantised(call: Call, threads: int) -> Sequence[int]:
    """The first matrix in 8 bits."""
    return (call.input(0).size,)
