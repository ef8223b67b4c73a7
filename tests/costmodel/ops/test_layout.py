from __future__ import annotations

import pytest

from ocost.costmodel.kinds import KernelKind

X = (2, 3, 4)  # 24 elements


@pytest.mark.parametrize(
    "op_type", ["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "OptionalGetElement"]
)
def test_views(work, op_type):
    answer = work(op_type, [X], [X])
    assert (answer.view, answer.kind, answer.flops) == (True, KernelKind.VIEW, 0)


@pytest.mark.parametrize(
    ("shape", "perm", "view"),
    [
        ((2, 3, 4), [0, 2, 1], False),
        ((2, 3, 4), [0, 1, 2], True),
        ((1, 3, 4), [1, 0, 2], True),  # only the dim of extent 1 moves
        ((1, 64, 1, 1), [0, 2, 3, 1], True),
        ((1, 3, 4), [0, 2, 1], False),
        ((2, 3), None, False),  # reversed
        ((1, 3), None, True),
    ],
)
def test_transpose(work, shape, perm, view):
    answer = work("Transpose", [shape], [shape], perm=perm)
    assert (answer.view, answer.kind) == (view, KernelKind.VIEW if view else KernelKind.LAYOUT)


@pytest.mark.parametrize(
    "op_type",
    ["Concat", "Split", "Expand", "Tile", "DepthToSpace", "SpaceToDepth", "ReverseSequence"],
)
def test_copies_read_and_write_everything_once(work, op_type):
    answer = work(op_type, [X], [X])
    assert (answer.kind, answer.view, answer.flops) == (KernelKind.LAYOUT, False, 0)
    assert (answer.reads, answer.writes) == ({}, {})


def test_slice_reads_what_it_returns(work):
    # [2, 1, 2] of [2, 3, 4]
    assert work("Slice", [X, (1,), (1,)], [(2, 1, 2)]).reads == {0: 4}


def test_center_crop_pad(work):
    # [2, 3, 4] cropped and padded to [1, 5, 4]: 1 x 3 x 4
    assert work("CenterCropPad", [X, (3,)], [(1, 5, 4)]).reads == {0: 12}


@pytest.mark.parametrize(
    ("out", "values", "reads"),
    [
        ((2, 5, 4), {1: [0, 1, 0, 0, 1, 0]}, 24),  # nothing is cut off
        ((2, 3, 2), {1: [0, 0, -1, 0, 0, -1]}, 12),  # 2 x 3 x (4 - 2)
        ((2, 3, 4), {1: [0, 0, -1, 0, 0, 1]}, 18),  # 2 x 3 x (4 - 1)
        ((1, 3, 4), {1: [-1, 0], 3: [0]}, 12),  # axis 0 only: (2 - 1) x 3 x 4
        ((2, 3, 3), {1: [-1, 0], 3: [-1]}, 18),  # 2 x 3 x (4 - 1)
        ((2, 3, 2), {}, 12),  # pads not known: at most 2 x 3 x 2
    ],
)
def test_pad_reads_what_negative_pads_leave(work, out, values, reads):
    inputs = [X, (6,), None, (1,) if 3 in values else None]
    assert work("Pad", inputs, [out], values=values).reads == {0: reads}


@pytest.mark.parametrize(("opset", "attribute"), [(1, "paddings"), (2, "pads")])
def test_pad_by_attribute(work, opset, attribute):
    answer = work("Pad", [X], [(2, 3, 2)], opset=opset, **{attribute: [0, 0, -1, 0, 0, -1]})
    assert answer.reads == {0: 12}


@pytest.mark.parametrize(
    ("upper", "k", "reads"),
    [
        (1, 0, 18),  # rows of 4, 3, 2: 9, twice
        (0, 0, 12),  # rows of 1, 2, 3: 6, twice
        (1, 1, 12),  # 3, 2, 1
        (0, -1, 6),  # 0, 1, 2
        (1, -9, 24),  # all
        (0, 9, 24),
    ],
)
def test_trilu_reads_its_triangle(work, upper, k, reads):
    answer = work("Trilu", [X, ()], [X], values={1: k}, upper=upper)
    assert answer.reads == {0: reads}


def test_trilu_without_and_with_unknown_k(work):
    assert work("Trilu", [X], [X]).reads == {0: 18}
    assert work("Trilu", [X, ()], [X]).reads == {}
