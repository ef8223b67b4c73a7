"""On what rewrites stand, what was left out, and what failed, as lines and in a few words."""

from __future__ import annotations

from rich.text import Text

from ..compare.result import Diff
from ..ledger.standing import Standing
from ..optimize.proof import PROOFS
from .names import clean
from .text_common import plural
from .text_equivalence import outputs_are

_WHICH = "`optimize --explain` tells which"
_STANDS = {
    "model": "by the whole model",
    "region": "by comparing their own region",
    "construction": "by their construction",
    "none": "by nothing (--allow-uncompared)",
}


def standing_lines(diff: Diff) -> list[Text]:
    """All of it; nothing where both graphs were given."""
    found = diff.standing
    return [] if found is None else [*_proof(found), *_left_out(found), *_faults(found)]


def proven(diff: Diff) -> str:
    """What a verdict says of the outputs: ``outputs equal``, or what proves each rewrite."""
    found, rests = diff.equivalence, diff.standing
    if rests is None or not rests.proofs or "none" in rests.proofs:
        return outputs_are(found)
    if set(rests.proofs) == {"construction"}:
        return "each rewrite proven by its construction"
    if set(rests.proofs) == {"region"}:
        return "each rewrite proven on its own region"
    return "each rewrite proven by itself"


def _proof(found: Standing) -> list[Text]:
    listed = [f"{found.proofs[p]} {_STANDS[p]}" for p in PROOFS if found.proofs.get(p)]
    return [Text(f"Rewrites proven one by one: {', '.join(listed)}.", "yellow")] if listed else []


def _left_out(found: Standing) -> list[Text]:
    lines = []
    if found.unconverted:
        why = clean(found.unconverted)
        lines.append(Text(f"Not converted to another opset: {why}.", "bold red"))
    if found.broken:
        what = plural(found.broken, "rewrite")
        lines.append(Text(f"{what} left out, since outputs differed; {_WHICH}.", "bold red"))
    if found.unproven:
        what = plural(found.unproven, "rewrite")
        line = f"{what} left out, not being provable (--allow-uncompared makes it); {_WHICH}."
        lines.append(Text(line, "red"))
    return lines


def _faults(found: Standing) -> list[Text]:
    """What went wrong in ocost itself, and what to send; a graph alone has no weights to hide."""
    lines = []
    for one in found.faults:
        whose = "onnxsim" if one.by.startswith("onnxsim") else "ocost"
        lines.append(
            Text(
                f"{one.by} failed and was undone: {clean(one.reason)}. This is a bug of {whose}: "
                "please report it with this line and the model (its graph will do).",
                "red",
            )
        )
    return lines
