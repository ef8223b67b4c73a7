"""How well predicted times agree with measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pair = tuple[float, float]  # measured and predicted seconds of a node

LEAST_S = 10e-6  # what takes less is mostly the runtime's overhead, and within the profiler's error
LIMITS = (0.10, 0.25, 0.50)


@dataclass(frozen=True, slots=True)
class Within:
    """How many nodes are predicted within ``limit`` (a share of what was measured).

    ``nodes`` and ``time`` are shares of the nodes that take ``LEAST_S`` or more, by their number
    and by their measured time; None where there is none.
    """

    limit: float
    nodes: float | None
    time: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Statistics over the nodes of which both times are known.

    Parameters
    ----------
    nodes
        How many these are.
    weighted_error
        Sum of |predicted - measured| over the sum of measured; None where nothing was measured.
    within
        By limit.
    long_nodes
        How many nodes ``within`` is about.
    rank_correlation
        Spearman's; None of fewer than two nodes, or where all times are equal.
    """

    nodes: int
    weighted_error: float | None
    within: tuple[Within, ...]
    long_nodes: int
    rank_correlation: float | None


def accuracy(pairs: Sequence[Pair]) -> Accuracy:
    """Compare the nodes' measured and predicted seconds."""
    measured, predicted = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    off = np.abs(predicted - measured)
    whole = float(measured.sum())
    long = measured >= LEAST_S
    long_s = float(measured[long].sum())
    within = []
    for limit in LIMITS:
        close = long & (off <= limit * measured)
        nodes = float(close.sum() / long.sum()) if long.any() else None
        time = float(measured[close].sum() / long_s) if long.any() else None
        within.append(Within(limit, nodes, time))
    return Accuracy(
        len(pairs),
        float(off.sum()) / whole if whole else None,
        tuple(within),
        int(long.sum()),
        spearman(measured, predicted),
    )


def spearman(first: Floats, second: Floats) -> float | None:
    """Spearman's rank correlation: Pearson's of the ranks, equal values sharing their mean rank.

    None where it is not defined: of fewer than two values, or where all on one side are equal.
    """
    if any(len(np.unique(side)) < 2 for side in (first, second)):
        return None
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)  # of the ranks that equal values take
    shared: Floats = (last - (counts - 1) / 2)[place]
    return shared
