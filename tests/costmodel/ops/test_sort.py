from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind

INT64 = TensorProto.INT64


@pytest.mark.parametrize(
    ("kept", "flops"),
    [
        (1, 200),  # one comparison an element
        (5, 800),  # 200 x (1 + ceil(log2 5) = 3)
        (8, 800),  # 200 x (1 + 3)
    ],
)
def test_top_k(work, kept, flops):
    out = (2, kept)
    answer = work("TopK", [(2, 100), (INT64, (1,))], [out, (INT64, out)])
    assert (answer.flops, answer.kind) == (flops, KernelKind.SORT)


def test_top_k_along_another_axis(work):
    # 200 x (1 + ceil(log2 4) = 2)
    assert work("TopK", [(100, 2), (INT64, (1,))], [(4, 2), (4, 2)], axis=0).flops == 600


def test_unique(work):
    # 24 elements: 24 x ceil(log2 24) = 24 x 5
    assert work("Unique", [(2, 3, 4)], [(24,)]).flops == 120
    # 4 slices: 24 x ceil(log2 4) = 24 x 2
    assert work("Unique", [(2, 3, 4)], [(2, 3, 4)], axis=-1).flops == 48


BOXES, SCORES = (1, 100, 4), (1, 3, 100)


@pytest.mark.parametrize(
    ("values", "flops"),
    [
        # 3 classes x 100 x (1 + ceil(log2 100) = 7 + 10 x 19)
        ({2: 10}, 59400),
        # more than there are boxes: 3 x 100 x (8 + 100 x 19)
        ({2: 1000}, 572400),
        ({}, 572400),  # not known
        ({2: 0}, 2400),  # no output: 3 x 100 x 8
    ],
)
def test_non_max_suppression(work, values, flops):
    inputs = [BOXES, SCORES, (INT64, ()), (), ()]
    answer = work("NonMaxSuppression", inputs, [(INT64, (30, 3))], values=values)
    assert answer.flops == flops


def test_non_max_suppression_without_a_maximum(work):
    # the default of 0 selects nothing
    assert work("NonMaxSuppression", [BOXES, SCORES], [(INT64, (0, 3))]).flops == 2400
