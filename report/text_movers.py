"""The table of the nodes whose latency changed most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..compare.result import Diff, NodePair
from ..costmodel.result import NodeCost
from .change import FigureChange, Sides, plain
from .footing import of_nodes
from .names import clean, labels
from .numbers import Unit, total, unit_of
from .ranking import changed, latencies, movers, traffic
from .table import NAME, OPERATOR, Column, Table
from .text_types import beside, node_types


def mover_table(diff: Diff, top: int, *, verbose: bool = False) -> Table:
    """The nodes that changed most, then the sums of the other changed and unchanged ones.

    With ``verbose`` names are whole, at the end of the lines, with types and shapes of what a
    node reads and makes: before, or after where it is new.
    """
    ranked = movers(diff)
    listed = ranked[:top]
    others = {
        "more changed": ranked[top:],
        "unchanged": [pair for pair in diff.pairs if not changed(pair)],
    }
    groups = {f"{len(pairs)} {what}": pairs for what, pairs in others.items() if pairs}
    rows = [*([pair] for pair in listed), *groups.values()]
    steps = [_difference(latencies(pair)) for pair in listed]
    time_unit = unit_of(steps, "seconds", middle=True)
    byte_unit = unit_of([_difference(traffic(pair)) for pair in listed], "bytes")
    times = [_change(pairs, _sums(map(latencies, pairs)), time_unit) for pairs in rows]
    moved = [_change(pairs, _sums(map(traffic, pairs)), byte_unit) for pairs in rows]
    blank = [""] * len(groups)
    name = Column("node", [*labels([p.name for p in listed]), *groups], right=False, elide=NAME)
    op_types = [*(clean(p.op_type) for p in listed), *blank]
    columns = [
        Column("operator", op_types, right=False, elide=OPERATOR, drop=1),
        Column("before", [t.before for t in times], time_unit.name),
        Column("after", [t.after for t in times], time_unit.name),
        Column("change", [t.step for t in times], time_unit.name),
        Column("traffic", [b.step for b in moved], byte_unit.name, drop=3),
        Column("match", [*map(_match, listed), *blank], right=False, drop=2),
    ]
    if verbose:
        types = {**node_types(diff.after), **node_types(diff.before)}
        keys = [pair.name for pair in listed] + [""] * len(groups)
        whole = beside([str(cell) for cell in name.cells], keys, types)
        named = Column("node, inputs -> outputs", whole, right=False, whole=True)
        return Table([*columns, named], summary=len(groups))
    return Table([name, *columns], summary=len(groups))


def _change(pairs: Sequence[NodePair], values: Sides, unit: Unit) -> FigureChange:
    before: list[NodeCost] = [p.before for p in pairs if p.before is not None]
    after: list[NodeCost] = [p.after for p in pairs if p.after is not None]
    return plain(values, (of_nodes(before), of_nodes(after)), unit)


def _match(pair: NodePair) -> str:
    if pair.before is None:
        return "new"
    return "removed" if pair.after is None else pair.how or ""


def _difference(sides: Sides) -> float | None:
    before, after = sides
    return None if before is None or after is None else after - before


def _sums(pairs: Iterable[Sides]) -> Sides:
    before, after = zip(*pairs, strict=True)
    return total(before), total(after)
