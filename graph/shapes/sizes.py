"""Sizes for dims that the model leaves open, where 1 does not fit: inferred, else found by trying.

A node that can't take its inputs says by how much a dim is too small. Which open dim that one
follows, and how, shows in what changes when one of them grows. A size is inferred if it is the
only one that fits; the rest are assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from .fits import Misfit

# Tried in turn where no equation tells: what halves five times first, as networks on images do.
_TRIED = (32, 64, 224, 256, 128, 512, 16, 8, 4, 2, 3)
_PROBE = 64  # large enough to show through strides and poolings
_PAIRED = 4  # dims, beyond which there are too many pairs
_LARGEST = 1 << 24
_MOST = 20_000  # nodes inferred, which takes a second or two


class Size(NamedTuple):
    """The size of an open dim, and whether no other fits."""

    size: int
    inferred: bool = False


Sizes = Mapping[str, Size]


def as_found(assumed: Mapping[str, int], inferred: Mapping[str, int]) -> dict[str, Size]:
    """The sizes that a model's open dims were taken as, for another model with the same."""
    fixed = {name: Size(size, inferred=True) for name, size in inferred.items()}
    return {name: Size(size) for name, size in assumed.items()} | fixed


# The first node that does not take these sizes, None if all do. The second argument is the path
# of the node to stop behind, "" for none.
Probe = Callable[[Mapping[str, int], str], Misfit | None]


def settle(probe: Probe, first: Misfit, dims: Mapping[str, int]) -> Sizes:
    """Sizes at which more nodes fit than at 1, as far as there are any.

    Parameters
    ----------
    probe
        Infers with sizes of open dims; those not named are 1.
    first
        The first node that does not fit where all are 1.
    dims
        The open dims, each with the axis of an input that it is: one at 0 may be a batch and is
        changed last, one behind 1 may be that of a picture and is changed first.
    """
    search = _Search(probe, dims)
    found: dict[str, Size] = {}
    misfit: Misfit | None = first
    while misfit is not None and search.left > 0:
        sizes = {name: one.size for name, one in found.items()}
        free = [name for name in dims if name not in found or not found[name].inferred]
        step = search.solve(misfit, sizes, free)
        if not any(one.inferred for one in step.values()):  # else what is usual goes first
            own = [name for name in free if dims[name]]
            step = search.fit(misfit, sizes, own) or step or search.fit(misfit, sizes, free)
        other = search.ask({**sizes, **{name: one.size for name, one in step.items()}})
        if not step or (other is not None and other.place <= misfit.place):
            break
        found |= step
        misfit = other
    return found


class _Search:
    def __init__(self, probe: Probe, axes: Mapping[str, int]) -> None:
        self._probe = probe
        self._axes = axes
        self.left = _MOST
        self._longest = 1  # of the inferences, in nodes

    def ask(self, sizes: Mapping[str, int], until: str = "") -> Misfit | None:
        """The first node that does not fit."""
        found = self._probe(sizes, until)
        order = self._longest if found is None else found.order
        self._longest = max(self._longest, order)
        self.left -= max(order, 1)
        return found

    def _gap(self, misfit: Misfit, sizes: Mapping[str, int]) -> int | None:
        """By how much the misfit's dim is too large then; None if another node fails before."""
        if self.left <= 0:
            return None
        other = self.ask(sizes, misfit.path)
        if other is None:
            return 0
        if other.path != misfit.path or other.rank < misfit.rank:
            return None
        return other.gap if other.rank == misfit.rank else 0

    def solve(self, misfit: Misfit, sizes: Mapping[str, int], dims: Sequence[str]) -> Sizes:
        """The size that makes a dim what it has to be, of the open dims that it follows."""
        now = misfit.gap
        if now is None:
            return {}
        follows = []
        for name in dims:
            gaps = [self._gap(misfit, {**sizes, name: size}) for size in (2, _PROBE)]
            if any(gap not in (now, None) for gap in gaps):
                follows.append(name)
        if len(follows) == 1:
            size = self._root(misfit, sizes, follows)
            if size is None:
                return {}
            return {
                follows[0]: Size(
                    size, misfit.only and self._single(misfit, sizes, follows[0], size)
                )
            }
        own = [name for name in follows if self._axes[name]]
        for together in (own, *([name] for name in own), follows):
            size = self._root(misfit, sizes, together) if together else None
            if size is not None:
                return dict.fromkeys(together, Size(size))
        return {}

    def _single(self, misfit: Misfit, sizes: Mapping[str, int], name: str, size: int) -> bool:
        """Whether no other size closes the gap: around this one it is straight."""
        below, above, far = (
            self._gap(misfit, {**sizes, name: other})
            for other in (size - 1, size + 1, 2 * size + 1)
        )
        return bool(above) and below == -(above or 0) and far == (size + 1) * (above or 0)

    def _root(self, misfit: Misfit, sizes: Mapping[str, int], names: Sequence[str]) -> int | None:
        """The least size of all these dims that closes the gap, if it closes as they grow."""

        def gap(size: int) -> int | None:
            return self._gap(misfit, {**sizes, **dict.fromkeys(names, size)})

        found = self._zero(gap)
        return found if found is not None else self._zero(lambda size: _negative(gap(size)))

    def _zero(self, gap: Callable[[int], int | None]) -> int | None:
        """Where a gap that is below 0 at first, or not known, and grows is 0."""
        first, second = gap(1), gap(2)
        if first is not None and second is not None and first < second:
            straight = 1 - first // (second - first)
            if first % (second - first) == 0 and straight > 0 and gap(straight) == 0:
                return straight
        low, high = 1, 2
        while high <= _LARGEST and ((found := gap(high)) is None or found < 0) and self.left > 0:
            low, high = high, 2 * high
        while high - low > 1 and self.left > 0:
            middle = (low + high) // 2
            found = gap(middle)
            low, high = (middle, high) if found is None or found < 0 else (low, middle)
        return high if gap(high) == 0 else None

    def fit(self, misfit: Misfit, sizes: Mapping[str, int], dims: Sequence[str]) -> Sizes:
        """A size at which the node fits, of as few dims as will do."""
        for names in self._groups(dims):
            for size in _TRIED:
                changed = {**sizes, **dict.fromkeys(names, size)}
                reached = self._reach(changed)
                if reached > misfit.place:
                    needed = self._needed(changed, names, reached)
                    return {name: Size(size) for name in needed}
        return {}

    def _groups(self, dims: Sequence[str]) -> list[Sequence[str]]:
        """Which dims to change together, in turn."""
        pairs = combinations(dims, 2) if len(dims) <= _PAIRED else ()
        groups = [[name for name in dims if self._axes[name] > 1], list(dims), *map(list, pairs)]
        groups += [[name] for name in dims]
        return [group for i, group in enumerate(groups) if group and group not in groups[:i]]

    def _reach(self, sizes: Mapping[str, int]) -> tuple[float, int]:
        """How far the inference gets."""
        if self.left <= 0:
            return (0, 0)
        other = self.ask(sizes)
        return (math.inf, 0) if other is None else other.place

    def _needed(
        self, sizes: Mapping[str, int], names: Sequence[str], reached: tuple[float, int]
    ) -> Sequence[str]:
        """Those of the dims that can't be 1 as well."""
        kept = dict(sizes)
        for name in names:
            fewer = {other: size for other, size in kept.items() if other != name}
            if self._reach(fewer) >= reached:
                kept = fewer
        return [name for name in names if name in kept]


def _negative(gap: int | None) -> int | None:
    return None if gap is None else -gap
