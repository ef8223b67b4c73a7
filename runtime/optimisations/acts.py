"""Which optimisations change what is executed, each alone or several together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache, partial

Off = frozenset[str]  # names that are switched off
Structure = Callable[[Off], Hashable]


@dataclass(frozen=True)
class Act:
    """Names that change what is executed, in the runtime's order.

    Parameters
    ----------
    names
        Several act only together.
    before, after
        What is off before and after its step of the chain from none to all, in which each name is
        switched on at its place in the order.
    """

    names: tuple[str, ...]
    before: Off
    after: Off


def find_acts(names: Sequence[str], structure: Structure) -> tuple[Act, ...]:
    """The steps of the chain from none to all that change what is executed.

    A name without a step of its own belongs to the step of others where

    * the step is another one without it: it prepares what comes later;
    * or it does a step's work where that one's name is off, so that only both off change anything.

    All others make no difference. What a name changes and a later one changes back may be missed.

    Parameters
    ----------
    names
        All that can be switched off, in the runtime's order.
    structure
        What is executed with these names off; equal where it is the same. Asked about four times
        for each act, and once or twice besides.
    """
    executed = cache(structure)

    def differ(one: Off, other: Off) -> bool:
        return executed(one) != executed(other)

    chain = [frozenset(names[count:]) for count in range(len(names) + 1)]
    points = _points(chain, differ, 0, len(names))
    groups: dict[int, Off] = {point: frozenset({names[point - 1]}) for point in points}
    idle = [name for at, name in enumerate(names, 1) if at not in groups]
    everything: Off = frozenset()
    while points and differ(everything, frozenset(idle)):
        found = _fewest(idle, partial(differ, everything))
        at = next((p for p in points if differ(chain[p], chain[p] | found)), points[-1])
        groups[at] |= found
        idle = [name for name in idle if name not in found]
    for at, group in groups.items():
        if not differ(everything, group) and differ(everything, group | set(idle)):
            groups[at] = _fewest(idle, partial(differ, everything), group)
            idle = [name for name in idle if name not in groups[at]]
    before = [0, *points]
    return tuple(
        Act(tuple(n for n in names if n in groups[point]), chain[last], chain[point])
        for last, point in zip(before, points, strict=False)
    )


def _points(
    chain: Sequence[Off], differ: Callable[[Off, Off], bool], low: int, high: int
) -> list[int]:
    """Where a part of the chain changes what is executed."""
    if not differ(chain[low], chain[high]):
        return []
    if high - low == 1:
        return [high]
    middle = (low + high) // 2
    return _points(chain, differ, low, middle) + _points(chain, differ, middle, high)


def _fewest(names: Sequence[str], changes: Callable[[Off], bool], kept: Off = frozenset()) -> Off:
    """What is kept with as few of the names as it takes to change something."""
    while not changes(kept):
        low, high = 0, len(names)  # the first ``high`` of them do, with those that are kept
        while high - low > 1:
            middle = (low + high) // 2
            if changes(kept | set(names[:middle])):
                high = middle
            else:
                low = middle
        kept |= {names[high - 1]}
        names = names[: high - 1]
    return kept
