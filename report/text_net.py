"""Gross and net: what is saved in the file, and what of that is left at run time."""

from __future__ import annotations

from rich.text import Text

from ..compare.result import Diff, Pair
from .names import clean
from .numbers import percent_change

_KINDS = 2  # operator types that are named
_APART = 0.005  # of the traffic: gross and net that are closer are one figure


def net_lines(diff: Diff) -> list[Text]:
    """A line where the runtime makes a part of the saving by itself; else none.

    ``traffic -31.0 % in the file, 0 % at run time: the runtime itself folds 52 BatchNormalization``
    """
    executed = diff.levels.get("executed")
    if executed is None or not (executed.whole and diff.levels["written"].whole):
        return []
    gross, net = _share(diff.levels["written"]), _share(executed)
    if gross is None or net is None or not diff.folded or net - gross < _APART:
        return []
    said = f"traffic {percent_change(1, 1 + gross)} in the file, {percent_change(1, 1 + net)}"
    return [Text(f"{said} at run time: the runtime itself folds {_listed(diff)}")]


def _share(level: Pair) -> float | None:
    """What is saved of the traffic, as a negative number."""
    before, after = (cost.totals.traffic_bytes for cost in level)
    return None if after is None or not before else after / before - 1


def _listed(diff: Diff) -> str:
    kinds = [f"{count} {clean(name)}" for name, count in diff.folded.items()]
    more = len(kinds) - _KINDS
    return ", ".join(kinds[:_KINDS]) + (f" and {more} more kinds" if more > 0 else "")
