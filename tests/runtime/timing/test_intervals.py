"""The signed-rank interval against hand-counted tables, and its coverage."""

from __future__ import annotations

import random

import pytest

from ocost.runtime.timing.intervals import LEAST, Estimate, signed_rank


def test_eight_figures_need_their_whole_range() -> None:
    # P(all signs alike) = 2 x 2**-8 = 0.8 %, and one pair less on each side: 4 x 2**-8 = 1.6 %.
    # Of 1, 2, 4, ..., 128 the 36 means of pairs have 18 and 20 in their middle:
    # below are 1, 1.5, 2, 2.5, 3, 4, 4.5, 5, 6, 8, 8.5, 9, 10, 12, 16, 16.5, 17 and 18 makes 18.
    assert signed_rank([8, 1, 64, 2, 32, 4, 128, 16]) == Estimate(1, 19, 128)


@pytest.mark.parametrize(("count", "critical"), [(8, 0), (10, 3), (12, 7), (16, 19), (20, 37)])
def test_as_many_pairs_are_left_out_as_wilcoxons_table_says(count: int, critical: int) -> None:
    # Two-sided critical values of W at 1 %: an interval begins at pair critical + 1 from below.
    figures = [1.5**i for i in range(count)]
    pairs = sorted((figures[i] + figures[j]) / 2 for i in range(count) for j in range(i, count))
    low, middle, high = signed_rank(figures)
    assert low == pytest.approx(pairs[critical])
    assert high == pytest.approx(pairs[-critical - 1])
    assert low < middle < high


def test_equal_figures_leave_no_doubt() -> None:
    assert signed_rank([0.25] * 9) == Estimate(0.25, 0.25, 0.25)


def test_fewer_than_eight_are_refused() -> None:
    with pytest.raises(ValueError, match="8 figures are needed, 7 given"):
        signed_rank([0.0] * (LEAST - 1))


def test_covers_the_middle_of_wild_noise_of_changing_width() -> None:
    # Cauchy noise, its width drawn anew for every figure: of 500 intervals at 99 %, 5 miss on
    # the mean, with a standard deviation of 2.2.
    rng = random.Random(1)
    missed = 0
    for _ in range(500):
        figures = [rng.choice((1, 10)) * rng.gauss(0, 1) / rng.gauss(0, 1) for _ in range(12)]
        low, _, high = signed_rank(figures)
        missed += not low <= 0 <= high
    assert missed <= 12
