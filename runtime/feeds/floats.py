"""Contents of float inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from .modes import Mode, Style
from .roles import Interval

Array = npt.NDArray[Any]
Made = Callable[[int], Array]

# Where rounding, clipping, comparing and activating change what they do.
_EDGES = (0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 6.0, 7.0)
_SHARED = (0.0, 1.0, -1.0, -0.0, 0.5, 2.0)  # two inputs have them at the same place
_SPECIAL = (np.nan, np.inf, -np.inf)
_BLOCK = 1_000_003  # elements; more are the same again, as drawing gigabytes takes a minute
RARE = 7  # one element in so many is special


def tiled(shape: Sequence[int], make: Made, dtype: np.dtype[Any]) -> Array:
    """An array of the shape; a large one repeats a block, of a length that is no round number."""
    size = int(np.prod(shape, dtype=np.int64))
    if size <= _BLOCK:
        return make(size).astype(dtype).reshape(tuple(shape))
    made = np.empty(size, dtype)  # fails at once where there is no room
    block = make(_BLOCK).astype(dtype)
    for start in range(0, size, _BLOCK):
        made[start : start + _BLOCK] = block[: size - start]
    return made.reshape(tuple(shape))


def floats(
    dtype: np.dtype[Any],
    shape: Sequence[int],
    mode: Mode,
    plain: Interval | None,
    accepted: Interval | None,
    generator: np.random.Generator,
    numbers: Sequence[float],
    delay: int = 0,
) -> Array:
    """A float array of a mode.

    Parameters
    ----------
    plain, accepted
        The values with which the model does what it is for, and with which it runs.
    numbers
        What the graph compares or clips with.
    delay
        By how many places the edges come later than in an input without one.
    """
    limits = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call] # it has no types
    lowest, highest = float(limits.min), float(limits.max)

    def make(size: int) -> Array:
        made = _drawn(size, mode, plain, generator, numbers, delay)
        if accepted is not None:
            made = np.clip(made, accepted.low, accepted.high)
        if mode.sign:
            made = np.copysign(made, mode.sign)
        if lowest >= 0:  # a type without a sign
            made = np.abs(made)
        finite = np.isfinite(made)
        return np.where(finite, np.clip(made, lowest, highest), made)

    with np.errstate(all="ignore"):  # small types round to 0
        return tiled(shape, make, dtype)


def _drawn(
    size: int,
    mode: Mode,
    plain: Interval | None,
    generator: np.random.Generator,
    numbers: Sequence[float],
    delay: int,
) -> Array:
    made: Array
    match mode.style:
        case Style.FILL:
            made = np.full(size, mode.value, np.float64)
        case Style.TIES:
            made = generator.choice([-1.0, 0.0, 1.0], size)
        case Style.EDGES:
            made = _edges(size, mode.turn, numbers, delay)
        case Style.SPECIAL:
            made = generator.standard_normal(size)
            at = generator.permutation(size)[: max(1, size // RARE)]
            made[at] = [_SPECIAL[(i + mode.turn) % 3] for i in range(len(at))]
        case Style.PLAIN if plain is not None:
            made = np.asarray(generator.uniform(plain.low, plain.high, size))
        case _:
            made = generator.standard_normal(size, dtype=np.float32) * np.float32(mode.scale)
    return made


def edges(numbers: Sequence[float]) -> tuple[float, ...]:
    """Values at which operators change what they do, those of the graph and their neighbours."""
    near = [n * by for n in numbers for by in (1, 1.01, 0.99, 2, -1)]
    return tuple(dict.fromkeys([*numbers, *_EDGES[2:], *near])) + _EDGES[:2]


def _edges(size: int, turn: int, numbers: Sequence[float], delay: int) -> Array:
    """Of every two elements one goes through the edges, from turn to turn on.

    The other is what every other input has at this place, so that comparisons meet equals.
    """
    return interleaved(size, turn, np.array(edges(numbers)), _SHARED, delay)


def interleaved(
    size: int, turn: int, pool: Array, shared: Sequence[float], delay: int = 0
) -> Array:
    """Of every two elements one from the pool, from its start on, the other shared.

    Two inputs are delayed by different places: what is the same in both hides which one is read.
    """
    places = np.arange(size)
    own = pool[((turn * size + 1) // 2 + places // 2 - delay) % len(pool)]
    same = np.random.default_rng(turn).choice(np.array(shared, pool.dtype), size)
    return np.where((places + turn) % 2 == 0, own, same)
