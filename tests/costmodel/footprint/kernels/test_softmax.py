"""Softmax over an axis in the middle."""

import numpy as np
import pytest


@pytest.mark.parametrize(("axis", "tensors"), [(1, 3), (-1, 1)])
def test_two_tensors_more(beside, axis: int, tensors: int) -> None:
    told, seen = beside("Softmax", np.ones((8, 64, 100), np.float32), axis=axis)
    assert told.working == seen.working == tensors * 8 * 64 * 100 * 4
