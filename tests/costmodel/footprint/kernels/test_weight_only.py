"""Weights of few bits."""

import numpy as np


def test_packed_as_large(beside) -> None:
    told, seen = beside(
        *("MatMulNBits", np.ones((4, 256), np.float32)),
        *([np.ones((64, 8, 16), np.uint8)], [np.ones(64 * 8, np.float32)]),
        domain="com.microsoft",
        K=256,
        N=64,
        bits=4,
        block_size=32,
    )
    assert told.packed == seen.packed == 64 * 8 * 16
