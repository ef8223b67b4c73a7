"""Packed matrices of 8-bit integers."""

import numpy as np
from onnx import TensorProto

U8 = np.ones((64, 128), np.uint8)
I8 = np.ones((128, 30), np.int8)
SCALE, ZERO, EVEN = np.float32(0.1), np.uint8(3), np.int8(0)


def test_with_sums_of_columns(beside) -> None:
    """32 columns of 128 rows and a sum of 4 bytes; both zero points are in the arena too."""
    told, seen = beside("MatMulInteger", U8, [I8], [ZERO], [EVEN], made=[TensorProto.INT32])
    assert told.packed == 32 * (128 + 4) == seen.packed - 2
    assert told.working == seen.working


def test_quantised_first(beside) -> None:
    x = np.ones((64, 128), np.float32)
    told, seen = beside("DynamicQuantizeMatMul", x, [I8], [SCALE], [EVEN], domain="com.microsoft")
    assert told.packed == seen.packed - 5
    assert told.working == seen.working


def test_sums_in_32_bits(beside) -> None:
    inputs = U8, [SCALE], [ZERO], [I8], [SCALE], [EVEN], [SCALE], [ZERO]
    told, seen = beside("QLinearMatMul", *inputs, made=[TensorProto.UINT8])
    assert told.packed == seen.packed - 15
    assert told.working == seen.working
