"""How the contents of an input may be chosen."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Style(StrEnum):
    """What is drawn; each kind of input makes its own of it."""

    PLAIN = "plain"  # with which the model does what it is for
    SPREAD = "spread"  # over the range that is accepted
    TIES = "ties"  # few values, so that many are equal
    EDGES = "edges"  # values at which operators change what they do
    LIMITS = "limits"  # values at which each element changes what its reader answers
    EXTREMES = "extremes"  # the least and largest of the type
    SPECIAL = "special"  # NaN and infinities among others
    FILL = "fill"  # one value everywhere
    CHOICE = "choice"  # one of the contents that fit, where few do


class Mode(NamedTuple):
    """How an input is drawn.

    Parameters
    ----------
    style
        What is drawn.
    scale
        Of floats.
    sign
        +1 or -1: of that sign alone; 0: of both.
    turn
        Which of several draws of the style: they take other values.
    value
        What fills it.
    """

    style: Style
    scale: float = 1.0
    sign: int = 0
    turn: int = 0
    value: float | str | None = None

    @property
    def text(self) -> str:
        """For people."""
        if self.style is Style.FILL:
            return f"all {self.value}"
        return f"{self.style}{ {0: '', 1: ' positive', -1: ' negative'}[self.sign] }"


PLAIN = Mode(Style.PLAIN)
