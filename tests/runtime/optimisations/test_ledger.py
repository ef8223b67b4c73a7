"""The ledger of a runtime that is made up: each step has its own trial, what is the same none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ocost.runtime.optimisations.acts import Off
from ocost.runtime.optimisations.ledger import SAME, Switchboard, runtime_ledger
from ocost.runtime.timing.comparison import Opener, Trial
from ocost.runtime.timing.intervals import Estimate

NAMES = ("fold", "idle", "fuse", "block")
FACTORS = {"fold": 0.9, "fuse": 0.95, "block": 0.6}


def latency(off: Off) -> float:
    """Blocking fuses as well, so that fusing brings nothing beside it."""
    off = off - {"fuse"} if "block" not in off else off
    factors = (factor for name, factor in FACTORS.items() if name not in off)
    return math.prod(factors, start=1.0)


@dataclass
class FakeTrial(Trial):
    """Is done after some turns; the interval is 1 % to each side."""

    before: float
    after: float
    seconds: float
    log: list[float]
    left: int = 3
    finished: bool = False

    def turn(self) -> None:
        self.log.append(self.seconds)
        self.left -= 1
        self.finished = not self.left

    def ratio(self) -> Estimate:
        ratio = self.after / self.before
        return Estimate(0.99 * ratio, ratio, 1.01 * ratio)


def board(predicted: Callable[[Off], float | None] = latency) -> Switchboard:
    return Switchboard(NAMES, latency, lambda off: lambda: lambda: latency(off), predicted)


def trials(log: list[float]) -> Callable[[Opener, Opener, float], Trial]:
    def make(before: Opener, after: Opener, seconds: float) -> Trial:
        first, second = before()(), after()()
        assert isinstance(first, float)
        assert isinstance(second, float)
        return FakeTrial(first, second, seconds, log)

    return make


def test_steps_and_what_each_brings_alone() -> None:
    log: list[float] = []
    found = runtime_ledger(board(), trials(log), budget_s=22.0)
    assert [gain.name for gain in found.gains] == ["fold", "fuse", "block"]
    steps = [gain.step.middle for gain in found.gains]
    assert steps == pytest.approx([0.9, 0.95, 0.6 * 0.95 / 0.95])
    fold, fuse, block = (gain.alone for gain in found.gains)
    assert fold.middle == pytest.approx(0.9)
    assert fuse == SAME
    assert block.middle == pytest.approx(0.6)
    assert found.gains[0].step == pytest.approx(Estimate(0.9 * 0.99, 0.9, 0.9 * 1.01))
    assert found.whole.middle == pytest.approx(found.product) == pytest.approx(0.9 * 0.95 * 0.6)
    # Three steps count thrice, none against all once; of what one of them brings alone, that of
    # fold is a trial of its own, that of fuse needs none, and that of block is its step.
    assert [sum(one == s for one in log) for s in (6.0, 2.0)] == [9, 6]
    assert log[:5] == log[5:10] == log[10:]  # in turns


def test_what_is_predicted() -> None:
    found = runtime_ledger(board(), trials([]), budget_s=1.0)
    assert [g.predicted_ratio for g in found.gains] == pytest.approx([0.9, 0.95, 0.6])
    assert [g.predicted_alone_ratio for g in found.gains] == pytest.approx([0.9, 1.0, 0.6])
    assert found.predicted_ratio == pytest.approx(0.513)
    nothing = runtime_ledger(board(lambda off: None), trials([]), budget_s=1.0)
    assert {g.predicted_ratio for g in nothing.gains} == {None}
    assert nothing.predicted_ratio is None


def test_nothing_to_switch_off() -> None:
    empty = Switchboard((), latency, lambda off: lambda: lambda: 1.0, latency)
    found = runtime_ledger(empty, trials([]), budget_s=1.0)
    assert (found.gains, found.whole, found.product) == ((), SAME, 1.0)
