"""The short page of ``ocost diff``."""

from __future__ import annotations

from rich.text import Text

from ..compare.result import Diff
from .names import clean
from .pieces import Listing
from .ranking import op_types_that_changed
from .short import Caution, Short
from .short_changes import tight_totals, totals_table
from .text import Page
from .text_changes import op_type_table
from .text_common import TOP, model_name, opsets
from .text_diff import render_diff
from .text_equivalence import equivalence_line
from .text_ledger import passes_list
from .text_net import net_lines
from .text_notices import (
    assumed_lines,
    cores,
    folded,
    interface_lines,
    note_lines,
    unknown_cautions,
    unmeasured,
)
from .text_ports import port_lists
from .text_standing import standing_lines
from .verdict_diff import diff_verdict

_EXECUTED = "As executed: by rules; --measure runs both. -v for more."
_HINTS = {  # by whether it was measured
    False: "As written: --measure tells what the runtime saves by itself. -v for more.",
    True: "-v for more: every node, and where the executed graphs differ.",
}


def diff_page(diff: Diff, *, top: int | None = None, verbose: bool = False) -> Page:
    """The short page, or all tables where rows are asked for: ``top``, or all of them."""
    if top is None and not verbose:
        return short_diff(diff)
    return render_diff(diff, top=TOP if top is None else top, verbose=verbose)


def short_diff(diff: Diff) -> Page:
    """What changed between two graphs, on a page of 24 lines."""
    passes = [passes_list(diff.rewrites)] if diff.rewrites else []
    rows = [c for c in op_types_that_changed(diff) if tuple(c.latency_s) != (0, 0)]
    return Page(
        Short(
            diff_verdict(diff),
            [*facts(diff), *passes],
            [totals_table(diff)],
            lambda count: op_type_table(diff, count),
            len(rows),
            cautions(diff),
            Text(_hint(diff), "dim"),
            [tight_totals(diff)],
        )
    )


def _hint(diff: Diff) -> str:
    if diff.measured is None and "executed" in diff.levels:
        return _EXECUTED
    return _HINTS[diff.measured is not None]


def cautions(diff: Diff) -> list[Caution]:
    """What has to be known before the figures are read."""
    sides = {"before": diff.before, "after": diff.after}
    found = diff.measured
    noisy = "the machine was busy: measure again when it is idle"
    measured: list[str] = [] if found is None else list(map(clean, found.notes))
    return [
        *map(Caution, standing_lines(diff)),
        *unknown_cautions(sides),
        *map(Caution, assumed_lines(diff.before.model, diff.after.model)),
        *map(Caution, interface_lines(diff.before.model, diff.after.model)),
        *map(Caution, note_lines(sides)),
        *([Caution(Text(noisy, "yellow"))] if found and found.comparison.noisy else []),
        *map(Caution, folded(measured)),
        *map(Caution, unmeasured([(diff.device, sides)])),
    ]


def facts(diff: Diff) -> list[Text | Listing]:
    """Whether outputs are equal, what is compared, and what goes in and out."""
    model, made = diff.before.model, clean(diff.made_by) or model_name(diff.after.model)
    names = [model_name(model), made]
    if names[0] == names[1]:
        names = [clean(m.path) or "the model" for m in (model, diff.after.model)]
    opset = [opsets(m) for m in (model, diff.after.model)]
    changed = [f"opset {' -> '.join(opset)}"] if opset[0] != opset[1] else []
    what = [
        " -> ".join(names),
        *changed,
        ", ".join([f"on {clean(diff.device.name)}", *cores(diff.device)]),
    ]
    return [
        *equivalence_line(diff.equivalence),
        *net_lines(diff),
        Text("; ".join(what), "dim"),
        *port_lists(model),
    ]
