"""``ocost diff`` of several models as text: a column each, and why some are slower."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..compare.several import Several
from ..compare.slower import is_slower
from .names import clean
from .numbers import percent_change
from .pieces import Headline, Listing
from .several_table import several_table
from .text import Page
from .text_common import model_name, plural
from .text_equivalence import equivalence_line
from .text_notices import (
    assumed_lines,
    at_work,
    folded,
    interface_lines,
    note_lines,
    partial_lines,
    unmeasured,
)
from .text_slower import slower_parts

_REASONS = 3  # for a model, unless rows are asked for
_HINT = "-v for more: every reason, node by node; two models alone show all that changed."


def several_page(several: Several, *, top: int | None = None, verbose: bool = False) -> Page:
    """Several models against the first.

    Parameters
    ----------
    several
        Graphs against the first.
    top
        How many reasons to list of each model that is slower.
    verbose
        List every one, and every node.
    """
    names = [clean(name) for name in several.names]
    first, device = several.diffs[0].before.model, several.diffs[0].device
    verdict = _verdict(several, names)
    level = several.costs[0].level
    places = [0, *(place for place in several.by_prediction if place)]
    models = [first, *(diff.after.model for diff in several.diffs)]
    listed = [
        (clean(model_name(model)), f"({name})") for model, name in zip(models, names, strict=True)
    ]
    parts: list[RenderableType] = [
        verdict,
        Listing("models     ", listed),
        Text(f"as {level} on {at_work(device)}, by estimated latency", "dim"),
        Text(),
        several_table(several, names, places),
        *_agreement(several),
    ]
    for name, diff in zip(names[1:], several.diffs, strict=True):
        lines = equivalence_line(diff.equivalence)
        parts += [Text.assemble((f"{name}: ", "bold"), line) for line in lines]
    most = None if verbose else _REASONS if top is None else top
    for place in places[1:]:
        parts += slower_parts(
            names[place], names[0], several.diffs[place - 1], most=most, verbose=verbose
        )
    cautions = _cautions(several, names)
    parts += [Text(), *cautions, Text(_HINT, "dim")]
    return Page(*parts, verdict)


def _verdict(several: Several, names: Sequence[str]) -> Headline:
    """Which is fastest, and how many are slower than the first."""
    best = several.fastest
    if not best:
        return Headline(["the order is not known: not all nodes are costed"], "bold yellow")
    measured, predicted = several.measured, several.predicted_s
    how = "measured" if measured else "predicted"
    if measured:
        change = percent_change(1.0, measured[best[0]].ratio)
        verdicts = [d.measured.comparison.verdict for d in several.diffs if d.measured is not None]
        slow = verdicts.count("slower")
    else:
        change = percent_change(predicted[0], predicted[best[0]])
        slow = sum(is_slower(predicted[0], one) for one in predicted[1:])
    said = f"{' or '.join(names[at] for at in best)} is {how} fastest"
    if len(best) == len(names):
        said = f"none is {how} faster than another"
    change = "" if 0 in best else f" ({change})"
    count = f"{slow} of {plural(len(several.diffs), 'other')} slower than {names[0]}"
    return Headline([f"{said}{change}; {count}", f"{said}; {count}", said, count])


def _agreement(several: Several) -> list[Text]:
    """Whether the models measure in the order that is predicted."""
    found = several.agreement
    if found is None:
        return []
    if not found.apart:
        return [Text("No two of them measure apart: there is no order to agree with.", "yellow")]
    said = (
        f"Rank agreement: of {plural(found.apart, 'pair')} that measure apart, "
        f"{found.in_order} are predicted in that order."
    )
    return [Text(said, "" if found.in_order == found.apart else "yellow")]


def _cautions(several: Several, names: Sequence[str]) -> list[Text]:
    """What has to be known before the figures are read."""
    costs = dict(zip(names, several.costs, strict=True))
    first = several.diffs[0].before.model
    lines = [*partial_lines(costs)]
    lines += assumed_lines(first, *(diff.after.model for diff in several.diffs))
    for name, diff in zip(names[1:], several.diffs, strict=True):
        lines += [
            Text.assemble(f"{name}: ", line, style="yellow")
            for line in interface_lines(first, diff.after.model)
        ]
    lines += note_lines(costs)
    measured = [diff.measured for diff in several.diffs if diff.measured is not None]
    if any(one.comparison.noisy for one in measured):
        lines.append(Text("the machine was busy: measure again when it is idle", "yellow"))
    notes = dict.fromkeys(clean(note) for one in measured for note in one.notes)
    return [*lines, *folded(notes), *unmeasured([(several.diffs[0].device, costs)])]
