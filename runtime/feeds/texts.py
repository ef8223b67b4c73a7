"""Contents of string inputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .modes import Mode, Style

Array = npt.NDArray[Any]

# None of a usual graph's keys; the words of one text, both cases, more bytes than letters.
_STRANGE = ("", "ocost", "A b", "straße", "日本語", "naïve Éclair", "a", "0", "the cat sat", "-1.5")


def texts(
    shape: Sequence[int],
    mode: Mode,
    generator: np.random.Generator,
    known: Sequence[str],
) -> Array:
    """An array of strings of a mode; ``known`` are those that the graph itself holds."""
    size = int(np.prod(shape, dtype=np.int64))
    if mode.style is Style.FILL:
        return np.full(tuple(shape), str(mode.value), object)
    joined = [f"{a} {b}" for a, b in pairwise(known)]
    cased = [text.swapcase() for text in known]
    pool: Sequence[str]
    match mode.style:
        case Style.PLAIN:
            pool = known or ("a",)
        case Style.TIES:
            pool = (known or ("a",))[:2]
        case Style.EXTREMES | Style.SPECIAL:
            pool = _STRANGE
        case _:
            pool = list(dict.fromkeys([*known, *joined, *cased, *_STRANGE]))
    first = int(generator.integers(len(pool))) + mode.turn * size
    made = np.empty(size, object)
    made[:] = [pool[(first + place) % len(pool)] for place in range(size)]
    return made.reshape(tuple(shape))
