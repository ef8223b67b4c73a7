"""The ledger at ``executed``: what each rewrite changes of what a runtime executes.

Regions where the executed graphs differ go to the rewrites whose nodes they cover (``sharing``).
Rewrites that share one are one joint entry, for nobody can tell which of them did what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..costmodel.result import Level
from .effects import Effect, effect_of
from .entries import LedgerEntry, remainder
from .figures import Number
from .parts import parts
from .ran import Ran
from .sharing import Share, shares_of, totals_of

Deltas = Mapping[Level, Mapping[str, Number]]


@dataclass(frozen=True)
class Joint:
    """Rewrites whose shares of what is executed can't be told apart.

    Parameters
    ----------
    members
        Their places in the ledger.
    deltas
        Of all of them together, at ``executed``; as written each has its own.
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

    entries: tuple[LedgerEntry, ...] = ()
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
    old, new = totals_of(before), totals_of(after)
    shares = list(shares_of(ledger.entries, before, after))
    groups = _groups(len(ledger.entries), shares)
    sums, unknown = _sums(groups, shares, old)
    if before.cost.totals.latency_s is None or after.cost.totals.latency_s is None:
        unknown.update(range(len(groups)))
    entries, joints = list(ledger.entries), []
    for number, (group, executed) in enumerate(zip(groups, sums, strict=True)):
        written = _written([entries[place] for place in group])
        effect = None if number in unknown else effect_of(written, executed, old)
        if len(group) > 1:
            joints.append(Joint(tuple(group), {"executed": executed}, effect))
        for place in group:
            entry = entries[place]
            if len(group) > 1:
                entries[place] = replace(entry, effect=effect, joint=tuple(group))
            else:
                deltas = {**entry.deltas, "executed": executed}
                entries[place] = replace(entry, effect=effect, deltas=deltas)
    left = remainder(sums, old, new)
    return Ledger(tuple(entries), tuple(joints), {**ledger.residual, "executed": left})


def _groups(count: int, shares: Iterable[Share]) -> list[list[int]]:
    """Entries by their places: those that share something together."""
    tied = (share.hands for share in shares if share.hands)
    return parts(range(count), ((min(hands), other) for hands in tied for other in hands))


def _sums(
    groups: Sequence[Sequence[int]], shares: Iterable[Share], figures: Iterable[str]
) -> tuple[list[dict[str, Number]], set[int]]:
    """The shares of each group together, and the groups of which not all is known."""
    sums: list[dict[str, Number]] = [dict.fromkeys(figures, 0) for _ in groups]
    group_of = {place: number for number, group in enumerate(groups) for place in group}
    unknown = set()
    for share in shares:
        if share.hands:
            number = group_of[min(share.hands)]
            for figure, value in share.delta.items():
                sums[number][figure] += value
            if not share.known:
                unknown.add(number)
    return sums, unknown


def _written(entries: Sequence[LedgerEntry]) -> dict[str, Number]:
    deltas = [entry.deltas["written"] for entry in entries]
    return {figure: sum(delta[figure] for delta in deltas) for figure in deltas[0]}
