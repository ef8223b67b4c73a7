"""Attention."""

import numpy as np
import pytest


def f(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_projections(beside) -> None:
    """64 * 192 * 4 of weights."""
    inputs = f(2, 32, 64), [f(64, 192)], [f(192)]
    told, seen = beside("Attention", *inputs, domain="com.microsoft", num_heads=4)
    assert told.packed == seen.packed == 49_152
    assert told.working == pytest.approx(seen.working, rel=0.05)


@pytest.mark.parametrize("threads", [1, 2])
def test_blocks(beside, threads: int) -> None:
    """Three inputs transposed, and (2 + 32 + 16) * 32 * 4 a thread."""
    inputs = (f(2, 32, 64),) * 3
    told, seen = beside(
        "MultiHeadAttention", *inputs, domain="com.microsoft", num_heads=4, threads=threads
    )
    assert told.working == seen.working
