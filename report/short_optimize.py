"""The short page of ``ocost optimize``."""

from __future__ import annotations

from rich.text import Text

from ..compare.result import Diff
from ..optimize import Optimized
from .pieces import Listing
from .short import Caution, Short
from .short_changes import tight_totals, totals_table
from .short_diff import cautions, facts
from .text import Page
from .text_common import TOP
from .text_ledger import pass_table, residual_lines
from .text_optimize import render_optimize
from .verdict_diff import optimize_verdict

_HINTS = {  # by whether it was measured
    False: "--measure tells more, --explain what was declined; -v for more.",
    True: "--explain tells what was declined; -v for more: each rewrite, all figures.",
}
_CHANGED = 4  # operator types that are named


def optimize_page(
    found: Optimized, *, top: int | None = None, explain: bool = False, verbose: bool = False
) -> Page:
    """The short page, or all tables where rows or refusals are asked for."""
    if top is None and not explain and not verbose:
        return short_optimize(found)
    rows = TOP if top is None else top
    return render_optimize(found, top=rows, explain=explain, verbose=verbose)


def short_optimize(found: Optimized) -> Page:
    """What optimising made, on a page of 24 lines."""
    diff = found.diff
    kinds = len({entry.by for entry in diff.rewrites}) if found.steps is None else len(found.steps)
    return Page(
        Short(
            optimize_verdict(found),
            [*facts(diff), *_operators(diff)],
            [totals_table(diff)],
            lambda count: pass_table(diff.ledger, found.steps, count),
            kinds,
            [*_left(found), *cautions(diff)],
            Text(_HINTS[diff.measured is not None], "dim"),
            [tight_totals(diff)],
        )
    )


def _operators(diff: Diff) -> list[Listing]:
    """Which operator types became more or less, the largest change first."""
    counts = {c.op_type: c.count for c in diff.op_types if c.count[0] != c.count[1]}
    ranked = sorted(counts, key=lambda name: -abs(counts[name][1] - counts[name][0]))
    texts = [(name, f"{counts[name][0]} -> {counts[name][1]}") for name in ranked[:_CHANGED]]
    more = len(ranked) - len(texts)
    return [Listing("operators  ", texts, more)] if ranked else []


def _left(found: Optimized) -> list[Caution]:
    return [Caution(line) for line in residual_lines(found.diff.ledger)]
