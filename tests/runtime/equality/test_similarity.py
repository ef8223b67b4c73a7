"""Cosine, signal to noise and top-1 agreement, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ocost.runtime.equality.similarity import Similarity, similarity


def rows(*values: list[float]) -> np.ndarray:
    return np.array(values, np.float32)


def test_by_hand() -> None:
    # (3, 4) and (4, 3): 24 / 25. Squares 25, differences 1 + 1.
    found = similarity([(rows([3, 4]), rows([4, 3]))])
    assert found.cosine == pytest.approx(24 / 25)
    assert found.snr_db == pytest.approx(10 * math.log10(25 / 2))
    assert found.top1 == 0


def test_all_inputs_count_as_one_vector() -> None:
    pairs = [(rows([3, 0], [0, 1]), rows([3, 0], [1, 0])), (rows([0, 4]), rows([0, 4]))]
    found = similarity(pairs)
    assert found.cosine == pytest.approx(25 / 26)  # of (3, 1, 4), all of length 26
    assert found.top1 == pytest.approx(2 / 3)


def test_equal_values() -> None:
    x = rows([1, 2])
    assert similarity([(x, x)]) == Similarity(pytest.approx(1), math.inf, 1)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (rows([0, 0]), rows([0, 0]), Similarity(None, None, 1)),
        (rows([1, np.inf]), rows([1, np.inf]), Similarity(None, None, 1)),
        (rows([1, 2]), rows([1, 2, 3]), Similarity(None, None, None)),
        (np.float32(2), np.float32(2), Similarity(1, math.inf, None)),
    ],
)
def test_what_is_not_defined(before: np.ndarray, after: np.ndarray, expected: Similarity) -> None:
    assert similarity([(np.asarray(before), np.asarray(after))]) == expected


def test_nothing_compared() -> None:
    assert similarity([]) == Similarity(None, None, None)
