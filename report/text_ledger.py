"""The ledger of an optimisation as text: what each pass changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from rich.console import RenderableType
from rich.text import Text

from ..ledger.entries import LedgerEntry
from ..ledger.executed import Joint, Ledger
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
    ledger: Ledger, steps: Sequence[Step] | None = None, *, verbose: bool = False
) -> list[RenderableType]:
    """The ledger by pass, and entry by entry; what no entry accounts for has a line of its own."""
    if not ledger.entries:
        return [Text("Nothing to rewrite.", "dim")]
    net = "executed" in ledger.residual
    what = "in the file, and as executed" if net else "as written"
    parts: list[RenderableType] = [
        heading("Ledger", f"what each pass changed, {what}"),
        _ledger(ledger, steps),
        *([Text(_LEGEND, "dim")] if net else []),
        *residual_lines(ledger),
    ]
    if verbose:
        parts += [Text(f"  {_line(entry)}") for entry in ledger.entries]
    return parts


_LEGEND = (
    "net: saved as executed too; runtime: the runtime saves it by itself; enables: lets the "
    "runtime save; hinders: costs more as executed."
)


def residual_lines(ledger: Ledger) -> list[Text]:
    """What no entry accounts for, at each level."""
    lines = []
    for level, residual in ledger.residual.items():
        left = {name: value for name, value in residual.items() if value}
        text = ", ".join(f"{name} {value:+,}" for name, value in left.items())
        if left:
            lines.append(Text(f"No entry accounts for, as {level}: {text}", "yellow"))
    return lines


def passes_list(entries: Sequence[LedgerEntry]) -> Listing:
    """How often each pass rewrote something."""
    counts = Counter(entry.by for entry in entries).most_common()
    texts = [(name, str(count)) for name, count in counts[:_PASSES]]
    return Listing("passes     ", texts, len(counts) - len(texts))


def pass_table(ledger: Ledger, steps: Sequence[Step] | None, top: int) -> Table:
    """The passes, or the measured runs of them, that changed the latency most, then the others."""
    if steps is None:
        by_pass: dict[str, list[LedgerEntry]] = {}
        for entry in ledger.entries:
            by_pass.setdefault(entry.by, []).append(entry)
        rows = [_Row(name, "", group) for name, group in by_pass.items()]
    else:
        rows = [_row_of(step, ledger.entries) for step in steps]
    ranked = sorted(rows, key=lambda row: (-abs(row.sum("latency_s")), -len(row.entries)))
    rest = [entry for row in ranked[top:] for entry in row.entries]
    others = [_Row(f"{len(ranked) - top} more", "", rest)] if rest else []
    return _table([*ranked[:top], *others], ledger)._replace(summary=len(others))


class _Row(NamedTuple):
    by: str
    stage: str
    entries: Sequence[LedgerEntry]
    step: Step | None = None

    def sum(self, figure: str) -> float:
        return float(sum(entry.deltas["written"][figure] for entry in self.entries))


def _row_of(step: Step, entries: Sequence[LedgerEntry]) -> _Row:
    group = entries[step.mark.entries]
    return _Row(group[0].by, group[0].stage, group, step)


def _ledger(ledger: Ledger, steps: Sequence[Step] | None) -> Table:
    """A row for each run of a pass that changed something, in order."""
    if steps is not None:
        return _table([_row_of(step, ledger.entries) for step in steps], ledger)
    runs = groupby(ledger.entries, lambda e: (e.stage, e.by))
    return _table([_Row(by, stage, list(group)) for (stage, by), group in runs], ledger)


def _table(rows: Sequence[_Row], ledger: Ledger) -> Table:
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
    measured = []
    if any(row.step for row in rows):
        cells = ["" if row.step is None else _measured(row.step) for row in rows]
        measured = [Column("measured", cells, right=False)]
    if "executed" in ledger.residual:
        return Table(_with_net(columns, measured, rows, ledger))
    return Table([*columns, *measured])


def _with_net(
    columns: Sequence[Column], last: Sequence[Column], rows: Sequence[_Row], ledger: Ledger
) -> list[Column]:
    """All columns with the latency as executed, and what the rewrites come to.

    What rewrites of several rows change together has a row of its own, the last one.
    """
    row_of = {id(entry): number for number, row in enumerate(rows) for entry in row.entries}
    sums = [
        sum(float(e.deltas["executed"]["latency_s"]) for e in row.entries if not e.joint)
        for row in rows
    ]
    jointly: list[Joint] = []
    for joint in ledger.joints:
        owners = {row_of[id(ledger.entries[place])] for place in joint.members}
        if len(owners) == 1:
            sums[owners.pop()] += float(joint.deltas["executed"]["latency_s"])
        else:
            jointly.append(joint)
    tied = {place for joint in jointly for place in joint.members}
    shared = [ledger.entries[place] for place in sorted(tied)]
    effects = [_effects(row.entries) for row in rows]
    if jointly:
        sums.append(sum(float(joint.deltas["executed"]["latency_s"]) for joint in jointly))
        effects.append(_effects(shared))
        first: dict[str, list[str | Text]] = {"pass": ["jointly"], "times": [str(len(shared))]}
        columns, last = (
            [c._replace(cells=[*c.cells, *first.get(c.header, [""])]) for c in some]
            for some in (columns, last)
        )
    unit = unit_of(sums, "seconds")
    texts = [_change(value, unit.change(0, value)) for value in sums]
    for number, row in enumerate(rows):
        if {id(e) for e in row.entries} <= {id(e) for e in shared}:
            texts[number] = Text("jointly", "dim")
    return [
        *columns,
        Column("executed", texts, unit.name),
        Column("effect", effects, right=False),
        *last,
    ]


def _effects(entries: Sequence[LedgerEntry]) -> str:
    """The effect of the most, and of how many where it is not that of all."""
    (effect, count), *others = Counter(entry.effect or "unknown" for entry in entries).most_common()
    return f"{effect} {count}" if others else effect


def _measured(step: Step) -> Text:
    """What the pass changed of the whole latency, as far as that could be told."""
    found = step.comparison
    if found is None:
        return Text("below noise", "dim")
    change = percent_change(1, found.ratio)
    low, high = (f"{100 * (ratio - 1):+.1f}" for ratio in (found.low, found.high))
    style = {"faster": "green", "slower": "red"}.get(found.verdict, "dim")
    return Text(f"{change} ({low} to {high})", style)


def _nodes(entries: Sequence[LedgerEntry]) -> int:
    return sum(len(entry.added) - len(entry.removed) for entry in entries)


def _signed(count: int) -> Text:
    return _change(count, f"{count:+d}")


def _change(value: float, text: str) -> Text:
    return Text(text, better(0, value)) if value else Text("0", "dim")


def _line(entry: LedgerEntry) -> str:
    gone = clean(", ".join(entry.removed[:_NODES])) + (" ..." if entry.removed[_NODES:] else "")
    effect = str(entry.effect or "")
    if entry.joint:
        effect = f"{entry.effect or 'unknown'}, jointly with {len(entry.joint) - 1} more"
    return f"{entry.by}: {clean(entry.reason)} ({gone})" + (f": {effect}" if effect else "")
