"""What ``ocost diff`` and ``ocost optimize`` say in a sentence: the first and the last line."""

from __future__ import annotations

from ..compare.result import Diff
from ..compare.verdict import HEADS
from ..optimize import Optimized
from .change import FigureChange
from .figures import SIX
from .footing import of_graph
from .numbers import percent_change
from .pieces import Headline
from .text_changes import figure_change
from .text_common import plural
from .text_standing import proven

_STYLES = {True: "bold green", False: "bold red", None: "bold yellow"}


def diff_verdict(diff: Diff) -> Headline:
    """What came of it, in a sentence: the measured change if there is one, and the outputs."""
    found = diff.equivalence
    outputs = proven(diff)
    style = "bold" if found is None else _STYLES[found.ok]
    before, after = diff.before, diff.after
    nodes = f"{before.model.nodes} -> {plural(after.model.nodes, 'node')}"
    if diff.measured is not None:
        comparison, kind = diff.measured.comparison, diff.measured.conclusion.kind
        if found is None or found.ok:
            style = _STYLES.get({"real": True, "slow-down": False}.get(kind), "bold yellow")
        change = f"latency {percent_change(1, comparison.ratio)} measured"
        if comparison.verdict == "no measurable difference":
            change = "no difference measured"
        head = f"{HEADS[kind]}: {change}"
        return Headline(
            [
                f"{head}, {nodes}; {outputs}",
                f"{head}; {outputs}",
                f"{HEADS[kind]}; {outputs}",
                f"{change}; {outputs}",
            ],
            style,
        )
    if all(change.values == (None, None) for _, change in six_changes(diff)):
        return Headline([f"cost not known, {nodes}; {outputs}"], style)
    whole = not (of_graph(before).partial or of_graph(after).partial)
    if whole and before.totals == after.totals:
        return Headline([f"at the same cost, {nodes}; {outputs}"], style)
    part = "" if whole else " of what is costed"
    changes = {label: change.percent.plain for label, change in six_changes(diff)}
    latency = f"estimated latency {changes['est. latency']}{part}"
    executed = diff.levels.get("executed")
    if executed is not None and executed.whole:
        net = figure_change(*executed, SIX[-1][1]).percent.plain
        short = f"est. latency {changes['est. latency']}{part}"
        both = f"as written, {net} as executed"
        return Headline(
            [
                f"{latency} {both}, {nodes}; {outputs}",
                f"{short} {both}, {nodes}; {outputs}",
                f"{short} {both}; {outputs}",
            ],
            style,
        )
    return Headline(
        [
            f"{latency}, traffic {changes['traffic']}, {nodes}; {outputs}",
            f"{latency}, {nodes}; {outputs}",
            f"{latency}; {outputs}",
            f"{changes['est. latency']} estimated{part}; {outputs}",
        ],
        style,
    )


def optimize_verdict(found: Optimized) -> Headline:
    """The same of an optimised graph; that there was nothing to do is said in other words.

    An opset that was asked for and could not be had comes first.
    """
    verdict = diff_verdict(found.diff)
    if not found.diff.rewrites:
        nodes = plural(found.diff.before.model.nodes, "node")
        verdict = Headline([f"nothing to rewrite: {nodes}; {proven(found.diff)}"])
    standing = found.diff.standing
    if standing is not None and standing.unconverted:
        said = [f"still the old opset; {text}" for text in verdict.said]
        return Headline([*said, "still the old opset"], "bold red")
    return verdict


def six_changes(diff: Diff) -> list[tuple[str, FigureChange]]:
    """What became of the six totals."""
    return [(label, figure_change(diff.before, diff.after, figure)) for label, figure in SIX]
