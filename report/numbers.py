"""Figures as people read them; one that is not known is ``?``, never 0.

Counts and rates scale by 1000 (k, M, G), bytes by 1024 (KiB, MiB, GiB). Figures that stand in
one row or column share a unit, so that they compare at a glance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeVar

Quantity = Literal["count", "bytes", "ratio", "seconds"]

Number = TypeVar("Number", int, float)

UNKNOWN = "?"

_SCALES: dict[Quantity, tuple[tuple[str, float], ...]] = {
    "count": (("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15)),
    "bytes": (("B", 1), ("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("TiB", 2**40)),
    "ratio": (("", 1),),
    "seconds": (("µs", 1e-6), ("ms", 1e-3), ("s", 1)),
}


class Unit(NamedTuple):
    """A unit and the number of decimals that a row or column of figures shares."""

    name: str
    factor: float
    decimals: int

    def number(self, value: float | None) -> str:
        """The figure without its unit; one too small to show is ``<0.1``, not 0."""
        if value is None or not math.isfinite(value):
            return UNKNOWN
        text = f"{value / self.factor:.{self.decimals}f}"
        if value and not float(text):
            return f"<{10**-self.decimals:.{self.decimals}f}"
        return text if value else "0"

    def change(self, before: float | None, after: float | None) -> str:
        """The signed difference without its unit; one too small to show is ``~0``."""
        if before is None or after is None:
            return UNKNOWN
        text = f"{(after - before) / self.factor:+.{self.decimals}f}"
        if float(text):
            return text
        return "0" if before == after else "~0"

    def text(self, value: float | None) -> str:
        """The figure with its unit."""
        number = self.number(value)
        return number if number == UNKNOWN else f"{number} {self.name}".rstrip()


def unit_of(values: Iterable[float | None], quantity: Quantity, *, middle: bool = False) -> Unit:
    """The unit in which the largest of the values reads best, or the middle one."""
    known = sorted(abs(v) for v in values if v is not None and math.isfinite(v))
    if not known:
        return Unit("", 1, 0)
    shown = [v for v in known if v] or [0.0]
    typical = shown[len(shown) // 2] if middle else known[-1]
    scales = _SCALES[quantity]
    step = 1024 if quantity == "bytes" else 1000
    name, factor = next((s for s in scales if round(typical / s[1], 1) < step), scales[-1])
    if factor == 1 and quantity in ("count", "bytes") and all(v == int(v) for v in known):
        return Unit(name, factor, 0)
    coarse = known[-1] / factor >= (100 if quantity == "ratio" else 10)
    return Unit(name, factor, 1 if coarse else 2)


def show(value: float | None, quantity: Quantity) -> str:
    """One figure by itself: ``300.8 M``, ``14.5 MiB``, ``8.70 ms``."""
    return unit_of([value], quantity).text(value)


def percent_change(before: float | None, after: float | None) -> str:
    """``-12.3 %``; ``x12.3`` from tenfold up, ``new`` where there was nothing before."""
    if before is None or after is None:
        return UNKNOWN
    if before == after:
        return "0 %"
    if not before:
        return "new"
    ratio = after / before
    if ratio >= 10:
        return f"x{ratio:.1f}"
    text = f"{100 * (ratio - 1):+.1f} %"
    return text if abs(ratio - 1) >= 0.0005 else "~0 %"


def share(part: float | None, whole: float | None) -> str:
    """``12.3 %`` of a whole."""
    if part is None or not whole:
        return UNKNOWN
    if not part:
        return "0 %"
    percent = 100 * part / whole
    return "<0.1 %" if percent < 0.05 else f"{percent:.1f} %"


def dims(shape: Sequence[int | None] | None) -> str:
    """``1x3x224x224``; a dim that is not known is ``?``."""
    if shape is None:
        return UNKNOWN
    return "x".join(UNKNOWN if dim is None else str(dim) for dim in shape) or "scalar"


def largest(values: Iterable[float | None]) -> float | None:
    """The largest of what is known."""
    return max((v for v in values if v is not None), default=None)


def smallest(values: Iterable[float | None]) -> float | None:
    """The smallest of what is known and not 0: in its unit the others show too."""
    return min((v for v in values if v), default=None)


def total(values: Iterable[Number | None]) -> Number | None:
    """Sum of what is known: 0 of nothing, None where there are values but none is known."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known[1:], known[0]) if known else (None if found else 0)
