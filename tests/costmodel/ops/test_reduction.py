from __future__ import annotations

import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown

X = (2, 3, 4)  # N = 24


@pytest.mark.parametrize(
    ("op_type", "flops"),
    [
        ("ReduceSum", 18),  # 24 - 6 additions
        ("ReduceMax", 18),
        ("ReduceMin", 18),
        ("ReduceProd", 18),
        ("ArgMax", 18),
        ("ArgMin", 18),
        ("ReduceMean", 24),  # 18 additions + 6 divisions
        ("ReduceL1", 42),  # 24 Abs + 18
        ("ReduceSumSquare", 42),  # 24 Mul + 18
        ("ReduceLogSum", 24),  # 18 + 6 Log
        ("ReduceL2", 48),  # 24 Mul + 18 + 6 Sqrt
        ("ReduceLogSumExp", 48),  # 24 Exp + 18 + 6 Log
    ],
)
@pytest.mark.parametrize("out", [(2, 3), (2, 3, 1)])
def test_reduce_last_axis(work, op_type, flops, out):
    answer = work(op_type, [X], [out])
    assert (answer.flops, answer.kind) == (flops, KernelKind.REDUCTION)


def test_reduce_to_a_scalar(work):
    assert work("ReduceSum", [X], [()]).flops == 23


def test_reduce_nothing(work):
    # [2, 0] to [2]: two empty sums
    assert work("ReduceSum", [(2, 0)], [(2,)]).flops == 0


@pytest.mark.parametrize("op_type", ["CumSum", "CumProd"])
def test_cumulate(work, op_type):
    assert work(op_type, [X, ()], [X]).flops == 24


@pytest.mark.parametrize(
    ("shape", "flops"),
    [
        # ad - bc by LU: 1 division, 1 product and 1 subtraction, 1 product of the diagonal
        ((2, 2), 4),
        # 3 divisions (2 + 1), 10 others (2 x 4 + 2 x 1), 2 for the diagonal: 15; 5 matrices
        ((5, 3, 3), 75),
        ((1, 1), 0),
        ((0, 0), 0),
    ],
)
def test_det(work, shape, flops):
    assert work("Det", [shape], [shape[:-2]]).flops == flops


def test_det_of_no_square(work):
    with pytest.raises(Unknown, match="square"):
        work("Det", [(2, 3)], [()])
