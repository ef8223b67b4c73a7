"""How far two values of one output are apart, and whether rounding alone explains it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .noise import SPACING, UNITS
from .similarity import Similarity, pieces

Array = npt.NDArray[Any]
By = Literal["values", "elements", "rows", "members"]
Status = Literal["equal", "different", "not compared"]

# Where rounding alone changes an output by more than this share of the range that its elements
# span, a wrong rewrite may change it less: then it says nothing of one.
SETTLED = 0.05
# A value on the edge between two steps is rare: more elements than these that change by one are no
# rounding: a share of them, or a few where there are few.
_FLIPPED, _FEW = 0.05, 2
# One sample of a rounding error may be exceeded by another that many times: the distance of the
# model itself from the reference, and what shaking makes of an output where it makes anything.
ROOM = 4
# How many more elements may flip than shaking showed.
EASE = 2


def status(ok: bool | None) -> Status:
    """A verdict in words; what could not be compared is not equal."""
    if ok is None:
        return "not compared"
    return "equal" if ok else "different"


@dataclass(frozen=True)
class OutputCheck:
    """One output of the rewritten model against the reference, over all inputs.

    Parameters
    ----------
    name
        The output; an element of a sequence or map is ``name[key]``.
    by
        ``values``: element by element, as numbers. ``elements``: equal or not, element by
        element (integers, booleans, strings). ``rows`` and ``members``: as sets, of rows of
        numbers and of other elements, because a tie may change their order.
    max_abs
        Largest difference of two numbers, or how many elements have no equal; None where the
        shapes differ, or the places of NaN and infinity. The figures are those of the input with
        the least room to its tolerance.
    max_rel
        The same by the largest number, or by the number of elements; None where that is 0.
    before_abs
        How far the model was from the float64 reference before; None where there is none.
    tolerance
        What rounding explains: ``max_abs`` may be this. None where it may change the shape.
    ok
        None where nothing can be concluded.
    reason
        Why it is not ok.
    similarity
        How alike the values are, where that was asked for.
    """

    name: str
    by: By
    max_abs: float | None
    max_rel: float | None
    before_abs: float | None
    tolerance: float | None
    ok: bool | None
    reason: str = ""
    similarity: Similarity | None = None

    @property
    def status(self) -> Status:
        """The verdict in words."""
        return status(self.ok)

    @property
    def close(self) -> bool:
        """Whether it differs by little more than rounding explains."""
        if self.ok is not False or self.max_abs is None or self.tolerance is None:
            return False
        return self.max_abs <= ROOM * self.tolerance

    @property
    def urgency(self) -> tuple[int, float]:
        """Sorts the checks that decide a verdict before the others."""
        if self.max_abs is None or self.tolerance is None:
            share = np.inf
        elif self.tolerance:
            share = self.max_abs / self.tolerance
        else:
            share = np.inf if self.max_abs else 0.0
        return (1 if self.ok is None else 2 if self.ok else 0), -share


@dataclass(frozen=True)
class Case:
    """One output on one input, as each of the models gives it.

    ``noise`` is what rounding makes of it, as far as shaking the model before shows; ``reference``
    is what it would be without rounding, where that can be had. Of a quantised output ``step`` is
    the distance of two values, and ``flips`` the share of elements that shaking moves.
    ``noise_after`` is the noise of the model after, where that was looked for.
    """

    before: Array
    after: Array
    noise: float = 0.0
    reference: Array | None = None
    step: float = 0.0
    flips: float = 0.0
    noise_after: float = 0.0

    @property
    def stepped(self) -> bool:
        """Whether the values are those of a quantised type, or dequantised ones."""
        return bool(self.step) or self.before.dtype.name not in SPACING


def leaves(name: str, value: object) -> dict[str, Array]:
    """The arrays in an output: itself, or the elements of a sequence or map by ``name[key]``."""
    if isinstance(value, Mapping):
        pairs: Iterable[tuple[object, object]] = value.items()
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    else:
        return {name: np.asarray(value)}
    return {k: v for key, inner in pairs for k, v in leaves(f"{name}[{key!r}]", inner).items()}


def gap(by: By, x: Array, y: Array) -> float:
    """How far apart two arrays are; infinite where shapes, or places of NaN or infinity, differ."""
    if by == "members":
        there, here = Counter(x.ravel().tolist()), Counter(y.ravel().tolist())
        return float(max((there - here).total(), (here - there).total()))
    if by == "rows":
        return _between_sets(x, y)
    if x.shape != y.shape:
        return np.inf
    worst = 0.0
    for a, b in zip(pieces(x), pieces(y), strict=True):
        if by == "elements":
            worst += float(np.count_nonzero(a != b))
        else:
            worst = max(worst, float(_differences(a, b).max(initial=0)))
    return worst


def moved(x: Array, y: Array, beyond: float) -> int:
    """How many elements are further apart than that; all of them where shapes differ."""
    if x.shape != y.shape:
        return int(max(x.size, y.size))
    pairs = zip(pieces(x), pieces(y), strict=True)
    return sum(int(np.count_nonzero(_differences(a, b) > beyond)) for a, b in pairs)


def _differences(x: Array, y: Array) -> npt.NDArray[np.float64]:
    """Elementwise; NaN is equal to NaN and infinitely far from all else."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(all="ignore"):
        found = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    return np.where(np.isnan(found), np.inf, found)


def _between_sets(x: Array, y: Array) -> float:
    """The largest distance of a row of one from the nearest row of the other."""
    if x.ndim != y.ndim or x.shape[1:][-1:] != y.shape[1:][-1:]:
        return np.inf
    width = x.shape[-1] if x.ndim > 1 else 1
    a, b = x.reshape(-1, width), y.reshape(-1, width)
    if not width or not len(a) or not len(b):
        return 0.0 if len(a) == len(b) else np.inf
    # Most rows are where they were: only the others are looked for.
    common = min(len(a), len(b))
    aligned = np.full(max(len(a), len(b)), np.inf)
    aligned[:common] = _differences(a[:common], b[:common]).max(axis=1)
    moved = 1e-4 * extent(a)
    worst = 0.0
    for rows, others in ((a, b), (b, a)):
        there_too = {row.tobytes() for row in others}
        for row, there in zip(rows, aligned[: len(rows)], strict=True):
            if there == 0 or row.tobytes() in there_too:
                continue
            near = there if there <= moved else _differences(others, row[None]).max(axis=1).min()
            worst = max(worst, float(near))
    return worst


def extent(array: Array) -> float:
    """The largest finite magnitude; 0 where there is none."""
    return max((max(abs(low), abs(high)) for low, high in _ranges(array)), default=0.0)


def spread(array: Array) -> float:
    """Half the distance of the least and the greatest finite element."""
    found = list(_ranges(array))
    lows, highs = ([pair[i] for pair in found] for i in (0, 1))
    return (max(highs, default=0.0) - min(lows, default=0.0)) / 2


def _ranges(array: Array) -> Iterator[tuple[float, float]]:
    for part in pieces(array):
        with np.errstate(all="ignore"):
            numbers = part.astype(np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if numbers.size:
            yield float(numbers.min()), float(numbers.max())


def floor(by: By, before: Array, after: Array) -> float:
    """What rounding explains at least, by the spacing of the coarser one's type."""
    if by not in ("values", "rows"):
        return 0.0
    kinds = {before.dtype.name, after.dtype.name}
    if not kinds <= SPACING.keys():
        return 1.0  # a step of a quantised type
    return _spacing(before, after)


def _spacing(before: Array, after: Array) -> float:
    """The same of floats; 0 of integers."""
    kinds = {before.dtype.name, after.dtype.name} & SPACING.keys()
    units = max((UNITS[kind] * SPACING[kind] for kind in kinds), default=0.0)
    return units * extent(before) if units else 0.0


def judge(name: str, by: By, cases: Sequence[Case], tolerance: float | None = None) -> OutputCheck:
    """The verdict on one output, from its values on every input.

    An input on which nothing can be concluded counts only where there is no other. A
    ``tolerance``, relative to the largest number, takes the place of what rounding explains.
    """
    exact = [(c.before, c.reference) for c in cases if c.reference is not None]
    own = max((gap(by, *pair) for pair in exact), default=None)
    ranges = [spread(c.before) for c in cases] if by in ("values", "rows") else []
    sizes = [own_range or max(ranges) for own_range in ranges]
    found = [
        _judge(name, by, case, own, tolerance, sizes[i] if sizes else 0.0)
        for i, case in enumerate(cases)
    ]
    decided = [check for check in found if check.ok is not None]
    return min(decided or found, key=lambda check: check.urgency)


def _judge(
    name: str, by: By, case: Case, own: float | None, wanted: float | None, varies: float
) -> OutputCheck:
    reference = case.before if case.reference is None else case.reference
    numbers = by in ("values", "rows")
    size = extent(reference) if numbers else float(case.before.size)
    if wanted is not None:
        tolerance = wanted * size
    else:
        explained = max(floor(by, case.before, case.after), case.noise)
        # Both models round, but no wrong one explains itself.
        explained += min(case.noise_after, ROOM * explained)
        tolerance = max(explained, ROOM * (own or 0.0))
    off = gap(by, case.after, reference)
    ok: bool | None = off <= tolerance
    reason = "" if ok else _how(by, case, off, tolerance)
    stepping = False
    if ok and wanted is None and by == "values" and case.stepped:
        count = moved(case.after, case.before, _spacing(case.before, case.after))
        if count > max(_FEW, _FLIPPED * case.before.size, EASE * case.flips * case.before.size):
            stepping = True  # that many are told from rounding, however few codes there are
            ok, reason = False, f"moves {count} of {case.before.size} elements by up to a step"
    if numbers and case.before.size and not any(True for _ in _ranges(case.before)):
        ok, reason = None, "holds no finite number to compare"
    elif (
        wanted is None
        and not stepping
        and tolerance > SETTLED * (varies if numbers and varies else size)
        and off <= ROOM * tolerance
        and _changed(by, case)
    ):
        ok, reason = None, _how_unsure(tolerance, varies if numbers and varies else size)
    return OutputCheck(
        name,
        by,
        max_abs=_known(off),
        max_rel=_known(off / size) if size else None,
        before_abs=own,
        tolerance=_known(tolerance),
        ok=ok,
        reason=reason and f"output '{name}' {reason}",
    )


def _changed(by: By, case: Case) -> bool:
    return gap(by, case.before, case.after) > 0


def _known(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None


def _how_unsure(tolerance: float, size: float) -> str:
    if np.isfinite(tolerance):
        return f"changes by {tolerance:.2g} of {size:.2g} by rounding alone"
    return "changes its shape, or the places of NaN and infinity, by rounding alone"


def _how(by: By, case: Case, off: float, tolerance: float) -> str:
    if case.before.shape != case.after.shape and by in ("values", "elements"):
        return f"is {list(case.after.shape)} instead of {list(case.before.shape)}"
    if not np.isfinite(off):
        return "has NaN or infinity in other places"
    if by in ("values", "rows"):
        return f"differs by {off:.3g}, where rounding explains {tolerance:.3g}"
    return f"differs in {off:.0f} of {case.before.size} elements, rounding explains {tolerance:.0f}"
