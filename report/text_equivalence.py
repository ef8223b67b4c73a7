"""Whether two graphs compute the same, in a line."""

from __future__ import annotations

from rich.text import Text

from ..runtime.equality.equivalence import Equivalence
from .names import clean
from .text_common import plural


def equivalence_lines(found: Equivalence | None) -> list[Text]:
    """The verdict on the outputs; nothing where it was not asked for."""
    if found is None:
        return []
    if found.ok is None:
        return [Text(f"Outputs not compared: {clean(found.reason)}", "yellow")]
    if not found.ok:
        return [Text(f"Outputs differ: {clean(found.reason)}", "bold red")]
    line = f"Outputs are equal on {plural(found.inputs, 'input')}"
    if found.max_abs is not None and found.tolerance is not None:
        line += (
            f": the largest difference is {found.max_abs:.2g}, rounding explains up to "
            f"{found.tolerance:.2g} (against {found.reference})"
        )
    return [Text(f"{line}.", "green")]
