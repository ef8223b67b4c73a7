"""What a measured comparison says of a change, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..costmodel.result import Totals
from ..runtime.timing.comparison import Comparison

Outcome = Literal["real", "slow-down", "runtime's own", "not confirmed", "not measurable", "none"]
Sides = tuple[Totals, Totals]  # of a level: before, after

_FEW = 0.03  # a predicted change of less than that is none to speak of
_NONE = 0.0005  # what shows as 0 %
_FIGURES = {"latency_s": "estimated latency", "traffic_bytes": "traffic"}
HEADS: dict[Outcome, str] = {
    "real": "The saving is real",
    "slow-down": "It is a slow-down",
    "runtime's own": "The runtime makes this saving by itself",
    "not confirmed": "Not confirmed",
    "not measurable": "Not measurable",
    "none": "No change",
}
_Said = tuple[Outcome, str]  # and why


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Whether a saving is real.

    ``kind``
        * real, slow-down: measured as faster, slower
        * runtime's own: it is there as written only, since the runtime makes it by itself
        * not confirmed: predicted, but not measured although it is large enough to be
        * not measurable: what is predicted is too small for this run to tell
        * none: nothing to speak of is predicted or measured
    """

    kind: Outcome
    sentence: str


def conclude(
    comparison: Comparison, written: Sides, executed: Sides | None, *, different: bool = False
) -> Conclusion:
    """Weigh what was measured against what was predicted.

    Parameters
    ----------
    comparison
        The measured one.
    written, executed
        Totals before and after at these levels; None where what the runtime executes is not
        known for the device.
    different
        Whether the outputs are known to differ.
    """
    kind, why = _conclude(comparison, written, executed)
    sure = ", as far as a busy machine tells" if comparison.noisy else ""
    but = " But the graphs compute different outputs." if different else ""
    return Conclusion(kind, f"{HEADS[kind]}{sure}: {why}{but}")


def ratio(level: Sides, figure: str) -> float | None:
    """After over before; None where either is not known or there was nothing before."""
    before, after = (getattr(totals, figure) for totals in level)
    return None if after is None or not before else float(after / before)


def _conclude(comparison: Comparison, written: Sides, executed: Sides | None) -> _Said:
    if comparison.verdict != "no measurable difference":
        return _measured(comparison, written, executed)
    least = comparison.smallest_detectable
    nothing = f"no difference is measured where {100 * least:.1f} % would have shown"
    made = None if executed is None else _made(least, nothing, written, executed)
    return made or _predicted(least, nothing, written, executed)


def _made(least: float, nothing: str, written: Sides, executed: Sides) -> _Said | None:
    """That the runtime makes a saving by itself; None where there is none, or it remains."""
    changes = {figure: ratio(written, figure) for figure in _FIGURES}
    known = {figure: change for figure, change in changes.items() if change is not None}
    figure = min(known, key=known.__getitem__, default="latency_s")
    change, left = known.get(figure, 1.0), ratio(executed, figure)
    if left is None or left <= 1 - _FEW or change > 1 - _FEW:
        return None
    said = (
        f"{_FIGURES[figure]} changes by {_percent(change)} as written, but by {_percent(left)} in "
        f"what the runtime executes, and {nothing}."
    )
    return ("not measurable" if least >= 1 - change else "runtime's own"), said


def _predicted(least: float, nothing: str, written: Sides, executed: Sides | None) -> _Said:
    """What was predicted of a change that was not measured."""
    level = "as executed" if executed else "as written"
    change = ratio(executed or written, "latency_s")
    if change is None:
        return "not measurable", f"nothing is predicted, and {nothing}."
    if abs(change - 1) < _NONE:
        return "none", f"none is predicted {level}, and {nothing}."
    said = f"{_percent(change)} of latency is predicted {level}"
    if abs(change - 1) <= least:
        return "not measurable", f"{said}, and {nothing}."
    why = "" if executed else ": the runtime may make this change by itself"
    return "not confirmed", f"{said}, but {nothing}{why}."


def _measured(comparison: Comparison, written: Sides, executed: Sides | None) -> _Said:
    interval = f"{_percent(comparison.low)} to {_percent(comparison.high)}"
    level = {"as written": written} | ({"as executed": executed} if executed else {})
    changes = {name: ratio(totals, "latency_s") for name, totals in level.items()}
    said = [f"{_percent(change)} {name}" for name, change in changes.items() if change is not None]
    predicted = f"; predicted: {', '.join(said)}" if said else ""
    figures = f"{_percent(comparison.ratio)} of latency measured ({interval}){predicted}."
    return ("real" if comparison.verdict == "faster" else "slow-down"), figures


def _percent(value: float) -> str:
    """The ratio as a change: ``-12.3 %``."""
    text = f"{100 * (value - 1):+.1f}"
    return "0 %" if float(text) == 0 else f"{text} %"
