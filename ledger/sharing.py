"""Whose the differences are between two graphs as a runtime executes them.

Where they differ there are regions; each goes to the rewrites whose nodes it covers. A region that
covers none was changed from afar, through a layout that reaches on: it goes to the nearest ones.
Where nothing leads to any, as with a constant that unconnected parts of a graph share, it goes to
all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from ..costmodel.result import NodeCost
from .constants import odd_constants
from .entries import LedgerEntry
from .figures import OF_CONSTANTS, OF_EXECUTED, Figures, Number
from .ran import Ran
from .regions import Equal, Key, Names, cancel, covers, regions
from .traces import NONE, Hands, Traces, trace


class Share(NamedTuple):
    """A difference between both graphs.

    Parameters
    ----------
    hands
        The entries of the ledger, by their places, that had a hand in it; nobody only where the
        ledger is empty.
    delta
        After - before, by figure.
    known
        Whether all of it is.
    """

    hands: Hands
    delta: Mapping[str, Number]
    known: bool = True


def shares_of(ledger: Sequence[LedgerEntry], before: Ran, after: Ran) -> Iterator[Share]:
    """All differences: of each region, and of each constant."""
    all_hands = frozenset(range(len(ledger)))
    found = _Sharing((_Side(before, 0), _Side(after, 1)), trace(ledger)).shares(ledger)
    return (share if share.hands else share._replace(hands=all_hands) for share in found)


def totals_of(ran: Ran) -> dict[str, Number]:
    """The additive figures of a graph as it is executed; what is not known adds nothing."""
    return {f: getattr(ran.cost.totals, f) or 0 for f in (*OF_EXECUTED, *OF_CONSTANTS)}


class _Side:
    """A graph as it is executed, with its figures."""

    def __init__(self, ran: Ran, number: int) -> None:
        self.ran, self.number = ran, number

    @cached_property
    def figures(self) -> Figures:
        return Figures.of_cost(self.ran.cost)

    def sum(self, paths: Iterable[str]) -> dict[str, Number]:
        costs = [self.ran.costs[path] for path in paths if path in self.ran.costs]
        return {f: sum(getattr(c, f) or 0 for c in costs) for f in OF_EXECUTED}

    def known(self, paths: Iterable[str]) -> bool:
        return all(self.ran.costs[path].known for path in paths if path in self.ran.costs)


class _Sharing:
    """Finds out whose what changed is."""

    def __init__(self, sides: tuple[_Side, _Side], traces: Traces) -> None:
        self._sides, self._traces = sides, traces
        self._of_region: dict[tuple[int, str], Hands] = {}

    def shares(self, ledger: Sequence[LedgerEntry]) -> Iterator[Share]:
        """Each region, and each constant; of nobody where nothing leads to anybody."""
        before, after = self._sides
        old, new = (side.ran.attribution.originals for side in self._sides)
        partners = {name: name for name in old if name in new}
        keys: list[tuple[Key, Key]] = [
            covers(before.ran, after.ran, partners),
            (before.ran.makes, after.ran.makes),
            (self._by_hands(0, partners), self._by_hands(1, partners)),
        ]
        equal, left = cancel(before.ran, after.ran, keys, _work)
        for region in regions(before.ran, after.ran, left, partners):
            hands = self._hands(region)
            self._of_region |= {(n, path): hands for n in (0, 1) for path in region[n]}
            minus, plus = before.sum(region[0]), after.sum(region[1])
            known = before.known(region[0]) and after.known(region[1])
            yield Share(hands, {f: plus[f] - minus[f] for f in OF_EXECUTED}, known)
        yield from self._constants(ledger, equal)

    def _by_hands(self, side: int, partners: Mapping[str, str]) -> Key:
        ran, traces = self._sides[side].ran, self._traces

        def key(path: str) -> frozenset[str]:
            originals = ran.originals(path)
            hands = traces.hands(side, originals)
            return (
                frozenset(map(str, hands)) | partners.keys() & originals if hands else frozenset()
            )

        return key

    def _hands(self, region: Names) -> Hands:
        traces, ways = self._traces, [NONE, NONE, NONE]
        for side, paths in enumerate(region):
            ran = self._sides[side].ran
            for path in paths:
                originals = ran.originals(path)
                ways[ran.inserted(path)] |= traces.hands(side, originals)
                ways[2] |= traces.rewirers(side, originals)
        own = next(filter(None, ways), NONE)
        return own or self._nearest((side, path) for side in (0, 1) for path in region[side])

    def _nearest(self, nodes: Iterable[tuple[int, str]]) -> Hands:
        """Of the rewrites that touched executed nodes, those that did so nearest."""
        found = [self._near[side][path] for side, path in nodes if path in self._near[side]]
        return min(found, key=lambda way: way[0], default=(0, NONE))[1]

    @cached_property
    def _near(self) -> tuple[Mapping[str, tuple[int, Hands]], ...]:
        """By side and executed node: how far the nearest rewrites are, and which."""
        return tuple(self._spread(side.ran, side.number) for side in self._sides)

    def _spread(self, ran: Ran, side: int) -> dict[str, tuple[int, Hands]]:
        traces = self._traces
        for ways in (traces.hands, traces.rewirers):
            touched = ((path, ways(side, ran.originals(path))) for path in ran.nodes)
            found = {path: (0, hands) for path, hands in touched if hands}
            if found:
                break
        queue = list(found)
        for path in queue:  # it grows
            distance, hands = found[path]
            for other in ran.beside(path):
                if other not in found:
                    found[other] = distance + 1, hands
                    queue.append(other)
        return found

    def _constants(self, ledger: Sequence[LedgerEntry], equal: Equal) -> Iterator[Share]:
        """What became of constants: by their names in the ledger, or else by who reads them."""
        sides = [side.figures for side in self._sides]
        for side, left in enumerate(odd_constants(sides[0], sides[1], equal)):
            named: dict[str, set[int]] = {}
            for place, entry in enumerate(ledger):
                for name in (entry.dropped, entry.stored)[side]:
                    named.setdefault(name, set()).add(place)
            for name, readers in left.items():
                sizes = (sides[side].params.get(name, 0), sides[side].stored.get(name, 0))
                hands = frozenset(named.get(name, ())) or self._around(side, name, readers)
                sign = (-1, 1)[side]
                delta = {f: sign * n for f, n in zip(OF_CONSTANTS, sizes, strict=True)}
                yield Share(hands, delta)

    def _around(self, side: int, name: str, readers: Sequence[str]) -> Hands:
        """Who had a hand in the readers of a constant, or in the node in whose body it is."""
        ran, traces = self._sides[side].ran, self._traces
        nodes = list(readers)
        while name in self._sides[side].figures.owners:
            name = self._sides[side].figures.owners[name]
            nodes.append(name)
        of_regions = [self._of_region.get((side, path), NONE) for path in readers]
        found = NONE.union(*of_regions)
        for ways in (traces.hands, traces.rewirers):
            found = found or NONE.union(*(ways(side, ran.originals(path)) for path in nodes))
        return found or self._nearest((side, path) for path in nodes)


def _work(cost: NodeCost) -> tuple[Number | None, ...]:
    return tuple(getattr(cost, figure) for figure in OF_EXECUTED)
