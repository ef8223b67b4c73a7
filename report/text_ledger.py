"""The ledger of an optimisation as text: what each pass changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from ..optimize.ledger import Entry
from ..optimize.steps import Step
from .names import clean
from .numbers import Quantity, percent_change, unit_of
from .table import Column, Table
from .text import better, heading

_FIGURES: tuple[tuple[str, str, Quantity], ...] = (
    ("computation", "flops", "count"),
    ("traffic", "traffic_bytes", "bytes"),
    ("constants", "param_bytes", "bytes"),
    ("latency", "latency_s", "seconds"),
)
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
    left = {name: value for name, value in (residual or {}).items() if value}
    if left:
        text = ", ".join(f"{name} {value:+,}" for name, value in left.items())
        parts.append(Text(f"No entry accounts for: {text}", "yellow"))
    if verbose:
        parts += [Text(f"  {_line(entry)}") for entry in entries]
    return parts


def _ledger(entries: Sequence[Entry], steps: Sequence[Step] | None) -> Table:
    """A row for each run of a pass that changed something, in order."""
    if steps is None:
        rows = [list(group) for _, group in groupby(entries, lambda e: (e.stage, e.by))]
    else:
        rows = [list(entries[step.mark.entries]) for step in steps]
    columns = [
        Column("pass", [group[0].by for group in rows], right=False),
        Column("stage", [group[0].stage for group in rows], right=False, drop=2),
        Column("times", [str(len(group)) for group in rows], drop=1),
        Column("nodes", [_signed(_nodes(group)) for group in rows]),
    ]
    for title, figure, quantity in _FIGURES:
        values = [float(sum(entry.delta[figure] for entry in group)) for group in rows]
        unit = unit_of(values, quantity)
        texts = [_change(value, unit.change(0, value)) for value in values]
        columns.append(Column(title, texts, unit.name))
    if steps is not None:
        columns.append(Column("measured", [_measured(step) for step in steps], right=False))
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
