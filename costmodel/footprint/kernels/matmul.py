"""Products in single precision: a constant second matrix is packed, columns padded to 16.

Only a matrix is packed; a constant stack of them is not. A product with a vector is packed as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....graph import dtypes
from ...work import Call
from ..register import packed, up

_FLOAT = 4
_COLUMNS = 16


def packed_bytes(columns: int, depth: int) -> int:
    """Of a matrix, whichever way it lies."""
    return up(columns, _COLUMNS) * depth * _FLOAT


@packed("MatMul", "Gemm")
@packed("FusedMatMul", "FusedGemm", domain="com.microsoft")
def second(call: Call) -> Mapping[int, Sequence[int]]:
    """Input 1, if it is a float matrix."""
    matrix = call.input(1)
    if matrix.dtype != dtypes.FLOAT or len(matrix.shape) != 2 or not matrix.size:
        return {}
    turned = call.node.int("transB", 0)
    columns, depth = matrix.shape if turned else matrix.shape[::-1]
    return {1: (packed_bytes(columns, depth),)}
