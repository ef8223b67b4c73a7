"""The six totals before and after, in a table or in fewer lines."""

from __future__ import annotations

from rich.text import Text

from ..compare.result import Diff
from .change import FigureChange
from .figures import SIX
from .numbers import UNKNOWN, unit_of
from .pieces import Grid
from .table import Column, Table
from .text_changes import figure_change
from .text_measured import measured_change
from .verdict_diff import six_changes

_Row = tuple[str, str, str, Text, str]  # label, before, after, change, its interval


def totals_table(diff: Diff) -> Table:
    """The six totals before and after, and what was executed and measured of the latency."""
    rows = [_row(label, change) for label, change in six_changes(diff)]
    rows += _measured(diff)
    return Table(
        [
            Column("", [Text(row[0], "dim") for row in rows], right=False),
            Column("before", [row[1] for row in rows]),
            Column("after", [row[2] for row in rows]),
            Column("change", [row[3] for row in rows]),
            Column("", [row[4] for row in rows], right=False, drop=1),
        ],
        light=True,
    )


def tight_totals(diff: Diff) -> Grid:
    """The same after, with its change: of what was measured the interval."""
    rows = [_row(label, change) for label, change in six_changes(diff)]
    rows += _measured(diff)
    return Grid(
        [
            (label.strip(), f"{after} ({sure.partition(',')[0] or change})")
            for label, _, after, change, sure in rows
        ],
        2,
    )


def _row(label: str, change: FigureChange) -> _Row:
    def text(number: str) -> str:
        return number if number == UNKNOWN else f"{number} {change.unit.name}".rstrip()

    return label, text(change.before), text(change.after), change.percent, ""


def _measured(diff: Diff) -> list[_Row]:
    """The latency as executed, where that is known, and as measured."""
    rows = []
    executed = diff.levels.get("executed_runtime") or diff.levels.get("executed")
    if executed is not None:
        _, latency = SIX[-1]
        rows.append(_row("  as executed", figure_change(*executed, latency)))
    found = diff.measured
    if found is None:
        return rows
    taken = found.comparison.a.latency_s, found.comparison.b.latency_s
    unit = unit_of(taken, "seconds")
    before, after = (unit.text(seconds) for seconds in taken)
    low, high = (f"{100 * (r - 1):+.1f}" for r in (found.comparison.low, found.comparison.high))
    sure = f"{low} to {high} %, {100 * found.comparison.interval_level:.0f} % certain"
    return [*rows, ("  measured", before, after, measured_change(found.comparison), sure)]
