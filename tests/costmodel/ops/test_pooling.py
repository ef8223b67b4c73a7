from __future__ import annotations

import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown

X, Y = (2, 3, 8, 8), (2, 3, 4, 4)  # 384 elements to 96


@pytest.mark.parametrize(
    ("op_type", "flops"),
    [
        ("AveragePool", 864),  # 96 x (8 additions + 1 division)
        ("MaxPool", 768),  # 96 x 8 comparisons
        ("LpPool", 1728),  # 96 x (9 powers + 8 additions + 1 root)
    ],
)
def test_windows(work, op_type, flops):
    answer = work(op_type, [X], [Y], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    assert (answer.flops, answer.kind) == (flops, KernelKind.POOLING)


def test_max_pool_counts_indices_as_nothing_more(work):
    answer = work("MaxPool", [X], [Y, Y], kernel_shape=[2, 2], strides=[2, 2])
    # 96 x 3 comparisons
    assert answer.flops == 288


def test_pool_without_kernel(work):
    with pytest.raises(Unknown, match="kernel_shape"):
        work("MaxPool", [X], [Y])


@pytest.mark.parametrize(
    ("op_type", "flops"),
    [
        ("GlobalAveragePool", 384),  # 6 x (63 additions + 1 division)
        ("GlobalMaxPool", 378),  # 6 x 63 comparisons
        ("GlobalLpPool", 768),  # 384 powers + 6 x 63 additions + 6 roots
    ],
)
def test_global(work, op_type, flops):
    assert work(op_type, [X], [(2, 3, 1, 1)]).flops == flops


def test_max_unpool(work):
    answer = work("MaxUnpool", [Y, Y], [X], kernel_shape=[2, 2], strides=[2, 2])
    assert (answer.flops, answer.kind) == (0, KernelKind.INDEXING)


def test_max_roi_pool(work):
    answer = work("MaxRoiPool", [X, (5, 5)], [(5, 3, 2, 2)], pooled_shape=[2, 2])
    # 5 regions x 3 channels x at most 64 elements each
    assert answer.flops == 960


@pytest.mark.parametrize(
    ("attributes", "flops", "reads"),
    [
        # 60 bins x 4 points x (4 Mul + 3 Add, and 1 to average); 60 x 4 x 4 > 384 elements
        ({"sampling_ratio": 2}, 1920, 384),
        # the same, one comparison less than points a bin
        ({"sampling_ratio": 2, "mode": "max"}, 1860, 384),
        # 60 x 1 point x 8; 60 x 4 elements
        ({"sampling_ratio": 1}, 480, 240),
        # at most ceil(8 / 2) x ceil(8 / 2) = 16 points: 60 x 16 x 8
        ({}, 7680, 384),
    ],
)
def test_roi_align(work, attributes, flops, reads):
    # 5 regions x 3 channels x 2 x 2 bins = 60
    answer = work("RoiAlign", [X, (5, 4), (5,)], [(5, 3, 2, 2)], **attributes)
    assert (answer.flops, answer.reads) == (flops, {0: reads})
