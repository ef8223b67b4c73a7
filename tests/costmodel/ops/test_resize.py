from __future__ import annotations

import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown

X = (1, 2, 4, 4)  # 32 elements


@pytest.mark.parametrize(
    ("mode", "out", "flops", "reads"),
    [
        ("nearest", (1, 2, 8, 8), 0, 32),
        ("nearest", (1, 2, 2, 8), 0, 16),  # 2 of 4 rows
        ("linear", (1, 2, 8, 8), 896, 32),  # 128 x (4 Mul + 3 Add)
        ("linear", (1, 2, 4, 8), 192, 32),  # one axis: 64 x (2 Mul + 1 Add)
        ("linear", (1, 2, 1, 1), 14, 8),  # 2 x 7; 2 channels x 2 x 2 elements
        ("cubic", (1, 2, 8, 8), 3968, 32),  # 128 x (16 Mul + 15 Add)
        ("linear", (1, 2, 4, 4), 0, 32),  # no axis is resized
    ],
)
def test_resize(work, mode, out, flops, reads):
    answer = work("Resize", [X, None, (4,)], [out], mode=mode)
    assert (answer.flops, answer.reads, answer.kind) == (flops, {0: reads}, KernelKind.RESIZE)


def test_antialias_widens_the_window(work):
    answer = work("Resize", [X, None, (4,)], [(1, 2, 2, 2)], mode="linear", antialias=1)
    # factor 2: windows of 2 x 2 = 4 a side, 16 points: 8 x (16 Mul + 15 Add)
    assert answer.flops == 248


@pytest.mark.parametrize(("mode", "flops"), [("nearest", 0), ("linear", 896), ("bilinear", 896)])
def test_upsample(work, mode, flops):
    answer = work("Upsample", [X, (4,)], [(1, 2, 8, 8)], mode=mode, opset=9)
    assert answer.flops == flops


def test_unknown_mode(work):
    with pytest.raises(Unknown, match="lanczos"):
        work("Resize", [X], [X], mode="lanczos")


@pytest.mark.parametrize(
    ("mode", "flops", "reads"),
    [
        ("nearest", 0, 18),  # 18 outputs, a point each
        ("linear", 126, 32),  # 18 x 7; 18 x 4 > 32
        ("bilinear", 126, 32),
        ("cubic", 558, 32),  # 18 x 31
    ],
)
def test_grid_sample(work, mode, flops, reads):
    answer = work("GridSample", [X, (1, 3, 3, 2)], [(1, 2, 3, 3)], mode=mode)
    assert (answer.flops, answer.reads) == (flops, {0: reads})


def test_grid_sample_of_volumes(work):
    answer = work("GridSample", [(1, 2, 4, 4, 4), (1, 2, 2, 2, 3)], [(1, 2, 2, 2, 2)])
    # 16 x (8 Mul + 7 Add)
    assert answer.flops == 240


@pytest.mark.parametrize(
    ("theta", "out", "macs"),
    [
        ((2, 2, 3), (2, 4, 5, 2), 240),  # 2 x 4 x 5 x 2 outputs x 3 columns
        ((1, 3, 4), (1, 2, 4, 5, 3), 480),  # 120 outputs x 4 columns
    ],
)
def test_affine_grid(work, theta, out, macs):
    answer = work("AffineGrid", [theta, (len(out),)], [out])
    assert (answer.macs, answer.flops) == (macs, 2 * macs)
