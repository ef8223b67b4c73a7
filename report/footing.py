"""What a figure rests on: a sum may leave nodes out, or hold upper bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..costmodel.result import GraphCost, NodeCost
from .numbers import UNKNOWN, share

LEAST, MOST, ROUGH = "≥", "≤", "~"


class Footing(NamedTuple):
    """Whether a sum over nodes is ``partial`` (some are not costed) or holds upper bounds."""

    partial: bool = False
    bounded: bool = False

    @property
    def mark(self) -> str:
        """What stands before the sum: at least, at most, or neither for certain."""
        if self.partial and self.bounded:
            return ROUGH
        return LEAST if self.partial else MOST if self.bounded else ""

    def share(self, part: float | None, whole: float | None) -> str:
        """A share of such a sum: not known of a partial one, rough of upper bounds."""
        if self.partial:
            return UNKNOWN
        text = share(part, whole)
        return text if text in (UNKNOWN, "0 %") or not self.bounded else f"{ROUGH}{text}"


def of_nodes(nodes: Iterable[NodeCost]) -> Footing:
    """The footing of a sum over some nodes."""
    found = list(nodes)
    return Footing(
        any(not node.known for node in found),
        any(node.known and node.shape == "bound" for node in found),
    )


def of_graph(cost: GraphCost) -> Footing:
    """The footing of a graph's totals."""
    return Footing(cost.coverage.costed < cost.coverage.nodes, cost.coverage.bound > 0)


def marked(number: str, mark: str) -> str:
    """The number with the mark, where that says something: at least ``<0.1`` is at least 0."""
    if number == UNKNOWN or (mark == MOST and (number == "0" or number.startswith("<"))):
        return number
    return f"{mark}0" if mark and number.startswith("<") else f"{mark}{number}"
