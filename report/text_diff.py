"""``ocost diff`` as text: what was saved in a sentence, then where."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from ..compare.result import Diff
from .figures import FIGURES
from .footing import of_graph
from .names import clean
from .ranking import movers
from .text import Page, heading
from .text_changes import figure_change, op_type_table, totals_table
from .text_common import TOP, caveats, coverage_lines, model_line, model_name, plural
from .text_equivalence import equivalence_lines
from .text_ledger import ledger_parts
from .text_measured import headline_measured, measured_parts
from .text_movers import mover_table
from .text_net import net_lines
from .text_notices import assumed_lines, at_work, interface_lines, note_lines, partial_lines
from .text_standing import standing_lines
from .verdict_diff import diff_verdict

_HEADLINE = ("traffic_bytes", "flops", "latency_s")


def render_diff(diff: Diff, *, top: int = TOP, verbose: bool = False) -> Page:
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
    parts: list[RenderableType] = [
        headline(diff),
        *equivalence_lines(diff.equivalence),
        *standing_lines(diff),
        *_reservations(diff),
        *_basis(diff, verbose=verbose),
        Text(),
        *([*ledger_parts(diff.ledger, verbose=verbose), Text()] if diff.rewrites else []),
        *measured_parts(diff, top, verbose=verbose),
        totals_table(diff),
    ]
    if top and movers(diff):
        parts += [
            Text(),
            heading("By operator type", f"latency on {device}; █ stays, ░ saved, ▓ added"),
            op_type_table(diff, top, verbose=verbose),
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
    return Page(*parts, Text(), diff_verdict(diff))


def headline(diff: Diff) -> Text:
    """The saving in a sentence."""
    before, after = diff.before, diff.after
    names = [model_name(before.model), clean(diff.made_by) or model_name(after.model)]
    if names[0] == names[1]:
        names = [clean(model.path) or "the model" for model in (before.model, after.model)]
    text = Text(f"{' -> '.join(names)}: ", "bold")
    text.append(f"{before.model.nodes} -> {plural(after.model.nodes, 'node')}, ")
    found = {f.field: figure_change(before, after, f) for f in FIGURES if f.field in _HEADLINE}
    traffic, computation, latency = (found[field] for field in _HEADLINE)
    if all(value is None for change in found.values() for value in change.values):
        return text.append(f"cost not known{headline_measured(diff)}.")
    whole = not (of_graph(before).partial or of_graph(after).partial)
    if whole and before.totals == after.totals:
        return text.append(f"at the same cost{headline_measured(diff)}.")
    text.append("traffic ").append_text(traffic.text)
    text.append(", computation ").append_text(computation.percent)
    text.append(", estimated latency ").append_text(latency.text)
    return text.append(f" on {clean(diff.device.name)}{headline_measured(diff)}.")


def _reservations(diff: Diff) -> list[Text]:
    """What the headline leaves out."""
    sides = {"before": diff.before, "after": diff.after}
    lines = [
        *partial_lines(sides),
        *assumed_lines(diff.before.model, diff.after.model),
        *interface_lines(diff.before.model, diff.after.model),
        *note_lines(sides),
    ]
    lines += net_lines(diff)
    if diff.measured is None and "executed" not in diff.levels:
        note = "These changes are as written: the runtime may make some of them by itself."
        lines.append(Text(note, "dim"))
    return lines


def _basis(diff: Diff, *, verbose: bool) -> list[Text]:
    """What both graphs read, on which device."""
    before, after = (model_line(side.model, verbose=verbose) for side in (diff.before, diff.after))
    where = f"on {at_work(diff.device)}"
    if before == after:
        return [Text(f"{before}; {where}", "dim")]
    return [Text(f"before: {before}; {where}", "dim"), Text(f"after: {after}", "dim")]
