"""What each optimisation of a runtime brings: measured step by step, beside what rules predict."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache

from ..timing.comparison import Opener, Trial
from ..timing.intervals import LEVEL, Estimate
from .acts import Off, find_acts

# Of the time to measure: the errors of the steps add up in their product.
_STEP, _ALONE, _WHOLE = 3, 1, 1
_ALL: Off = frozenset()  # nothing is off
_Pair = tuple[Off, Off]  # before and after
SAME = Estimate(1.0, 1.0, 1.0)  # both execute the same


@dataclass(frozen=True)
class Gain:
    """What an optimisation brings, as latency after over latency before: below 1 it saves.

    Parameters
    ----------
    name
        The runtime's; of several that act only together all, with " + " between.
    step
        The latency with it over that without, with all before it on and all behind it off.
    alone
        The latency of all over that of all but this one. These overlap: what two do together, or
        what one does where another is off, counts twice or not at all.
    predicted_ratio, predicted_alone_ratio
        The same by rules; None where a node's time is not known.
    """

    name: str
    step: Estimate
    alone: Estimate
    predicted_ratio: float | None
    predicted_alone_ratio: float | None


@dataclass(frozen=True)
class RuntimeLedger:
    """The steps from none of a runtime's optimisations to all.

    Parameters
    ----------
    gains
        In the runtime's order.
    whole
        None against all, in a trial of its own.
    product
        Of the steps.
    predicted_ratio
        None against all by rules.
    """

    gains: tuple[Gain, ...]
    whole: Estimate
    product: float
    predicted_ratio: float | None
    interval_level: float = LEVEL


@dataclass(frozen=True)
class Switchboard:
    """A model in a runtime whose optimisations can be switched off by name.

    Parameters
    ----------
    names
        In the runtime's order.
    structure
        What is executed with these names off.
    opener
        Opens a session with these names off.
    predicted
        The latency with these names off, by rules.
    """

    names: Sequence[str]
    structure: Callable[[Off], Hashable]
    opener: Callable[[Off], Opener]
    predicted: Callable[[Off], float | None]


def runtime_ledger(
    board: Switchboard,
    trial: Callable[[Opener, Opener, float], Trial],
    *,
    budget_s: float,
    tell: Callable[[str], object] = lambda _: None,
) -> RuntimeLedger:
    """Measure each step from none to all, and all without each.

    All trials take turns, so that none of them falls into a time in which the machine did other
    things than in that of the others.

    Parameters
    ----------
    board
        The model.
    trial
        Of two sessions against each other, in so many seconds.
    budget_s
        For all of it; finding out what acts comes on top.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If the runtime can't open or run the model with some names off.
    """
    tell("finding out what the runtime does by itself")
    structure, predicted = cache(board.structure), cache(board.predicted)
    acts = find_acts(board.names, structure)
    steps = [(act.before, act.after) for act in acts]
    alone = [(frozenset(act.names), _ALL) for act in acts]
    whole = frozenset(board.names), _ALL
    # One trial for what executes the same, none where both sides do; of the whole one apart.
    wanted = {_executed(pair, structure): (pair, _ALONE) for pair in alone}
    wanted |= {_executed(pair, structure): (pair, _STEP) for pair in steps}
    wanted = {kind: asked for kind, asked in wanted.items() if kind[0] != kind[1]}
    share_s = budget_s / (sum(weight for _, weight in wanted.values()) + _WHOLE)

    def made(pair: _Pair, weight: int) -> Trial:
        before, after = pair
        return trial(board.opener(before), board.opener(after), weight * share_s)

    trials = {kind: made(*asked) for kind, asked in wanted.items()}
    apart = [made(whole, _WHOLE)] if acts else []
    tell(f"timing {len(trials) + len(apart)} pairs of sessions in turns")
    while going := [one for one in (*trials.values(), *apart) if not one.finished]:
        for one in going:
            one.turn()
    ratios = {kind: one.ratio() for kind, one in trials.items()}
    gains = tuple(
        Gain(
            " + ".join(act.names),
            ratios.get(_executed(step, structure), SAME),
            ratios.get(_executed(without, structure), SAME),
            _quotient(step, predicted),
            _quotient(without, predicted),
        )
        for act, step, without in zip(acts, steps, alone, strict=True)
    )
    return RuntimeLedger(
        gains,
        apart[0].ratio() if apart else SAME,
        math.prod(gain.step.middle for gain in gains),
        _quotient(whole, predicted),
    )


def _executed(pair: _Pair, structure: Callable[[Off], Hashable]) -> tuple[Hashable, Hashable]:
    before, after = pair
    return structure(before), structure(after)


def _quotient(pair: _Pair, predicted: Callable[[Off], float | None]) -> float | None:
    before, after = map(predicted, pair)
    return None if not before or after is None else after / before
