"""The ledger at ``executed``: what each rewrite changes of what a runtime executes.

Both graphs are lowered. Where they differ there are regions; each goes to the rewrites whose nodes
it covers. A region that covers none was changed from afar, through a layout that reaches on: it
goes to the nearest ones. Rewrites that share a region are one joint entry, for nobody can tell
which of them did what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..costmodel.result import Level, NodeCost
from .constants import odd_constants
from .effects import Effect, effect_of
from .entries import Entry, remainder
from .figures import OF_CONSTANTS, OF_EXECUTED, OF_NODES, Figures, Number
from .parts import parts
from .ran import Ran
from .regions import Equal, Key, Names, cancel, covers, regions
from .traces import NONE, Hands, Traces, trace

Deltas = Mapping[Level, Mapping[str, Number]]


@dataclass(frozen=True)
class Joint:
    """Rewrites whose shares of what is executed can't be told apart.

    Parameters
    ----------
    members
        Their places in the ledger.
    deltas
        Of all of them, by level.
    effect
        Of all of them together; None where it is not known.
    """

    members: tuple[int, ...]
    deltas: Deltas
    effect: Effect | None


@dataclass(frozen=True)
class Ledger:
    """What each rewrite changed, at every level.

    At ``executed`` the figures of the entries that are in no joint one, those of the joint ones
    and the residual sum to the difference of the graphs.

    Parameters
    ----------
    entries
        In order.
    joints
        Those that share what they change at ``executed``.
    residual
        By level: what none accounts for. ``executed`` is missing where it is not known.
    """

    entries: tuple[Entry, ...] = ()
    joints: tuple[Joint, ...] = ()
    residual: Deltas = field(default_factory=dict)


def at_executed(ledger: Ledger, before: Ran, after: Ran) -> Ledger:
    """A ledger with what its entries change at ``executed``.

    Parameters
    ----------
    ledger
        As written.
    before, after
        The graphs before and after all of it, as the runtime executes them.
    """
    sides = (_Side(before, 0), _Side(after, 1))
    shares = list(_Sharing(sides, trace(ledger.entries)).shares(ledger.entries))
    old, new = (side.total for side in sides)
    entries, joints = list(ledger.entries), []
    tied = [hands for hands, _, _ in shares if hands]
    links = ((min(hands), other) for hands in tied for other in hands)
    groups = parts(range(len(entries)), links)
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    sums: list[dict[str, Number]] = [dict.fromkeys(old, 0) for _ in groups]
    partial = set()
    for hands, delta, known in shares:
        if hands:
            number = group_of[min(hands)]
            for figure, value in delta.items():
                sums[number][figure] += value
            partial |= set() if known else {number}
    for number, group in enumerate(groups):
        written = _sum((entries[place].deltas["written"] for place in group), old)
        executed = sums[number]
        effect = None if number in partial else effect_of(written, executed, old)
        if len(group) > 1:
            deltas: Deltas = {"written": written, "executed": executed}
            joints.append(Joint(tuple(group), deltas, effect))
        for place in group:
            entry = replace(entries[place], effect=effect)
            if len(group) > 1:
                entry = replace(entry, joint=tuple(group))
            else:
                entry = replace(entry, deltas={**entry.deltas, "executed": executed})
            entries[place] = entry
    left = remainder(sums, old, new)
    return Ledger(tuple(entries), tuple(joints), {**ledger.residual, "executed": left})


def _sum(deltas: Iterable[Mapping[str, Number]], figures: Iterable[str]) -> dict[str, Number]:
    total: dict[str, Number] = dict.fromkeys(figures, 0)
    for delta in deltas:
        for figure, value in delta.items():
            total[figure] += value
    return {f: v for f, v in total.items() if f in (*OF_NODES, *OF_CONSTANTS)}


class _Side:
    """A graph as it is executed, with its figures."""

    def __init__(self, ran: Ran, number: int) -> None:
        self.ran, self.number = ran, number

    @cached_property
    def figures(self) -> Figures:
        return Figures.of_cost(self.ran.cost)

    @cached_property
    def total(self) -> dict[str, Number]:
        figures = self.ran.cost.totals
        return {f: getattr(figures, f) or 0 for f in (*OF_EXECUTED, *OF_CONSTANTS)}

    def sum(self, paths: Iterable[str]) -> dict[str, Number]:
        costs = [self.ran.costs[path] for path in paths if path in self.ran.costs]
        return {f: sum(getattr(c, f) or 0 for c in costs) for f in OF_EXECUTED}

    def known(self, paths: Iterable[str]) -> bool:
        return all(self.ran.costs[path].known for path in paths if path in self.ran.costs)


_Share = tuple[Hands, Mapping[str, Number], bool]  # whose, how much, whether all of it is known


class _Sharing:
    """Finds out whose what changed is."""

    def __init__(self, sides: tuple[_Side, _Side], traces: Traces) -> None:
        self._sides, self._traces = sides, traces
        self._of_region: dict[tuple[int, str], Hands] = {}

    def shares(self, ledger: Sequence[Entry]) -> Iterator[_Share]:
        """Each region, and each constant; of nobody if there is nobody in the ledger."""
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
            yield hands, {f: plus[f] - minus[f] for f in OF_EXECUTED}, known
        yield from self._constants(ledger, equal)

    def _by_hands(self, side: int, partners: Mapping[str, str]) -> Key:
        ran, traces = self._sides[side].ran, self._traces

        def key(path: str) -> frozenset[str]:
            originals = ran.originals(path)
            hands = traces.hands(side, originals)
            return frozenset(map(str, hands)) | partners.keys() & originals if hands else NO_KEY

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

    def _constants(self, ledger: Sequence[Entry], equal: Equal) -> Iterator[_Share]:
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
                yield hands, {f: sign * n for f, n in zip(OF_CONSTANTS, sizes, strict=True)}, True

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


NO_KEY: frozenset[str] = frozenset()


def _work(cost: NodeCost) -> tuple[Number | None, ...]:
    return tuple(getattr(cost, figure) for figure in OF_EXECUTED)
