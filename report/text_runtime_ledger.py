"""What each of a runtime's own optimisations brings, as text."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from ..runtime.optimisations.ledger import SAME, RuntimeLedger
from ..runtime.timing.intervals import Estimate
from .names import clean
from .numbers import UNKNOWN, percent_change
from .table import Column, Table
from .text import heading

_NAME = 24
_NOTE = "change of the latency, step by step from none to all"


def runtime_ledger_parts(found: RuntimeLedger) -> list[RenderableType]:
    """A row a step, none against all below, and how to read the figures."""
    title = heading("What the runtime does by itself", _NOTE)
    gains = found.gains
    if not gains:
        return [title, Text("none of what it can leave out changes this model")]
    predicted = [gain.predicted_ratio for gain in gains]
    names = [Text(clean(gain.name)) for gain in gains]
    steps, whole = [gain.step for gain in gains], found.whole
    columns = [
        Column("optimisation", [*names, Text("none to all")], right=False, elide=_NAME),
        Column("step", [_change(one.middle) for one in (*steps, whole)]),
        Column("interval", [_interval(one) for one in (*steps, whole)]),
        Column("predicted", [*map(_change, predicted), _change(found.predicted_ratio)]),
        Column("alone", [*(_alone(gain.alone) for gain in gains), ""], drop=1),
    ]
    level = f"{100 * found.interval_level:.0f} %"
    return [
        title,
        Table(columns, summary=1),
        Text(
            f"The steps multiply to {percent_change(1, found.product)}; none to all was measured "
            f"apart. Intervals: {level}. alone: all against all but this one; these overlap, "
            "so they don't add up.",
            "dim",
        ),
    ]


def _change(ratio: float | None) -> str:
    return UNKNOWN if ratio is None else percent_change(1, ratio)


def _interval(found: Estimate) -> str:
    """Where a change lies; nothing to measure where both execute the same."""
    if found == SAME:
        return "same graph"
    return f"{percent_change(1, found.low)} to {percent_change(1, found.high)}"


def _alone(found: Estimate) -> str:
    return "no change" if found == SAME else _change(found.middle)
