"""Contents of integer and boolean inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from .floats import interleaved, tiled
from .modes import Mode, Style
from .roles import Interval

Array = npt.NDArray[Any]

_USUAL = Interval(-9, 9)
_EDGES = (0, 1, -1, 2, -2, 3, 7, 8, 127, 128, 255, 256, -128, -129)
_SHARED = (0, 1, -1, 2)
# Of four flags; first those in which two neighbours differ. All true and all false come anyway.
_COMBINATIONS = (5, 10, 1, 2, 4, 3, 6, 8, 7, 9, 12, 11, 13, 14)
_FAR = (7, 8, 15, 16, 24, 31, 32, 53, 62)  # bits at which other types lose something


def integers(
    dtype: np.dtype[Any],
    shape: Sequence[int],
    mode: Mode,
    plain: Interval | None,
    accepted: Interval | None,
    generator: np.random.Generator,
    numbers: Sequence[float],
    delay: int = 0,
) -> Array:
    """An integer array of a mode.

    Parameters
    ----------
    plain, accepted
        The values with which the model does what it is for, and with which it runs.
    numbers
        What the graph compares with.
    delay
        As of ``floats``.
    """
    info = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call] # it has no types
    held = Interval(int(info.min), int(info.max))

    def make(size: int) -> Array:
        made = _drawn(size, mode, plain, accepted, held, generator, numbers, delay)
        if mode.sign:
            made = np.abs(made) * mode.sign
        if accepted is not None and mode.style is not Style.PLAIN:
            made = _into(made, accepted)
        return np.clip(made, held.low, held.high)

    return tiled(shape, make, dtype)


def _drawn(
    size: int,
    mode: Mode,
    plain: Interval | None,
    accepted: Interval | None,
    held: Interval,
    generator: np.random.Generator,
    numbers: Sequence[float],
    delay: int,
) -> Array:
    wide = accepted or _meet(_USUAL, held)
    match mode.style:
        case Style.FILL:
            return np.full(size, int(float(mode.value or 0)))
        case Style.TIES:  # sorted, most of them twice
            low = max(math.ceil(wide.low), 0)
            return np.sort(_between(Interval(low, min(low + 3, wide.high)), size, generator))
        case Style.EDGES if accepted is None:
            whole = [int(n) for n in numbers if n == int(n)]
            own = [*whole, *(n + by for n in whole for by in (1, -1))]
            pool = [n for n in dict.fromkeys((*own, *_EDGES)) if held.low <= n <= held.high]
            return interleaved(size, mode.turn, np.array(pool), _SHARED, delay)
        case Style.EXTREMES if accepted is None:
            return _extremes(size, mode.turn, held, delay)
        case Style.PLAIN:
            return _between(plain or Interval(0, 1), size, generator)
    return _between(wide, size, generator)


def _extremes(size: int, turn: int, held: Interval, delay: int) -> Array:
    """The largest of the type and powers of 2; the very least is left out: -1 can't divide it.

    Every other element is what an input without a delay has at this place.
    """
    powers = [by * 2**bit + more for bit in _FAR for by in (1, -1) for more in (0, -1)]
    ends = [int(held.high), int(held.low) + 1, int(held.high) - 1]
    pool = [n for n in dict.fromkeys([*ends, *reversed(powers)]) if held.low < n <= held.high]
    kept = np.array(pool, np.uint64 if held.low == 0 and held.high > 2**62 else np.int64)
    places = np.arange(size)
    late = np.where((places + turn) % 2 == 0, delay, 0)
    return kept[(places + turn * size - late) % len(kept)]


def _between(limits: Interval, size: int, generator: np.random.Generator) -> Array:
    low, high = math.ceil(limits.low), math.floor(limits.high)
    unsigned = high > 2**63 - 1
    return np.asarray(
        generator.integers(low, high, size, np.uint64 if unsigned else np.int64, endpoint=True)
    )


def _into(made: Array, limits: Interval) -> Array:
    """Values from outside come in again from the other end."""
    low, high = math.ceil(limits.low), math.floor(limits.high)
    outside = (made < low) | (made > high)
    return np.where(outside, low + made % (high - low + 1), made) if outside.any() else made


def _meet(a: Interval, b: Interval) -> Interval:
    return Interval(max(a.low, b.low), min(a.high, b.high))


def booleans(
    shape: Sequence[int],
    mode: Mode,
    plain: Interval | None,
    generator: np.random.Generator,
    place: int,
) -> Array:
    """A boolean array of a mode.

    Single flags go through their combinations from turn to turn rather than by chance: ``place``
    is the flag's place among them.
    """
    if mode.style is Style.FILL:
        return np.full(tuple(shape), bool(mode.value))
    if mode.style is Style.PLAIN:
        return np.full(tuple(shape), plain is None or plain.high > 0)
    if math.prod(shape) == 1 and mode.turn < len(_COMBINATIONS):
        return np.full(tuple(shape), bool(_COMBINATIONS[mode.turn] >> place % 4 & 1))
    return tiled(shape, lambda size: generator.integers(0, 2, size) == 1, np.dtype(np.bool_))
