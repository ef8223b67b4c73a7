"""How alike the outputs of two models are that are meant to differ: float32 and int8, say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]
_PIECE = 1 << 20


def pieces(array: Array) -> Iterator[Array]:
    """The elements in order, a part at a time: what is computed from them takes little memory."""
    row = array.reshape(-1)
    return (row[start : start + _PIECE] for start in range(0, len(row), _PIECE))


@dataclass(frozen=True)
class Similarity:
    """Of one output, over several inputs; None where a figure is not defined.

    Parameters
    ----------
    cosine
        Of the angle between the values of before and after, taken as one vector over all inputs.
    snr_db
        Signal to noise: 10 log10 of the sum of squares before over that of the differences.
        Infinite where nothing differs.
    top1
        The share of rows (along the last axis) whose largest element stands at the same place.
    """

    cosine: float | None
    snr_db: float | None
    top1: float | None


def similarity(pairs: Sequence[Pair]) -> Similarity:
    """Compare arrays of numbers, before and after, of equal shapes; none where they are not."""
    if not pairs or any(a.shape != b.shape for a, b in pairs):
        return Similarity(None, None, None)
    dot = before = after = off = 0.0
    for pair in pairs:
        for x, y in zip(*map(pieces, pair), strict=True):
            a, b = x.astype(np.float64), y.astype(np.float64)
            with np.errstate(all="ignore"):
                dot += float(a @ b)
                before += float(a @ a)
                after += float(b @ b)
                off += float((a - b) @ (a - b))
    if not all(map(math.isfinite, (dot, before, after, off))):
        return Similarity(None, None, _top1(pairs))
    cosine = dot / math.sqrt(before * after) if before and after else None
    snr = None
    if before:
        snr = 10 * math.log10(before / off) if off else math.inf
    return Similarity(cosine, snr, _top1(pairs))


def _top1(pairs: Sequence[Pair]) -> float | None:
    rows = same = 0
    for before, after in pairs:
        if not before.ndim or before.shape[-1] < 2 or not before.size:
            continue
        hits = before.argmax(axis=-1) == after.argmax(axis=-1)
        rows += hits.size
        same += int(np.count_nonzero(hits))
    return same / rows if rows else None
