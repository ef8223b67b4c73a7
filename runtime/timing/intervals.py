"""Where the middle of a few noisy figures lies, without a guess at how the noise is distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LEVEL = 0.99
# Of fewer figures not even their whole range covers the middle with 99 %: 2 x 2**-7 > 1 %.
LEAST = 8


class Estimate(NamedTuple):
    """A middle and the interval that covers it with ``LEVEL``."""

    low: float
    middle: float
    high: float


def signed_rank(figures: Sequence[float]) -> Estimate:
    """The Hodges-Lehmann estimate and the interval that inverts Wilcoxon's signed-rank test.

    It asks only that the figures are independent and each as likely to lie so far above the
    middle as below it. How widely each of them scatters may differ from one to the next, so
    that a disturbance which comes and goes does no harm. The estimate is the median of the means
    of all pairs (Hodges and Lehmann, Ann. Math. Stat. 34, 1963); the interval leaves out as many
    pairs on each side as the test's exact distribution allows.

    Raises
    ------
    ValueError
        Of fewer than ``LEAST`` figures.
    """
    count = len(figures)
    if count < LEAST:
        raise ValueError(f"{LEAST} figures are needed, {count} given")
    chance = np.ones(1)  # of each sum of ranks, if every sign is a fair coin's
    for rank in range(1, count + 1):
        gap = np.zeros(rank)
        chance = (np.concatenate((chance, gap)) + np.concatenate((gap, chance))) / 2
    left_out = int(np.searchsorted(np.cumsum(chance), (1 - LEVEL) / 2, side="right"))
    values = np.asarray(figures, dtype=np.float64)
    first, second = np.triu_indices(count)
    pairs = np.sort((values[first] + values[second]) / 2)
    return Estimate(float(pairs[left_out - 1]), float(np.median(pairs)), float(pairs[-left_out]))
