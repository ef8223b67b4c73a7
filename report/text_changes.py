"""The tables of what changed in a graph's totals and by operator type."""

from __future__ import annotations

from rich.text import Text

from ..compare.result import Diff
from ..costmodel.result import GraphCost
from .change import FigureChange, plain
from .figures import Figure, shown
from .footing import Footing, of_graph, of_nodes
from .names import clean
from .numbers import largest, total, unit_of
from .ranking import op_type_of, op_types_that_changed
from .table import OPERATOR, Column, Table, first_of_each
from .text import change_bar

# What is alive on average rises where nodes that held little are gone: no figure to compare.
_NOT_COMPARED = "mean_activation_bytes"


def figure_change(before: GraphCost, after: GraphCost, figure: Figure) -> FigureChange:
    """What became of a figure of the graph."""
    sides = before, after
    values = figure.of(sides[0].totals), figure.of(sides[1].totals)
    footing = of_graph(sides[0]), of_graph(sides[1])
    marks = figure.mark(footing[0]), figure.mark(footing[1])
    if not any(marks):  # what is stored is known whole however little is costed
        footing = Footing(), Footing()
    unit = unit_of(values, figure.quantity)
    return FigureChange(values, footing, unit, marks, neutral=figure.group == "intensity")


def totals_table(diff: Diff) -> Table:
    """All figures of both graphs."""
    found = shown(diff.before.totals, diff.after.totals)
    rows = [f for f in found if f.field != _NOT_COMPARED]
    changes = [figure_change(diff.before, diff.after, f) for f in rows]
    return Table(
        [
            Column("", first_of_each([f.group for f in rows]), right=False, drop=1),
            Column("", [f.label for f in rows], right=False),
            Column("unit", [c.unit.name for c in changes], right=False),
            Column("before", [c.before for c in changes]),
            Column("after", [c.after for c in changes]),
            Column("change", [c.step for c in changes], drop=2),
            Column("percent", [c.percent for c in changes]),
        ]
    )


def op_type_table(diff: Diff, top: int, *, verbose: bool = False) -> Table:
    """The operator types whose latency changed most, then the sum of the others.

    Those that take no time on either side are among the others, unless all are asked for.
    """
    ranked = op_types_that_changed(diff)
    worth = [c for c in ranked if verbose or tuple(c.latency_s) != (0, 0)]
    listed = worth[:top]
    rest = [c for c in ranked if c not in listed]
    rows = [(clean(c.op_type), {c.op_type}, c.count, c.latency_s) for c in listed]
    if rest:
        counts = sum(c.count[0] for c in rest), sum(c.count[1] for c in rest)
        times = total(c.latency_s[0] for c in rest), total(c.latency_s[1] for c in rest)
        rows.append((f"{len(rest)} more", {c.op_type for c in rest}, counts, times))
    slowest = largest(seconds for _, _, _, times in rows for seconds in times)
    unit = unit_of([slowest], "seconds")
    changes = [
        plain(times, (_footing(diff.before, types), _footing(diff.after, types)), unit)
        for _, types, _, times in rows
    ]
    bars = [change_bar(*c.values, slowest) if c.sure else Text() for c in changes]
    return Table(
        [
            Column("operator", [name for name, *_ in rows], right=False, elide=OPERATOR),
            Column("nodes", [f"{b} -> {a}" for _, _, (b, a), _ in rows]),
            Column("before", [c.before for c in changes], unit.name),
            Column("after", [c.after for c in changes], unit.name),
            Column("percent", [c.percent for c in changes], drop=1),
            Column("", bars, right=False, drop=2),
        ],
        summary=1 if rest else 0,
    )


def _footing(cost: GraphCost, op_types: set[str]) -> Footing:
    return of_nodes(node for node in cost.nodes if op_type_of(node) in op_types)
