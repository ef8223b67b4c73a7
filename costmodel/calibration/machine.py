"""What features need to know of a machine."""

from __future__ import annotations

import math
from typing import NamedTuple

LEVELS = ("L1", "L2", "L3", "DRAM")
_SOFTNESS = 0.5  # of a cache's edge, in units of ln(bytes)


class Machine(NamedTuple):
    """The sizes that decide which loop of a kernel runs, and where data lie.

    Parameters
    ----------
    block
        Channels of a blocked layout; 1 where there is none.
    caches
        Bytes of L1, L2 and of what a core gets of L3.
    curve
        Bytes that a node touches, and the bytes per second that it reaches then.
    """

    block: int
    caches: tuple[float, float, float]
    curve: tuple[tuple[int, float], ...] = ()

    def by_level(self, amount: float, distance: float) -> tuple[float, float, float, float]:
        """An amount of data by where it lies, from the bytes touched since it was.

        A cache's edge is soft, since what is touched is not evenly spread: half of the data are
        in a cache that holds as much as was touched.
        """
        logarithm = math.log(max(distance, 1.0))
        beyond = [
            1.0 / (1.0 + math.exp(-(logarithm - math.log(cache)) / _SOFTNESS))
            for cache in self.caches
        ]
        first, second, third = beyond
        return (
            amount * (1 - first),
            amount * first * (1 - second),
            amount * first * second * (1 - third),
            amount * first * second * third,
        )
