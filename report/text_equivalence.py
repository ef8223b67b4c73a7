"""Whether two graphs compute the same, in a line or in two words."""

from __future__ import annotations

import math

from rich.text import Text

from ..runtime.equality.result import Equivalence
from .names import clean
from .text_common import plural


def equivalence_lines(found: Equivalence | None) -> list[Text]:
    """The verdict on the outputs; nothing where it was not asked for."""
    if found is None:
        return []
    if found.ok is None:
        return [Text(f"Outputs not compared: {clean(found.reason)}", "yellow")]
    if not found.ok:
        return [Text(f"Outputs differ: {clean(found.reason)}{_likeness(found)}", "bold red")]
    line = f"Outputs are equal on {plural(found.inputs, 'input')}"
    if found.max_abs is not None and found.tolerance is not None:
        line += (
            f": the largest difference is {found.max_abs:.2g}, rounding explains up to "
            f"{found.tolerance:.2g} (against {found.reference})"
        )
    return [Text(f"{line}.", "green")]


def _likeness(found: Equivalence) -> str:
    """How similar the outputs are that are the least so."""
    known = [one.similarity for one in found.outputs if one.similarity is not None]
    if all(one.snr_db in (None, math.inf) for one in known):
        return ""  # it is on other inputs that they differ
    parts = []
    for figure, text in (
        ("cosine", "cosine {:.6g}"),
        ("snr_db", "{:.3g} dB"),
        ("top1", "top-1 {:.1%}"),
    ):
        figures = [value for one in known if (value := getattr(one, figure)) is not None]
        if figures:
            parts.append(text.format(min(figures)))
    return f" (similarity at least: {', '.join(parts)})" if parts else ""


def equivalence_line(found: Equivalence | None) -> list[Text]:
    """The same in few words, for a short page."""
    if found is None or not found.ok or found.max_abs is None or found.tolerance is None:
        return equivalence_lines(found)
    on = plural(found.inputs, "input")
    by = f"within {found.max_abs:.2g}, rounding explains {found.tolerance:.2g}"
    return [Text(f"Outputs are equal on {on}: {by}.", "green")]


def outputs_are(found: Equivalence | None) -> str:
    """What a verdict says of the outputs: ``outputs equal``."""
    if found is None or found.ok is None:
        return "outputs not compared"
    return "outputs equal" if found.ok else "outputs differ"
