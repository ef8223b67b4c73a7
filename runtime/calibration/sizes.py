"""Sizes as networks have them, drawn at random."""

from __future__ import annotations

from math import exp, log, prod

import numpy as np

Random = np.random.Generator

_SIDES = (
    5,
    6,
    7,
    8,
    10,
    12,
    13,
    14,
    16,
    20,
    24,
    26,
    28,
    32,
    40,
    48,
    56,
    64,
    80,
    112,
    128,
    160,
    224,
)


def uniform(random: Random, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return exp(random.uniform(log(low), log(high)))


def size(random: Random, low: int, high: int) -> int:
    """A whole number whose logarithm is about uniform."""
    return max(low, min(high, round(uniform(random, low, high))))


def channels(random: Random, low: int = 4, high: int = 2048) -> int:
    """Channels: most are multiples of 16, 8 or 4, some are odd."""
    count = size(random, low, high)
    for chance, multiple in ((0.35, 16), (0.4, 8), (0.4, 4)):
        if random.random() < chance:
            return max(multiple, (count + multiple // 2) // multiple * multiple)
    return count


def image(random: Random, high: int = 256) -> tuple[int, int]:
    """Height and width: square for the most part, of sides that networks have or any."""
    if random.random() < 0.35:
        side = min(high, int(random.choice(_SIDES)))
    else:
        side = size(random, 1, high)
    if random.random() < 0.75:
        return side, side
    return side, size(random, 1, high)


def shape(random: Random, most: float = 4e6, rank: int | None = None) -> tuple[int, ...]:
    """A shape of at most so many elements, mostly with one image a batch.

    One in four is of a few elements; the others take long enough to be told from each other.
    """
    dims = rank or int(random.choice([1, 2, 3, 3, 4, 4, 4, 5]))
    while True:
        elements = uniform(random, 8, 1e3) if random.random() < 0.25 else uniform(random, 1e3, most)
        parts = random.dirichlet(np.full(dims, 1.5))
        made = [max(1, round(elements**part)) for part in parts]
        if dims > 2 and random.random() < 0.7:
            made[0] = 1
        if prod(made) <= most:
            return tuple(made)


def up(count: int, multiple: int) -> int:
    """The next multiple."""
    return -(-count // multiple) * multiple
