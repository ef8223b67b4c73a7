"""A figure before and after: its numbers, how far they are to be trusted, its change."""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from .footing import Footing, marked
from .numbers import Unit, percent_change
from .text import better

Sides = tuple[float | None, float | None]


class FigureChange(NamedTuple):
    """A figure's change; one between sums that leave nodes out has no colour."""

    values: Sides
    footing: tuple[Footing, Footing]  # of the sums that the values are
    unit: Unit
    marks: tuple[str, str]
    neutral: bool = False  # neither less nor more is better

    @property
    def before(self) -> str:
        """The number before, without its unit."""
        return marked(self.unit.number(self.values[0]), self.marks[0])

    @property
    def after(self) -> str:
        """The number after, without its unit."""
        return marked(self.unit.number(self.values[1]), self.marks[1])

    @property
    def sure(self) -> bool:
        """Whether all nodes are in both sums."""
        return not any(side.partial for side in self.footing)

    @property
    def step(self) -> Text:
        """The difference, without its unit."""
        return Text(self.unit.change(*self.values), self._style)

    @property
    def percent(self) -> Text:
        """The difference in percent of before."""
        return Text(percent_change(*self.values), self._style)

    @property
    def text(self) -> Text:
        """``-31.0 % (165.0 -> 113.9 MiB)``."""
        unit = "" if self.values[1] is None else f" {self.unit.name}"
        return Text.assemble(self.percent, f" ({self.before} -> {self.after}{unit})")

    @property
    def _style(self) -> str:
        return "" if self.neutral else better(*self.values, sure=self.sure)


def plain(values: Sides, footing: tuple[Footing, Footing], unit: Unit) -> FigureChange:
    """The change of a sum over nodes."""
    return FigureChange(values, footing, unit, (footing[0].mark, footing[1].mark))
