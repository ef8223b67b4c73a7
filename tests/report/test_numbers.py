import math

import pytest

from ocost.report.numbers import (
    Unit,
    dims,
    largest,
    percent_change,
    share,
    show,
    smallest,
    total,
    unit_of,
)


@pytest.mark.parametrize(
    ("value", "quantity", "text"),
    [
        (0, "count", "0"),
        (999, "count", "999"),
        (1_000, "count", "1.00 k"),
        (12_345, "count", "12.3 k"),
        (300_774_272, "count", "300.8 M"),
        (1_814_073_344, "count", "1.81 G"),
        (999_960, "count", "1.00 M"),  # would round to 1000.0 k
        (1_023, "bytes", "1023 B"),
        (1_024, "bytes", "1.00 KiB"),
        (173_065_304, "bytes", "165.0 MiB"),  # / 2^20 = 165.05
        (0.2e-6, "seconds", "0.20 µs"),
        (8.697e-3, "seconds", "8.70 ms"),
        (12.5, "seconds", "12.5 s"),
        (3.58992, "ratio", "3.59"),
        (48.0, "ratio", "48.00"),
        (153.06, "ratio", "153.1"),
        (None, "count", "?"),
        (None, "seconds", "?"),
        (math.inf, "ratio", "?"),
        (math.nan, "seconds", "?"),
    ],
)
def test_one_figure(value, quantity, text):
    assert show(value, quantity) == text


def test_a_unit_is_that_of_the_largest():
    unit = unit_of([165.05 * 2**20, 512, None], "bytes")
    assert unit == Unit("MiB", 2**20, 1)
    assert unit.number(165.05 * 2**20) == "165.1"
    assert unit.number(512) == "<0.1"  # not 0: there is something
    assert unit.number(0) == "0"
    assert unit.number(None) == "?"


def test_the_middle_one_decides_where_asked_for():
    # 3.7 ms among microseconds: the unit of most, the decimals of the largest.
    unit = unit_of([3.7049e-3, 7.6e-6, 0.2e-6], "seconds", middle=True)
    assert [unit.text(s) for s in (3.7049e-3, 0.2e-6)] == ["3704.9 µs", "0.2 µs"]


def test_nothing_known_has_no_unit():
    assert unit_of([None, math.nan], "bytes").text(None) == "?"
    assert unit_of([], "seconds").name == ""


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (8.70e-3, 6.73e-3, "-1.97"),
        (6.73e-3, 8.70e-3, "+1.97"),
        (5e-3, 5e-3, "0"),
        (5e-3, 5.001e-3, "~0"),  # 1 us is below a hundredth of a millisecond
        (None, 5e-3, "?"),
        (5e-3, None, "?"),
    ],
)
def test_change(before, after, text):
    assert Unit("ms", 1e-3, 2).change(before, after) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (200, 138, "-31.0 %"),
        (100, 104, "+4.0 %"),
        (100, 0, "-100.0 %"),
        (100, 100, "0 %"),
        (0, 0, "0 %"),
        (100_000, 100_001, "~0 %"),
        (2, 25, "x12.5"),
        (0, 7, "new"),
        (None, 7, "?"),
        (7, None, "?"),
    ],
)
def test_percent_change(before, after, text):
    assert percent_change(before, after) == text


def test_share():
    assert share(1, 8) == "12.5 %"
    assert share(0, 8) == "0 %"
    assert share(1, 10_000) == "<0.1 %"
    assert share(None, 8) == "?"
    assert share(1, None) == "?"


def test_dims():
    assert dims((1, 3, None, 224)) == "1x3x?x224"
    assert dims(()) == "scalar"
    assert dims(None) == "?"


def test_sums_and_ends_leave_out_what_is_not_known():
    assert total([1, None, 2]) == 3
    assert total([]) == 0
    assert total([None]) is None
    assert largest([None, 2.0, 5.0]) == 5.0
    assert largest([None]) is None
    assert smallest([None, 0.0, 2.0, 5.0]) == 2.0
    assert smallest([0.0]) is None
