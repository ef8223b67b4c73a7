"""What each rewrite saved, to the byte and the FLOP, as the graph is written.

An entry's figures are cost(added) - cost(removed) of the nodes that it names, plus its constants:
whoever costs both graphs can compute them anew. Rewrites that build on one another within a run
of a pass share an entry. Peak memory and intensity don't add up and stand in the totals alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..costmodel.result import Level
from ..rewrite.rewriting import Rewrite
from .effects import Effect
from .figures import OF_CONSTANTS, OF_NODES, Figures, Number

Stage = Literal["opset", "pre", "onnxsim", "post"]


@dataclass(frozen=True)
class LedgerEntry:
    """One rewrite, or several that build on one another.

    Parameters
    ----------
    stage, by
        Where in the pipeline, and the pass.
    removed, added
        Paths of nodes, before and after.
    dropped, stored
        Constants, before and after.
    reason
        What was done.
    deltas
        By level: after - before, by additive figure.
    rewired
        By path in ``added``: the removed node that it is, and that merely reads or makes another
        tensor.
    effect
        What it comes to once the runtime has made what it makes of either graph: see ``effects``.
        None where that is not known.
    joint
        Places in the ledger of the rewrites, itself among them, that share a delta at
        ``executed``: then it has none of its own there. Empty where it shares none.
    """

    stage: Stage
    by: str
    removed: tuple[str, ...]
    added: tuple[str, ...]
    dropped: tuple[str, ...]
    stored: tuple[str, ...]
    reason: str
    deltas: Mapping[Level, Mapping[str, Number]]
    rewired: Mapping[str, str] = field(default_factory=dict)
    effect: Effect | None = None
    joint: tuple[int, ...] = ()


def entries(
    stage: Stage, rewrites: Sequence[Rewrite], before: Figures, after: Figures
) -> tuple[LedgerEntry, ...]:
    """The entries of one run of one pass, from what both graphs cost."""
    groups = _grouped(rewrites, _alike(before, after))
    _claim(groups, before, after)
    owner = {name: i for i, group in enumerate(groups) for name in _touched(group, before, after)}
    owner |= _drawn_in(owner, before, after)
    of_constants: list[dict[str, Number]] = [dict.fromkeys(OF_CONSTANTS, 0) for _ in groups]
    for figure, old, new in (
        ("params", before.params, after.params),
        ("param_bytes", before.stored, after.stored),
    ):
        for name in old.keys() | new.keys():
            if name in owner:
                of_constants[owner[name]][figure] += new.get(name, 0) - old.get(name, 0)
    made = []
    for group, constants in zip(groups, of_constants, strict=True):
        minus, plus = before.of_nodes(group.removed), after.of_nodes(group.added)
        made.append(
            LedgerEntry(
                stage,
                group.by,
                tuple(group.removed),
                tuple(group.added),
                tuple(group.dropped),
                tuple(group.stored),
                "; ".join(dict.fromkeys(group.reasons)),
                {"written": {f: plus[f] - minus[f] for f in OF_NODES} | constants},
                group.rewired,
            )
        )
    return tuple(made)


def residual(made: Iterable[LedgerEntry], before: Figures, after: Figures) -> dict[str, Number]:
    """What the graphs differ by and no entry accounts for: 0 unless a rewrite hides something."""
    return remainder((entry.deltas["written"] for entry in made), before.total(), after.total())


def remainder(
    deltas: Iterable[Mapping[str, Number]], old: Mapping[str, Number], new: Mapping[str, Number]
) -> dict[str, Number]:
    """What deltas leave of the difference of two totals; what rounding leaves is 0."""
    left = {figure: new[figure] - old[figure] for figure in new}
    for delta in deltas:
        for figure, value in delta.items():
            left[figure] -= value
    rounding = 1e-12 * max(old["latency_s"], new["latency_s"])
    if abs(left["latency_s"]) <= rounding:
        left["latency_s"] = 0.0
    return left


@dataclass
class _Group:
    """Rewrites taken together: what one makes and a later one takes again cancels out."""

    by: str
    reasons: list[str] = field(default_factory=list)
    removed: dict[str, None] = field(default_factory=dict)
    added: dict[str, None] = field(default_factory=dict)
    dropped: dict[str, None] = field(default_factory=dict)
    stored: dict[str, None] = field(default_factory=dict)
    rewired: dict[str, str] = field(default_factory=dict)

    def take(self, rewrite: Rewrite) -> None:
        change = rewrite.change
        self.reasons.append(rewrite.reason)
        origins = {old: self.rewired.pop(old, None) for old in change.removed}
        for new, old in change.rewired.items():
            origin = origins[old] or (None if old in self.added else old)
            if origin is not None:
                self.rewired[new] = origin
        for gone, come, away, there in (
            (change.removed, change.added, self.removed, self.added),
            (change.dropped, change.stored, self.dropped, self.stored),
        ):
            for name in gone:
                if name in there:
                    del there[name]
                else:
                    away[name] = None
            there.update(dict.fromkeys(come))

    def join(self, other: _Group) -> None:
        self.reasons += other.reasons
        self.removed |= other.removed
        self.added |= other.added
        self.dropped |= other.dropped
        self.stored |= other.stored
        self.rewired |= other.rewired


def _alike(before: Figures, after: Figures) -> set[str]:
    """Nodes that cost the same in both graphs."""
    return {
        name
        for name, cost in before.nodes.items()
        if (other := after.nodes.get(name)) is not None
        and all(getattr(cost, figure) == getattr(other, figure) for figure in OF_NODES)
    }


def _grouped(rewrites: Sequence[Rewrite], alike: Collection[str]) -> list[_Group]:
    """Rewrites that name the same node or constant together.

    A node that merely reads another tensor, and costs what it did, ties none together.
    """
    groups: dict[int, _Group] = {}
    member: dict[str, int] = {}  # what a rewrite named, and its group at the time
    joined: dict[int, int] = {}

    def now(index: int) -> int:
        while index in joined:
            index = joined[index]
        return index

    for index, rewrite in enumerate(rewrites):
        change = rewrite.change
        loose = {n for names in change.rewired.items() for n in names if n in alike}
        nodes = (n for n in (*change.removed, *change.added) if n not in loose)
        named = (*nodes, *change.dropped, *change.stored)
        group = groups[index] = _Group(rewrite.by)
        for other in sorted({now(member[name]) for name in named if name in member}):
            earlier = groups.pop(other)
            group.join(earlier)
            joined[other] = index
        group.take(rewrite)
        member.update(dict.fromkeys(named, index))
    return list(groups.values())


def _claim(groups: Sequence[_Group], before: Figures, after: Figures) -> None:
    """Have groups name what comes or goes with them in bodies.

    An If that goes takes its branches along; one of whose branches less is left may cost what the
    other one does from then on.
    """
    for figures, here, there, named in (
        (before, before.nodes, after.nodes, [g.removed for g in groups]),
        (after, after.nodes, before.nodes, [g.added for g in groups]),
        (before, before.stored, after.stored, [g.dropped for g in groups]),
        (after, after.stored, before.stored, [g.stored for g in groups]),
    ):
        known = set().union(*named)
        for name in figures.owners:
            if name in here and name not in there and name not in known:
                index = _around(groups, figures, name)
                if index is not None:
                    named[index][name] = None


def _around(groups: Sequence[_Group], figures: Figures, name: str) -> int | None:
    """The first group with the node that owns a body, or another one in it; the inmost such."""
    while name in figures.owners:
        name = figures.owners[name]
        for index, group in enumerate(groups):
            named = (*group.removed, *group.added)
            if any(other == name or other.startswith(f"{name}/") for other in named):
                return index
    return None


def _drawn_in(owner: Mapping[str, int], before: Figures, after: Figures) -> dict[str, int]:
    """Constants that no rewrite touched, but that count anew: with what is constant now too.

    They go to the first group with a constant that is read together with them.
    """
    names = before.params.keys() | after.params.keys()
    changed = {n for n in names if before.params.get(n) != after.params.get(n)} - owner.keys()
    found: dict[str, int] = {}
    for tensors in (*before.tensors.values(), *after.tensors.values()) if changed else ():
        read = changed.intersection(tensors)
        beside = [owner[name] for name in tensors if name in owner] if read else []
        if beside:
            found |= {name: min(found.get(name, min(beside)), *beside) for name in read}
    return found


def _touched(group: _Group, before: Figures, after: Figures) -> set[str]:
    """A group's nodes and constants, and all that its nodes read or make."""
    names = {*group.removed, *group.added, *group.dropped, *group.stored}
    for nodes, tensors in ((group.removed, before.tensors), (group.added, after.tensors)):
        names.update(name for node in nodes for name in tensors.get(node, ()))
    return names
