"""Which rewrites had a hand in each node of the graphs before and after all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .entries import LedgerEntry

Hands = frozenset[int]  # places of entries in the ledger
NONE: Hands = frozenset()


@dataclass
class Traces:
    """Entries of a ledger by the nodes that they are about, those of the graphs in between traced.

    Parameters
    ----------
    took
        By path of a node before: who took it, or what came instead of it.
    made
        By path of a node after: who made it, or what it came instead of.
    rewired
        By path, before and after: who let it read or make another tensor, and nothing more.
    """

    took: dict[str, set[int]]
    made: dict[str, Hands]
    rewired: tuple[dict[str, set[int]], dict[str, set[int]]]

    def hands(self, side: int, originals: Iterable[str]) -> Hands:
        """Who had a hand in nodes of the graph before (0) or after (1)."""
        made = self.took if side == 0 else self.made
        return NONE.union(*(made.get(name, NONE) for name in originals))

    def rewirers(self, side: int, originals: Iterable[str]) -> Hands:
        """Who merely let them read or make another tensor."""
        return NONE.union(*(self.rewired[side].get(name, NONE) for name in originals))


@dataclass(frozen=True)
class _Origin:
    """The nodes before that a node in between stands for, and who had a hand in it."""

    nodes: frozenset[str]
    hands: Hands = NONE
    rewirers: Hands = NONE


def trace(ledger: Sequence[LedgerEntry]) -> Traces:
    """Follow nodes through a ledger.

    What an entry adds under the path of what it removes stands for that; what is new stands for
    all that is gone, and so does what stays.
    """
    traces = Traces({}, {}, ({}, {}))
    now: dict[str, _Origin] = {}
    for place, entry in enumerate(ledger):
        _follow(place, entry, now, traces)
    traces.made = {path: origin.hands for path, origin in now.items()}
    for path, origin in now.items():
        if origin.rewirers:
            traces.rewired[1][path] = set(origin.rewirers)
    return traces


def _follow(place: int, entry: LedgerEntry, now: dict[str, _Origin], traces: Traces) -> None:
    removed, added = dict.fromkeys(entry.removed), dict.fromkeys(entry.added)
    was = {path: now.pop(path, _Origin(frozenset({path}))) for path in removed}
    moved = set(entry.rewired.values())
    for path, origin in was.items():
        for node in origin.nodes:
            if path in moved:
                traces.rewired[0].setdefault(node, set()).add(place)
            else:
                traces.took.setdefault(node, set()).add(place)
    gone = _joined(was, (path for path in removed if path not in moved and path not in added))
    for path in added:
        old = entry.rewired.get(path)
        if old is not None and old in was:
            origin = was[old]
            now[path] = _Origin(origin.nodes, origin.hands, origin.rewirers | {place})
        else:
            own = was.get(path, _Origin(frozenset()))
            now[path] = _Origin(gone.nodes | own.nodes, gone.hands | own.hands | {place})


def _joined(was: Mapping[str, _Origin], paths: Iterable[str]) -> _Origin:
    origins = [was[path] for path in paths]
    return _Origin(
        frozenset[str]().union(*(origin.nodes for origin in origins)),
        NONE.union(*(origin.hands for origin in origins)),
    )
