"""Statistics of predicted against measured times, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.runtime.validation.accuracy import accuracy, spearman


def test_weighted_error_and_limits() -> None:
    # 100 us as 105 (5 % off), 60 as 48 (20 %), 40 as 58 (45 %), 2 as 4: the last is too short.
    found = accuracy([(100e-6, 105e-6), (60e-6, 48e-6), (40e-6, 58e-6), (2e-6, 4e-6)])
    assert found.nodes == 4
    assert found.long_nodes == 3
    # (5 + 12 + 18 + 2) / 202
    assert found.weighted_error == pytest.approx(37 / 202)
    assert [w.limit for w in found.within] == [0.10, 0.25, 0.50]
    assert [w.nodes for w in found.within] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [w.time for w in found.within] == pytest.approx([100 / 200, 160 / 200, 1])
    assert found.rank_correlation == pytest.approx(0.8)  # ranks 4 3 2 1 and 4 2 3 1: 1 - 6 x 2 / 60


def test_short_nodes_alone_are_within_no_limit() -> None:
    found = accuracy([(1e-6, 1e-6), (2e-6, 2e-6)])
    assert found.weighted_error == 0
    assert {(w.nodes, w.time) for w in found.within} == {(None, None)}


def test_of_nothing_nothing_is_known() -> None:
    found = accuracy([])
    assert (found.nodes, found.weighted_error, found.rank_correlation) == (0, None, None)


def test_ties_share_their_mean_rank() -> None:
    # Ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4, less their mean 2.5: covariance 2.25 + 0 + 0 + 2.25,
    # variances 4.5 and 5.
    found = spearman(np.array([1.0, 7.0, 7.0, 9.0]), np.array([10.0, 30.0, 20.0, 40.0]))
    assert found == pytest.approx(4.5 / (4.5 * 5) ** 0.5)


def test_order_is_all_that_counts() -> None:
    values = np.array([1.0, 2.0, 3.0])
    assert spearman(values, values**9) == pytest.approx(1)
    assert spearman(values, -np.exp(values)) == pytest.approx(-1)


@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0]])
def test_no_order_no_correlation(values: list[float]) -> None:
    assert spearman(np.array(values), np.arange(len(values), dtype=np.float64)) is None
