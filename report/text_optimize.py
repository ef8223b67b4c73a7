"""``ocost optimize`` as text: what was saved, by which pass, and what was refused."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..optimize import Made, Optimized
from ..optimize.ledger import Entry
from ..optimize.steps import Step
from ..passes import Declined
from .names import clean
from .numbers import Quantity, percent_change, unit_of
from .table import Column, Table
from .text import Page, better, heading
from .text_changes import totals_table
from .text_common import caveats, coverage_lines, plural
from .text_diff import headline
from .text_equivalence import equivalence_lines
from .text_measured import measured_parts

_FIGURES: tuple[tuple[str, str, Quantity], ...] = (
    ("computation", "flops", "count"),
    ("traffic", "traffic_bytes", "bytes"),
    ("constants", "param_bytes", "bytes"),
    ("latency", "latency_s", "seconds"),
)
_NODES = 3  # of a refusal that are named


def render_optimize(
    found: Optimized, *, top: int = 10, explain: bool = False, verbose: bool = False
) -> Page:
    """What optimising made.

    Parameters
    ----------
    found
        The optimised graph with its ledger.
    top
        How many kinds of refusals to list.
    explain
        List every refusal, with its nodes.
    verbose
        List every entry of the ledger.
    """
    diff, made = found.diff, found.made
    parts: list[RenderableType] = [
        headline(diff),
        *equivalence_lines(diff.equivalence),
        *_left_out(found),
        Text(),
        *ledger_parts(made, found.steps, verbose=verbose),
        Text(),
        *measured_parts(diff, top, verbose=verbose),
        totals_table(diff),
    ]
    if made.declined:
        parts += [Text(), heading("Declined", "what was not rewritten, and why")]
        parts += _each(made.declined) if explain else _by_reason(made.declined, top)
    parts += [
        Text(),
        *coverage_lines(diff.after, prefix="after: ", verbose=verbose),
        *caveats([(diff.device, {"before": diff.before, "after": diff.after})]),
    ]
    return Page(*parts)


def ledger_parts(
    made: Made, steps: Sequence[Step] | None = None, *, verbose: bool = False
) -> list[RenderableType]:
    """The ledger by pass, or entry by entry; what no entry accounts for has a line of its own."""
    if not made.entries:
        return [Text("Nothing to rewrite.", "dim")]
    parts: list[RenderableType] = [
        heading("Ledger", "what each pass changed, as written"),
        _ledger(made, steps),
    ]
    left = {name: value for name, value in made.residual.items() if value}
    if left:
        text = ", ".join(f"{name} {value:+,}" for name, value in left.items())
        parts.append(Text(f"No entry accounts for: {text}", "yellow"))
    if verbose:
        parts += [Text(f"  {_line(entry)}") for entry in made.entries]
    return parts


def _left_out(found: Optimized) -> list[Text]:
    if not found.left_out:
        return []
    what = plural(found.left_out, "rewrite")
    return [Text(f"{what} left out, since outputs differed with it: see Declined.", "bold red")]


def _ledger(made: Made, steps: Sequence[Step] | None) -> Table:
    """A row for each run of a pass that changed something, in order."""
    rows = [made.entries[mark.entries] for mark in made.marks]
    columns = [
        Column("pass", [mark.by for mark in made.marks], right=False),
        Column("stage", [mark.stage for mark in made.marks], right=False, drop=2),
        Column("times", [str(len(entries)) for entries in rows], drop=1),
        Column("nodes", [_signed(_nodes(entries)) for entries in rows]),
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


def _by_reason(declined: Sequence[Declined], top: int) -> list[Text]:
    groups: dict[tuple[str, str], list[Declined]] = {}
    for one in declined:
        groups.setdefault((one.by, re.sub("'[^']*'", "...", one.reason)), []).append(one)
    ranked = sorted(groups.values(), key=len, reverse=True)
    lines = []
    for group in ranked[:top]:
        more = f" ({len(group)} times, first: {_where(group[0])})" if len(group) > 1 else ""
        lines.append(Text(f"  {group[0].by}: {clean(group[0].reason)}{more}"))
    if left := ranked[top:]:
        lines.append(Text(f"  {plural(len(left), 'other reason')} (--explain lists all)", "dim"))
    return lines


def _each(declined: Sequence[Declined]) -> list[Text]:
    return [Text(f"  {one.by}: {_where(one)}: {clean(one.reason)}") for one in declined]


def _where(one: Declined) -> str:
    more = f" and {len(one.nodes) - _NODES} more" if len(one.nodes) > _NODES else ""
    return clean(", ".join(one.nodes[:_NODES])) + more
