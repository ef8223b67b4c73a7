"""The table of the nodes whose latency changed most."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from ..compare.result import Diff, NodePair
from .names import clean
from .numbers import total, unit_of
from .ranking import changed, latencies, movers, traffic
from .table import NAME, OPERATOR, Column, Table, figures
from .text import better

Times = tuple[float | None, float | None]


def mover_table(diff: Diff, top: int) -> Table:
    """The nodes that changed most, then the sums of the other changed and unchanged ones."""
    changes = movers(diff)
    listed = changes[:top]
    others = {
        "more changed": changes[top:],
        "unchanged": [pair for pair in diff.pairs if not changed(pair)],
    }
    groups = {f"{len(pairs)} {what}": pairs for what, pairs in others.items() if pairs}
    times = [*map(latencies, listed), *(_sums(map(latencies, pairs)) for pairs in groups.values())]
    moved = [*map(traffic, listed), *(_sums(map(traffic, pairs)) for pairs in groups.values())]
    steps = [_change(*pair) for pair in times[: len(listed)]]
    time_unit = unit_of(steps, "seconds", middle=True)
    byte_unit = unit_of([_change(*pair) for pair in moved[: len(listed)]], "bytes")
    blank = [""] * len(groups)
    return Table(
        [
            Column("node", [*(clean(p.name) for p in listed), *groups], right=False, elide=NAME),
            Column(
                "operator",
                [*(clean(p.op_type) for p in listed), *blank],
                right=False,
                elide=OPERATOR,
                drop=2,
            ),
            figures("before", [b for b, _ in times], time_unit),
            figures("after", [a for _, a in times], time_unit),
            Column(
                "change", [Text(time_unit.change(*t), better(*t)) for t in times], time_unit.name
            ),
            Column(
                "traffic",
                [Text(byte_unit.change(*b), better(*b)) for b in moved],
                byte_unit.name,
                drop=3,
            ),
            Column("match", [*map(_match, listed), *blank], right=False, drop=1),
        ],
        summary=len(groups),
    )


def _match(pair: NodePair) -> str:
    if pair.before is None:
        return "new"
    return "removed" if pair.after is None else pair.how or ""


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _sums(pairs: Iterable[Times]) -> Times:
    before, after = zip(*pairs, strict=True)
    return total(before), total(after)
