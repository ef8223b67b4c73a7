"""``ocost diff`` as text: what was saved in a sentence, then where."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from ..compare.result import Diff
from .figures import Figure, shown
from .footing import marked, of_graph, of_nodes
from .names import clean
from .numbers import largest, percent_change, total, unit_of
from .ranking import movers, op_type_of, op_types_that_changed
from .table import OPERATOR, Column, Table, figures, first_of_each
from .text import Page, better, change_bar, heading
from .text_common import caveats, coverage_lines, model_line, model_name, plural
from .text_movers import mover_table
from .text_notices import assumed_lines, at_work, interface_lines, note_lines, partial_lines


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
        *_basis(diff, verbose=verbose),
        Text(),
        _totals(diff),
    ]
    if top and changes:
        note = f"latency on {device}; █ stays, ░ saved, ▓ added"
        table = _op_types(diff, top, verbose=verbose)
        parts += [Text(), heading("By operator type", note), table]
        parts += [
            Text(),
            heading("Nodes", f"by change of latency on {device}"),
            mover_table(diff, top, verbose=verbose),
        ]
    parts += [
        Text(),
        *coverage_lines(before, prefix="before: ", verbose=verbose),
        *coverage_lines(after, prefix="after: ", verbose=verbose),
        *caveats([(diff.device, {"before": before, "after": after})]),
    ]
    return Page(*parts)


def headline(diff: Diff) -> Text:
    """The saving in a sentence."""
    before, after = diff.before, diff.after
    names = [model_name(before.model), clean(diff.made_by) or model_name(after.model)]
    if names[0] == names[1]:
        names = [clean(model.path) or "the model" for model in (before.model, after.model)]
    text = Text(f"{' -> '.join(names)}: ", "bold")
    text.append(f"{before.model.nodes} -> {plural(after.model.nodes, 'node')}, ")
    by_field = {figure.field: figure for figure in shown(before.totals)}
    flops, traffic, latency = (by_field[f] for f in ("flops", "traffic_bytes", "latency_s"))
    if all(f.of(side.totals) is None for f in by_field.values() for side in (before, after)
           if f in (flops, traffic, latency)):
        return text.append("cost not known.")
    if _sure(diff) and before.totals == after.totals:
        return text.append("at the same cost.")
    text.append("traffic ").append_text(_both(diff, traffic))
    text.append(", computation ").append_text(_percent(diff, flops))
    text.append(", estimated latency ").append_text(_both(diff, latency))
    return text.append(f" on {clean(diff.device.name)}.")
