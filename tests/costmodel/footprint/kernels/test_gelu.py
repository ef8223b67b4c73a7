"""Gelu with a bias."""

import numpy as np
import pytest

X, BIAS = np.ones((8, 64, 100), np.float32), np.ones(100, np.float32)


@pytest.mark.parametrize("op_type", ["BiasGelu", "FastGelu"])
def test_the_sum(beside, op_type: str) -> None:
    told, seen = beside(op_type, X, [BIAS], domain="com.microsoft")
    assert told.working == seen.working == 2 * X.nbytes
