"""Packed matrices in single precision."""

import numpy as np
import pytest


def f(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize("op_type", ["MatMul", "Gemm"])
def test_columns_are_padded(beside, op_type: str) -> None:
    """30 columns take the room of 32: 32 * 100 * 4."""
    told, seen = beside(op_type, f(64, 100), [f(100, 30)])
    assert told.packed == seen.packed == 12_800


def test_a_turned_one(beside) -> None:
    told, seen = beside("Gemm", f(64, 100), [f(30, 100)], transB=1)
    assert told.packed == seen.packed == 12_800


def test_a_stack_is_not_packed(beside) -> None:
    told, seen = beside("MatMul", f(8, 64, 100), [f(8, 100, 30)])
    assert told.packed == seen.packed == 0
