from __future__ import annotations

import pytest

from ocost.costmodel.kinds import KernelKind


@pytest.mark.parametrize(
    ("op_type", "flops"),
    [
        ("Softmax", 120),  # (max, Sub, Exp, sum, Div) x 24
        ("LogSoftmax", 120),  # (max, Sub, Exp, sum, Sub) x 24
        ("Hardmax", 48),  # (max, compare) x 24
    ],
)
@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax(work, op_type, flops, axis):
    answer = work(op_type, [(2, 3, 4)], [(2, 3, 4)], axis=axis)
    assert (answer.flops, answer.kind) == (flops, KernelKind.SOFTMAX)
