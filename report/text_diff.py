"""``ocost diff`` as text: what was saved in a sentence, then where."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from ..compare.result import Diff
from .figures import shown
from .names import clean
from .numbers import Quantity, largest, percent_change, total, unit_of
from .ranking import movers
from .table import OPERATOR, Column, Table, figures, first_of_each
from .text import Page, better, change_bar, heading
from .text_common import assumed_lines, caveats, coverage_lines, model_name, note_lines
from .text_movers import mover_table


def render_diff(diff: Diff, *, top: int = 10, verbose: bool = False) -> Page:
    """What changed between two graphs.

    Parameters
    ----------
    diff
        Two costed graphs.
    top
        How many operator types and nodes to list.
    verbose
        List every one, and every node that is not costed.
    """
    before, after = diff.before, diff.after
    top = len(diff.pairs) if verbose else top
    device = clean(diff.device.name)
    changes = movers(diff)
    parts: list[RenderableType] = [
        headline(diff),
        *_reservations(diff),
        *assumed_lines(before.model, after.model),
        Text(),
        _totals(diff),
    ]
    if top and changes:
        note = f"latency on {device}; █ stays, ░ saved, ▓ added"
        parts += [Text(), heading("By operator type", note), _op_types(diff, top)]
        parts += [
            Text(),
            heading("Nodes", f"by change of latency on {device}"),
            mover_table(diff, top),
        ]
    parts += [
        Text(),
        *coverage_lines(before, prefix="before: ", verbose=verbose),
        *coverage_lines(after, prefix="after: ", verbose=verbose),
        *note_lines(before, after),
        *caveats([(diff.device, after)]),
    ]
    return Page(*parts)


def headline(diff: Diff) -> Text:
    """The saving in a sentence."""
    before, after = diff.before, diff.after
    names = [model_name(before.model), clean(diff.made_by) or model_name(after.model)]
    if names[0] == names[1]:
        names = [clean(model.path) or "the model" for model in (before.model, after.model)]
    text = Text(f"{' -> '.join(names)}: ", "bold")
    nodes = f"{before.model.nodes} -> {after.model.nodes} nodes"
    if before.totals == after.totals:
        return text.append(f"{nodes}, at the same cost.")
    old, new = before.totals, after.totals
    text.append(f"{nodes}, traffic ").append_text(
        _both(old.traffic_bytes, new.traffic_bytes, "bytes")
    )
    text.append(", computation ")
    text.append(percent_change(old.flops, new.flops), better(old.flops, new.flops))
    text.append(", estimated latency ").append_text(_both(old.latency_s, new.latency_s, "seconds"))
    return text.append(f" on {clean(diff.device.name)}.")


def _both(before: float | None, after: float | None, quantity: Quantity) -> Text:
    """``-31.0 % (165.0 -> 113.9 MiB)``."""
    unit = unit_of([before, after], quantity)
    return Text.assemble(
        (percent_change(before, after), better(before, after)),
        f" ({unit.number(before)} -> {unit.text(after)})",
    )


def _reservations(diff: Diff) -> list[Text]:
    """What the headline leaves out."""
    lines = []
    if diff.before.coverage.unknown or diff.after.coverage.unknown:
        lines.append(Text("Not every node is costed: this compares the others.", "yellow"))
    old, new = diff.before.totals.latency_s, diff.after.totals.latency_s
    if diff.after.level == "written" and old is not None and new is not None and new < old:
        note = "These savings are as written: the runtime may make some of them by itself."
        lines.append(Text(note, "dim"))
    return lines


def _totals(diff: Diff) -> Table:
    rows = shown(diff.before.totals, diff.after.totals)
    values = [(f.of(diff.before.totals), f.of(diff.after.totals)) for f in rows]
    units = [unit_of(pair, f.quantity) for pair, f in zip(values, rows, strict=True)]
    styles = [
        "" if f.group == "intensity" else better(*v) for v, f in zip(values, rows, strict=True)
    ]
    changes = [u.change(*v) for u, v in zip(units, values, strict=True)]
    percents = [percent_change(*v) for v in values]
    return Table(
        [
            Column("", first_of_each([f.group for f in rows]), right=False, drop=1),
            Column("", [f.label for f in rows], right=False),
            Column("before", [u.number(b) for u, (b, _) in zip(units, values, strict=True)]),
            Column("after", [u.number(a) for u, (_, a) in zip(units, values, strict=True)]),
            Column("change", list(map(Text, changes, styles))),
            Column("", [u.name for u in units], right=False),
            Column("", list(map(Text, percents, styles))),
        ]
    )


def _op_types(diff: Diff, top: int) -> Table:
    rows = [(c.op_type, c.count, c.latency_s) for c in diff.op_types[:top]]
    rest = diff.op_types[top:]
    if rest:
        counts = sum(c.count[0] for c in rest), sum(c.count[1] for c in rest)
        times = total(c.latency_s[0] for c in rest), total(c.latency_s[1] for c in rest)
        rows.append((f"{len(rest)} more", counts, times))
    before, after = [times[0] for _, _, times in rows], [times[1] for _, _, times in rows]
    slowest = largest([*before, *after])
    unit = unit_of([slowest], "seconds")
    return Table(
        [
            Column("operator", [clean(name) for name, _, _ in rows], right=False, elide=OPERATOR),
            Column("nodes", [f"{b} -> {a}" for _, (b, a), _ in rows]),
            figures("before", before, unit),
            figures("after", after, unit),
            Column("", [Text(percent_change(*t), better(*t)) for _, _, t in rows], drop=1),
            Column("", [change_bar(*t, slowest) for _, _, t in rows], right=False, drop=2),
        ],
        summary=1 if rest else 0,
    )
