"""One graph at several sizes of its dims, and the largest size that stays under a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod
from typing import Literal

from ..costmodel.result import GraphCost
from ..graph import OcostError

Sizes = Mapping[str, int]  # of swept dims, by name
CostAt = Callable[[Sizes], GraphCost]

MOST = 64  # points of a sweep


@dataclass(frozen=True, slots=True)
class Point:
    """A graph at some sizes: its cost, or why the model refuses them."""

    sizes: Sizes
    cost: GraphCost | None
    refused: str = ""

    @property
    def label(self) -> str:
        """``batch=8``, as the user writes it."""
        return ", ".join(f"{name}={size}" for name, size in self.sizes.items())

    @property
    def items(self) -> int:
        """The product of the swept sizes."""
        return prod(self.sizes.values())

    @property
    def latency_s(self) -> float | None:
        """Seconds of a run; None where they are not known."""
        return None if self.cost is None else self.cost.totals.latency_s

    @property
    def per_item_s(self) -> float | None:
        """Seconds of a run for each item; None where they are not known."""
        return None if self.latency_s is None or not self.items else self.latency_s / self.items


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest size of a dim that stays under a limit.

    Parameters
    ----------
    dim, limit_s
        What was asked.
    under, over
        The largest size whose latency is at most the limit, and the smallest beyond it that was
        tried and takes longer; None where there is none, or where ``reason`` says that it is not
        known.
    how
        Whether the answer is one of the swept sizes, or was searched for between two of them.
    reason
        Why nothing is known, or why the search ended early; "" where neither is so.
    """

    dim: str
    limit_s: float
    under: Point | None
    over: Point | None
    how: Literal["swept", "bisected"] = "swept"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A graph at all sizes that were asked for, in the order in which they were."""

    dims: Mapping[str, tuple[int, ...]]
    points: tuple[Point, ...]
    largest: Largest | None = None

    @property
    def costed(self) -> tuple[GraphCost, ...]:
        """The costs of the points that the model doesn't refuse; there is one at least."""
        return tuple(point.cost for point in self.points if point.cost is not None)


def sweep(
    cost_at: CostAt, dims: Mapping[str, Sequence[int]], limit_s: float | None = None
) -> Sweep:
    """Cost a graph at every combination of sizes.

    Parameters
    ----------
    cost_at
        The cost at some sizes.
    dims
        Sizes by dim.
    limit_s
        Seconds; where given, the largest size that takes no longer is searched for.

    Raises
    ------
    OcostError
        If there are no points or too many, several dims where a limit is given, or if the model
        refuses every point.
    """
    sizes = {name: tuple(dict.fromkeys(several)) for name, several in dims.items()}
    count = prod(map(len, sizes.values())) if sizes else 0
    if not count:
        raise OcostError("a sweep needs sizes: give them as in --dim batch=1,2,4,8")
    if count > MOST:
        factors = " x ".join(str(len(several)) for several in sizes.values())
        raise OcostError(f"a sweep of {factors} = {count} points: {MOST} is the most")
    if limit_s is not None and len(sizes) > 1:
        raise OcostError(
            f"--under is about the largest size of one dim, and {', '.join(sizes)} are swept"
        )
    points = [
        _point(cost_at, dict(zip(sizes, chosen, strict=True)))
        for chosen in product(*sizes.values())
    ]
    if all(point.cost is None for point in points):
        raise OcostError(points[0].refused)
    found = None if limit_s is None else _largest(cost_at, points, limit_s)
    return Sweep(sizes, _lightened(points), found)


def _point(cost_at: CostAt, sizes: Sizes) -> Point:
    try:
        return Point(sizes, cost_at(sizes))
    except OcostError as error:
        return Point(sizes, None, str(error))


def _lightened(points: Sequence[Point]) -> tuple[Point, ...]:
    """Only the first one costed keeps the graphs that the others were made of, too."""
    kept: list[Point] = []
    for point in points:
        cost = point.cost
        if cost is not None and any(earlier.cost is not None for earlier in kept):
            cost = replace(cost, shapes=None, blockers=tuple)
        kept.append(replace(point, cost=cost))
    return tuple(kept)


def _largest(cost_at: CostAt, points: Sequence[Point], limit_s: float) -> Largest:
    """Among the swept sizes; where latency grows with size, between them too."""
    (dim,) = points[0].sizes
    known = sorted((p for p in points if p.cost is not None), key=lambda p: p.sizes[dim])
    for point in known:
        if point.cost is not None and (why := _uncertain(point.cost)):
            return Largest(dim, limit_s, None, None, reason=why)
    under = [p for p in known if _within(p, limit_s)]
    best = under[-1] if under else None
    over = next((p for p in known if best is None or p.sizes[dim] > best.sizes[dim]), None)
    found = Largest(dim, limit_s, best, over)
    if best is None or over is None:
        return found
    if any(not _grows(one, other) for one, other in pairwise(known)):
        return replace(found, reason=f"latency does not always grow with {dim}")
    return _bisected(cost_at, found, best, over)


def _bisected(cost_at: CostAt, found: Largest, under: Point, over: Point) -> Largest:
    """The boundary between two sizes; the search ends where a size between them is refused."""
    dim = found.dim
    while over.sizes[dim] - under.sizes[dim] > 1:
        middle = _point(cost_at, {dim: (under.sizes[dim] + over.sizes[dim]) // 2})
        why = middle.refused or ("" if middle.cost is None else _uncertain(middle.cost))
        if why:
            return replace(found, reason=f"{middle.label}: {why}")
        if not (_grows(under, middle) and _grows(middle, over)):
            return replace(found, reason=f"latency does not always grow with {dim}")
        under, over = (middle, over) if _within(middle, found.limit_s) else (under, middle)
        found = replace(found, under=under, over=over, how="bisected")
    return found


def _uncertain(cost: GraphCost) -> str:
    """Why a latency is no answer; "" where it is one."""
    coverage = cost.coverage
    if cost.totals.latency_s is None:
        return "its latency is not known"
    left = coverage.nodes - coverage.costed
    return f"{left} of {coverage.nodes} nodes are not costed" if left else ""


def _within(point: Point, limit_s: float) -> bool:
    return point.latency_s is not None and point.latency_s <= limit_s


def _grows(one: Point, other: Point) -> bool:
    return (
        one.latency_s is not None
        and other.latency_s is not None
        and (one.latency_s <= other.latency_s)
    )
