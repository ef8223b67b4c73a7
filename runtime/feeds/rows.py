"""What the draws of a plan try: a row says how each kind of input is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .draws import Draw, Input
from .floats import RARE
from .modes import PLAIN, Mode, Style

_TRUE, _FALSE = Mode(Style.FILL, value=1.0), Mode(Style.FILL, value=0.0)
_TURNS = {3: 7, 4: 14}  # in which so many flags go through their combinations
_MOST = 6  # further draws for inputs of few elements


def _spread(scale: float = 1.0, sign: int = 0, turn: int = 0) -> Mode:
    return Mode(Style.SPREAD, scale, sign, turn)


class Row(NamedTuple):
    """How each kind of input is drawn, and one that has limits of its own, if otherwise."""

    floats: Mode
    flags: Mode
    integers: Mode
    texts: Mode
    limits: Mode | None = None

    @property
    def special(self) -> bool:
        """Whether there are NaN or infinities, if there are floats."""
        return self.floats.style is Style.SPECIAL

    def mode(self, made: Input, turn: int) -> Mode:
        """The mode of an input."""
        own = self.limits if made.rivals else None
        if made.choices:
            own = Mode(Style.CHOICE, turn=turn)
        if own is not None:
            return own
        match made.kind:
            case "bool":
                return self.flags
            case "text":
                return self.texts
            case "int":
                return self.flags if made.mask else self.integers
        if made.mask and self.floats.style not in (Style.EDGES, Style.SPECIAL):
            # A random float mask is of zeros and ones.
            random = Mode(Style.TIES, sign=1, turn=self.flags.turn)
            return random if self.flags.style is Style.SPREAD else self.flags
        return self.floats


# The likeliest to tell first: there may be time for a few only. Flags turn by turn: with two of
# them the first four rows have all four combinations.
ROWS = (
    Row(PLAIN, PLAIN, PLAIN, PLAIN),
    Row(_spread(30), _spread(), _spread(), _spread()),
    Row(Mode(Style.EDGES), _FALSE, Mode(Style.EDGES), _spread(turn=1)),
    Row(Mode(Style.SPECIAL), _spread(turn=1), _spread(), Mode(Style.EXTREMES)),
    Row(_spread(1e3), _TRUE, Mode(Style.EXTREMES), PLAIN),
    Row(Mode(Style.TIES), _spread(turn=2), Mode(Style.TIES), Mode(Style.TIES)),
    Row(_spread(0.01), _spread(turn=3), _spread(sign=1), _spread(turn=2)),
    Row(_spread(1e3, 1), _FALSE, _spread(sign=-1), _spread(turn=3)),
    Row(_spread(30, -1), _spread(turn=4), _spread(turn=1), _spread(turn=4)),
    Row(_spread(1), _spread(turn=5), _spread(turn=2), _spread(turn=5)),
)


# Where some input has its own limits.
LIMITS = tuple(
    Row(_spread(), _spread(turn=turn), _spread(turn=turn), PLAIN, Mode(Style.LIMITS, turn=turn))
    for turn in range(4)
)
USUAL, EDGES = ROWS[1], ROWS[2].floats


def tiny(elements: int, edges: int, flags: int) -> Iterator[Row]:
    """Further rows where inputs are small, as one draw holds few values then.

    Parameters
    ----------
    elements
        Of the smallest input.
    edges
        How many values there are to try.
    flags
        How many single ones there are: of a few all combinations are tried.
    """
    rows = min(-(-2 * edges // max(elements, 1)), _MOST + 1) if edges else 0
    for turn in range(1, max(rows, _TURNS.get(flags, 0))):
        yield Row(
            Mode(Style.EDGES, turn=turn) if turn < rows else _spread(),
            _spread(turn=turn),
            Mode(Style.EDGES, turn=turn),
            _spread(turn=turn),
        )
    if elements < 3 * RARE:
        for turn in (1, 2):
            yield Row(
                Mode(Style.SPECIAL, turn=turn),
                _spread(turn=turn),
                Mode(Style.EXTREMES, turn=turn),
                Mode(Style.EXTREMES, turn=turn),
            )


_KINDS = {"int": "integers", "text": "strings", "bool": "flags"}
_SIGNS = {0: "", 1: " positive", -1: " negative"}


def describe(draw: Draw) -> str:
    """A draw in words: each kind of input that it has, and its sizes."""
    words: dict[str, None] = {}
    for made in draw.setting.inputs:
        mode = draw.modes.get(made.name, PLAIN)
        kind = "masks" if made.mask and made.kind != "bool" else _KINDS.get(made.kind, "floats")
        if kind in ("flags", "masks") and mode.style in (Style.PLAIN, Style.FILL):
            words.setdefault(f"{kind} all {'0' if mode == _FALSE else '1'}")
        elif kind == "floats" and mode.style in (Style.PLAIN, Style.SPREAD):
            words.setdefault(f"scale {mode.scale:g}{_SIGNS[mode.sign]}")
        else:
            words.setdefault(f"{kind} {mode.text}")
    if draw.setting.text:
        words.setdefault(draw.setting.text)
    return ", ".join(words)
