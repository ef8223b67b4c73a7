"""The ledger of an optimisation as text: what each pass changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from rich.console import RenderableType
from rich.text import Text

from ..ledger.entries import Entry
from ..optimize.steps import Step
from .names import clean
from .numbers import Quantity, percent_change, unit_of
from .pieces import Listing
from .table import Column, Table
from .text import better, heading

_FIGURES: tuple[tuple[str, str, Quantity, int], ...] = (  # and which goes first for want of room
    ("computation", "flops", "count", 2),
    ("traffic", "traffic_bytes", "bytes", 0),
    ("constants", "param_bytes", "bytes", 4),
    ("latency", "latency_s", "seconds", 0),
)
_PASSES = 4  # that a short page names
_NAME = 18  # of a pass
_NODES = 3  # of an entry that are named


def ledger_parts(
    entries: Sequence[Entry],
    steps: Sequence[Step] | None = None,
    residual: Mapping[str, float] | None = None,
    *,
    verbose: bool = False,
) -> list[RenderableType]:
    """The ledger by pass, and entry by entry; what no entry accounts for has a line of its own."""
    if not entries:
        return [Text("Nothing to rewrite.", "dim")]
    parts: list[RenderableType] = [
        heading("Ledger", "what each pass changed, as written"),
        _ledger(entries, steps),
    ]
    left = residual_line(residual)
    parts += [] if left is None else [left]
    if verbose:
        parts += [Text(f"  {_line(entry)}") for entry in entries]
    return parts


def residual_line(residual: Mapping[str, float] | None) -> Text | None:
    """What no entry accounts for."""
    left = {name: value for name, value in (residual or {}).items() if value}
    text = ", ".join(f"{name} {value:+,}" for name, value in left.items())
    return Text(f"No entry accounts for: {text}", "yellow") if left else None


def passes_list(entries: Sequence[Entry]) -> Listing:
    """How often each pass rewrote something."""
    counts = Counter(entry.by for entry in entries).most_common()
    texts = [(name, str(count)) for name, count in counts[:_PASSES]]
    return Listing("passes     ", texts, len(counts) - len(texts))


def pass_table(entries: Sequence[Entry], steps: Sequence[Step] | None, top: int) -> Table:
    """The passes, or the measured runs of them, that changed the latency most, then the others."""
    if steps is None:
        by_pass: dict[str, list[Entry]] = {}
        for entry in entries:
            by_pass.setdefault(entry.by, []).append(entry)
        rows = [_Row(name, "", group) for name, group in by_pass.items()]
    else:
        rows = [_row_of(step, entries) for step in steps]
    ranked = sorted(rows, key=lambda row: (-abs(row.sum("latency_s")), -len(row.entries)))
    rest = [entry for row in ranked[top:] for entry in row.entries]
    others = [_Row(f"{len(ranked) - top} more", "", rest)] if rest else []
    return replace(_table([*ranked[:top], *others]), summary=len(others))


class _Row(NamedTuple):
    by: str
    stage: str
    entries: Sequence[Entry]
    step: Step | None = None

    def sum(self, figure: str) -> float:
        return float(sum(entry.deltas["written"][figure] for entry in self.entries))


def _row_of(step: Step, entries: Sequence[Entry]) -> _Row:
    group = entries[step.mark.entries]
    return _Row(group[0].by, group[0].stage, group, step)


def _ledger(entries: Sequence[Entry], steps: Sequence[Step] | None) -> Table:
    """A row for each run of a pass that changed something, in order."""
    if steps is not None:
        return _table([_row_of(step, entries) for step in steps])
    runs = groupby(entries, lambda e: (e.stage, e.by))
    return _table([_Row(by, stage, list(group)) for (stage, by), group in runs])


def _table(rows: Sequence[_Row]) -> Table:
    columns = [
        Column("pass", [row.by for row in rows], right=False, elide=_NAME),
        Column("stage", [row.stage for row in rows], right=False, drop=5),
        Column("times", [str(len(row.entries)) for row in rows], drop=3),
        Column("nodes", [_signed(_nodes(row.entries)) for row in rows], drop=1),
    ]
    for title, figure, quantity, drop in _FIGURES:
        values = [row.sum(figure) for row in rows]
        unit = unit_of(values, quantity)
        texts = [_change(value, unit.change(0, value)) for value in values]
        columns.append(Column(title, texts, unit.name, drop=drop))
    if any(row.step for row in rows):
        measured = ["" if row.step is None else _measured(row.step) for row in rows]
        columns.append(Column("measured", measured, right=False))
    return Table(columns)


def _measured(step: Step) -> Text:
    """What the pass changed of the whole latency, as far as that could be told."""
    found = step.comparison
    if found is None:
        return Text("below noise", "dim")
    change = percent_change(1, found.ratio)
    low, high = (f"{100 * (ratio - 1):+.1f}" for ratio in (found.low, found.high))
    style = {"faster": "green", "slower": "red"}.get(found.verdict, "dim")
    return Text(f"{change} ({low} to {high})", style)


def _nodes(entries: Sequence[Entry]) -> int:
    return sum(len(entry.added) - len(entry.removed) for entry in entries)


def _signed(count: int) -> Text:
    return _change(count, f"{count:+d}")


def _change(value: float, text: str) -> Text:
    return Text(text, better(0, value)) if value else Text("0", "dim")


def _line(entry: Entry) -> str:
    gone = clean(", ".join(entry.removed[:_NODES])) + (" ..." if entry.removed[_NODES:] else "")
    return f"{entry.by}: {clean(entry.reason)} ({gone})"
