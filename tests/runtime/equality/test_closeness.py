"""Distances of two outputs, each way of comparing them, and the verdict over several inputs."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.runtime.equality import similarity
from ocost.runtime.equality.closeness import By, Case, extent, gap, judge, leaves, spread

INF, NAN = np.inf, np.nan


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("by", "x", "y", "expected"),
    [
        ("values", [1, 2, NAN, INF], [1, 2.5, NAN, INF], 0.5),
        ("values", [1, NAN], [1, 2], INF),
        ("values", [1, INF], [1, -INF], INF),
        ("values", [1, 2], [1, 2, 3], INF),
        ("values", [], [], 0),
        ("elements", [1, 2, 3], [1, 5, 4], 2),
        ("elements", ["a", "b"], ["a", "c"], 1),
        ("elements", [1, 2], [1], INF),
        # As a multiset: of 1, 1, 2 and 1, 2, 2 one has no partner; of 1, 2 and 2 one too.
        ("members", [1, 1, 2], [2, 2, 1], 1),
        ("members", [[1, 2]], [[2, 1]], 0),
        ("members", [1, 2], [2], 1),
        # 5 has moved; 3 is nearest to 2.5.
        ("rows", [5, 1, 3], [1, 2.5, 5], 0.5),
        ("rows", [[1, 2], [3, 4]], [[3, 4], [1, 2.25]], 0.25),
        ("rows", [[1, 2], [3, 4]], [[3, 4]], 2),
        ("rows", [1], [], INF),
        ("rows", [[1, 2]], [[1, 2, 3]], INF),
    ],
)
def test_gaps(by: By, x: list[object], y: list[object], expected: float) -> None:
    assert gap(by, np.array(x), np.array(y)) == expected
    assert gap(by, np.array(y), np.array(x)) == expected


def test_leaves_of_sequences_and_maps() -> None:
    value = [{"a": 1.0, 2: 2.0}, np.array([3.0])]
    found = leaves("y", value)
    assert list(found) == ["y[0]['a']", "y[0][2]", "y[1]"]
    assert found["y[0][2]"] == 2.0


def test_rounding_of_the_last_place_is_always_allowed() -> None:
    # 16 units of 2^-23 of the largest, 4: 7.6e-6.
    case = Case(floats(4, 0), floats(4, 7e-6))
    found = judge("y", "values", [case])
    assert found.tolerance == 16 * 2.0**-23 * 4
    assert (found.ok, found.before_abs, found.max_rel) == (True, None, np.float32(7e-6) / 4)


def test_what_shaking_changes_is_allowed() -> None:
    case = Case(floats(4, 0), floats(4, 0.0199), noise=0.02)
    assert judge("y", "values", [case]).ok is True
    case = Case(floats(4, 0), floats(4, 0.0201), noise=0.02)
    found = judge("y", "values", [case])
    assert (found.ok, found.close) == (False, True)
    assert judge("y", "values", [Case(floats(4, 0), floats(4, 0.1), noise=0.02)]).close is False


def test_what_rounding_makes_of_the_model_after_is_allowed_up_to_a_few_times() -> None:
    def verdict(off: float, noise_after: float) -> bool | None:
        case = Case(floats(4, 0), floats(4, off), noise=0.01, noise_after=noise_after)
        return judge("y", "values", [case]).ok

    assert [verdict(0.02, 0.0), verdict(0.02, 0.015)] == [False, True]
    assert [verdict(0.03, 0.015), verdict(0.06, 9.0)] == [False, False]


def test_the_reference_gives_room_on_every_input() -> None:
    # Before is 0.01 from the truth, so 4 times that is allowed, against the truth where it is
    # known: 0.035 of it, and on the other input against what was before.
    known = Case(floats(4), floats(4.045), reference=np.array([4.01]))
    other = Case(floats(4), floats(4.039))
    found = judge("y", "values", [known, other])
    assert found.ok is True
    assert found.before_abs == pytest.approx(0.01)
    assert found.tolerance == pytest.approx(0.04)
    assert found.max_abs == pytest.approx(0.039)  # the one with less room
    assert judge("y", "values", [known, Case(floats(4), floats(4.05))]).ok is False


def test_an_unsettled_input_counts_only_alone() -> None:
    # Rounding changes the first by half of it: nothing can be said of 0.1 there.
    vague = Case(floats(1), floats(1.1), noise=1.0)
    good, bad = (Case(floats(1), floats(v)) for v in (1, 2))
    assert judge("y", "values", [vague]).ok is None
    assert judge("y", "values", [vague, good]).ok is True
    assert judge("y", "values", [vague, good, bad]).ok is False
    same = Case(floats(1), floats(1), noise=1.0)
    assert judge("y", "values", [same]).ok is True


def test_steps_of_a_quantised_output() -> None:
    def verdict(after: int) -> bool | None:
        return judge("y", "values", [Case(np.uint8([9, 90]), np.uint8([9, after]))]).ok

    assert [verdict(91), verdict(92)] == [True, False]


def test_rounding_moves_few_elements_by_a_step() -> None:
    before = np.arange(100, dtype=np.uint8)
    few, many = before.copy(), before.copy()
    few[:5] += 1
    many[:6] += 1
    assert judge("y", "values", [Case(before, few)]).ok is True
    found = judge("y", "values", [Case(before, many)])
    assert (found.ok, found.reason) == (False, "output 'y' moves 6 of 100 elements by up to a step")
    # Shaking moved as many as that.
    assert judge("y", "values", [Case(before, many, flips=0.03)]).ok is True
    dequantised = before.astype(np.float32)
    wrong = Case(dequantised, dequantised * np.float32(1.005), noise=1.0, step=1.0)
    assert judge("y", "values", [wrong]).ok is False


def test_steps_are_counted_where_there_are_few_codes() -> None:
    """A step is a large share of the range of three codes; that all move is no rounding."""
    before = np.uint8([252, 253, 254, 255])
    assert judge("y", "values", [Case(before, before - np.uint8(1))]).ok is False
    few = before.copy()
    few[:2] -= 1
    assert judge("y", "values", [Case(before, few)]).ok is None


def test_a_shape_that_rounding_changes_says_nothing() -> None:
    case = Case(floats(1, 2), floats(1), noise=INF)
    found = judge("y", "values", [case])
    assert (found.ok, found.max_abs, found.tolerance) == (None, None, None)
    assert found.reason.startswith("output 'y' changes its shape, ")


def test_a_tolerance_of_the_users_own() -> None:
    case = Case(floats(4, 0), floats(4, 0.3))
    assert judge("y", "values", [case]).ok is False
    assert judge("y", "values", [case], tolerance=0.1).ok is True
    assert judge("y", "values", [case], tolerance=0.05).ok is False
    integers = Case(np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]))
    assert judge("y", "elements", [integers], tolerance=0.25).ok is True
    assert judge("y", "elements", [integers], tolerance=0.2).ok is False


def test_rounding_of_numbers_that_hardly_vary_says_nothing() -> None:
    """4500 and a bit: what changes by 1 of that may be all that there is to see."""
    before = floats(4500, 4510, 4520)
    assert judge("y", "values", [Case(before, before + 1, noise=1.0)]).ok is None
    assert judge("y", "values", [Case(before, before + 8, noise=1.0)]).ok is False
    assert judge("y", "values", [Case(before, before, noise=1.0)]).ok is True


def test_two_float_types_are_compared_at_the_coarser_ones_spacing() -> None:
    before = floats(1, 3)
    after = before.astype(np.float16) + np.float16(2.0**-9)
    assert judge("y", "values", [Case(before, after)]).ok is True
    assert judge("y", "values", [Case(before, after.astype(np.float32))]).ok is False


def test_arrays_are_compared_a_piece_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "_PIECE", 3)
    x = np.arange(10, dtype=np.float32)
    y = x.copy()
    y[9] = 11
    assert gap("values", x, y) == 2
    assert gap("elements", x, y) == 1
    assert (extent(y), spread(x)) == (11, 4.5)
    y[4] = NAN
    assert gap("values", x, y) == INF
    assert extent(y) == 11
