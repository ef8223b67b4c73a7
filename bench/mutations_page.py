"""The page on the check of outputs: what it makes of wrong edits and of right ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mutants.kinds import KINDS, NUMERIC, STRUCTURAL
from tables import environment, table

# What is demanded of the check: of edits that count, this share at least is caught, and this
# share at most can't be compared.
CAUGHT = {STRUCTURAL: 0.99, NUMERIC: 0.95}
NOT_COMPARED = 0.02
BEGUN, COUNTS, DISCARDED, DIED = "begun", "counts", "discarded", "died"
INTRODUCTION = """\
# What the check of outputs sees

`optimize`, `diff --check` and every gate rest on one comparison of outputs. Here small wrong edits
are put into {models} models, and it is counted how many it catches; and rewrites that leave what a
model computes, none of which it may call different. `python bench/mutations.py` made this page on
{environment}; the checks took {seconds:.0f} s.

* **caught**: called different. **missed**: called equal. **not compared**: by a reason that it
  gives.
* An edit counts if it moves an output, in float64 and on up to 200 inputs of its own, by more than
  ten times what rounding does: the largest distance of the model as it is from itself in float64,
  and one rounding of the largest output at least. Outputs that are no numbers count where they
  change at all. As many of the inputs are tried as {each} take, {fewest} at least.
* **discarded** edits move no output by that much, or make a model that does not run.
* Random operators draw the same numbers on both sides, by the names of their outputs.

The models are ocost's samples and onnx's light models (with fewer pixels, random weights), and
small ones of their own: convolutions, attention, recurrent networks, control flow, integers,
booleans, strings, halves, quantised ones, detection heads, noise, open dims."""


class Found(NamedTuple):
    """What became of one edit, or of a rewrite, whose kind starts with ``=``; so far."""

    model: str
    kind: str
    node: str = ""
    said: str = BEGUN
    why: str = ""
    seconds: float = 0.0
    inputs: int = 0

    @property
    def right(self) -> bool:
        """Whether it leaves what the model computes."""
        return self.kind.startswith("=")


def broken(found: Sequence[Found]) -> list[str]:
    """What the check does not hold, a line each."""
    lines = []
    counted = [one for one in found if not one.right and one.said != DISCARDED]
    for group, least in CAUGHT.items():
        kinds = [one for one in counted if one.kind in KINDS and KINDS[one.kind].group == group]
        seen = sum(one.said == "different" for one in kinds)
        compared = sum(one.said in ("different", "equal") for one in kinds)
        if seen < least * compared:
            lines.append(f"{group}: {seen} of {compared} caught, {least:.0%} are demanded")
    left = sum(one.said in ("not compared", DIED) for one in counted)
    if left > NOT_COMPARED * len(counted):
        lines.append(f"{left} of {len(counted)} not compared, {NOT_COMPARED:.0%} are allowed")
    wrong = [one for one in found if one.right and one.said == "different"]
    lines += [f'"different", but it is not: {one.model} {one.kind[1:]}: {one.why}' for one in wrong]
    return lines


def page(found: Sequence[Found], left_out: Sequence[str], inputs_seconds: float) -> str:
    """All of it in Markdown."""
    edits = [one for one in found if not one.right]
    inputs = [one.inputs for one in edits if one.inputs]
    parts = [
        INTRODUCTION.format(
            models=len({one.model for one in edits}),
            environment=environment("ocost", "onnx", "onnxruntime", "numpy"),
            seconds=sum(one.seconds for one in found),
            each=f"{inputs_seconds:g} s",
            fewest=min(inputs, default=0),
        ),
        "## Totals\n\n" + _totals(edits),
        "## By kind\n\n" + _by(edits, lambda one: one.kind, "kind"),
        "## By model\n\n" + _by(edits, lambda one: one.model, "model"),
        "## Rewrites that change nothing\n\n" + _rewrites(found),
    ]
    for title, said in (("Missed", "equal"), ("Not compared", "not compared"), ("Died", DIED)):
        lines = [f"* {o.model}, {o.kind}, {o.node}: {o.why}" for o in edits if o.said == said]
        if lines:
            parts.append(f"## {title}\n\n" + "\n".join(lines))
    if left_out:
        parts.append("Models left out here: " + ", ".join(left_out) + ".")
    return "\n\n".join(parts) + "\n"


def _figures(edits: Sequence[Found]) -> list[str]:
    counts = Counter(one.said for one in edits)
    compared = counts["different"] + counts["equal"]
    share = f"{100 * counts['different'] / compared:.1f}" if compared else "-"
    lost = counts["not compared"] + counts[DIED]
    return [*map(str, (counts["different"], counts["equal"], lost, counts[DISCARDED])), share]


_HEADERS = ("caught", "missed", "not compared", "discarded", "% caught")


def _totals(edits: Sequence[Found]) -> str:
    rows = []
    for group in CAUGHT:
        some = [one for one in edits if one.kind in KINDS and KINDS[one.kind].group == group]
        rows.append([group, *_figures(some)])
    rows.append(["**all**", *_figures(edits)])
    return table(["group", *_HEADERS], rows)


def _by(edits: Sequence[Found], key: Callable[[Found], str], header: str) -> str:
    names = sorted({key(one) for one in edits})
    rows = [[name, *_figures([one for one in edits if key(one) == name])] for name in names]
    return table([header, *_HEADERS], rows)


def _rewrites(found: Sequence[Found]) -> str:
    rights = [one for one in found if one.right]
    rows = []
    for name in sorted({one.kind for one in rights}):
        counts = Counter(one.said for one in rights if one.kind == name)
        rows.append([name[1:], *(counts[said] for said in ("equal", "different", "not compared"))])
    return table(["rewrite", "equal", "different", "not compared"], rows)
