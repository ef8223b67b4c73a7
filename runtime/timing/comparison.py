"""Whether one model is faster than another, without fooling oneself."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .intervals import LEAST, LEVEL, Estimate, signed_rank
from .stopwatch import SAMPLE_S, Run, Stopwatch, Timing

Opener = Callable[[], Run]
Verdict = Literal["faster", "slower", "no measurable difference"]

_SLOT_S = 0.005
_SAMPLES = (2, 10)  # least and most in a slot
_BLOCKS = 16  # wanted: from so many on, a single odd one can't widen the interval much
_OPENING = 0.4  # of the budget, at most
# Three times what two sessions of one model differ by on the mean, by where their memory lies.
_PLACEMENT = 0.015


@dataclass(frozen=True)
class Comparison:
    """Whether b is faster than a. Ratio = b / a.

    Parameters
    ----------
    ratio, low, high
        The ratio of their latencies, and where it lies with ``interval_level``.
    noise_floor
        The |ratio - 1| that another session of a itself shows in this run.
    smallest_detectable
        The |ratio - 1| that would have been needed for a verdict in this run.
    verdict
        On b.
    a, b
        Their latencies, measured in turns.
    wall_over_cpu
        Above 1 where others had the core meanwhile; None where wall clock counts.
    blocks, rounds, openings
        Blocks, rounds in all of them, and sessions that were opened of each.
    """

    ratio: float
    low: float
    high: float
    noise_floor: float
    smallest_detectable: float
    verdict: Verdict
    a: Timing
    b: Timing
    wall_over_cpu: float | None
    noisy: bool
    blocks: int
    rounds: int
    openings: int
    interval_level: float = LEVEL


class _Plan(NamedTuple):
    """Fixed at the first opening, before anything is compared."""

    repeats: int  # runs a sample
    samples: int  # samples a slot
    reopen: int  # blocks between openings
    block_s: float  # for the rounds of a block

    @classmethod
    def make(cls, run_s: float, opening_s: float, budget_s: float, opening: float) -> _Plan:
        repeats = max(1, math.ceil(SAMPLE_S / run_s))
        least, most = _SAMPLES
        samples = max(least, min(most, round(_SLOT_S / (run_s * repeats))))
        openings = int(opening * budget_s / opening_s)
        blocks, reopen = min(_BLOCKS, openings), 1
        if openings < LEAST:
            blocks, reopen = _BLOCKS, math.ceil(_BLOCKS / max(1, openings))
        return cls(repeats, samples, reopen, budget_s / blocks - opening_s / reopen)


class _Block(NamedTuple):
    """What a block says: logarithms of b / a and a' / a (nan without), quartiles of a and b."""

    ratio: float
    again: float
    a_s: float
    b_s: float
    rounds: int


class Trial:
    """How much faster b is than a, measured turn by turn; between turns no session is open.

    Several trials can so take turns, each spread over the time of all: what the machine does
    meanwhile is then the same for all of them.

    Parameters
    ----------
    openers
        Of a and b, and of a again where its noise floor is asked for.
    threads, budget_s, seed
        As of ``compare``.
    opening
        The share of the budget in which sessions may be opened.
    """

    def __init__(
        self,
        *openers: Opener,
        threads: int = 1,
        budget_s: float = 10.0,
        seed: int = 0,
        opening: float = _OPENING,
    ) -> None:
        self.finished = False
        self._openers = openers
        self._opening = opening
        self._watch, self._rng = Stopwatch(threads), random.Random(seed)
        self._budget_s = budget_s
        self._plan: _Plan | None = None
        self._blocks: list[_Block] = []
        self._openings = 0
        self._spent_s = 0.0

    def turn(self) -> None:
        """Open sessions and measure as many blocks as they serve for."""
        start = before = time.perf_counter()
        runs, run_s = _open(self._openers, self._rng, self._watch)
        self._openings += 1
        opening_s = time.perf_counter() - start
        self._plan = plan = self._plan or _Plan.make(
            run_s, opening_s, self._budget_s, self._opening
        )
        for _ in range(plan.reopen):
            self._blocks.append(_block(runs, plan, self._rng, self._watch))
            now = time.perf_counter()
            self._spent_s += now - before
            over = self._spent_s + (now - before) > self._budget_s
            self.finished = len(self._blocks) >= LEAST and over
            if self.finished:
                return
            before = now

    def ratio(self) -> Estimate:
        """b / a by a finished trial."""
        assert self._plan is not None
        return _ratio(self._blocks, self._plan)

    def comparison(self) -> Comparison:
        """What a finished trial with a session of a again says."""
        assert self._plan is not None
        return _verdict(self._blocks, self._plan, self._openings, self._watch)


def compare(
    open_a: Opener, open_b: Opener, *, threads: int = 1, budget_s: float = 10.0, seed: int = 0
) -> Comparison:
    """Whether b is faster than a, both in this process, in turns.

    In each block sessions of a, of b and of a again (a') are opened in random order and warmed
    up. In each round every one of them has a slot of a few runs in random order, and then again
    in reverse order (ABBA), so that no place in the round is better than another. A session
    counts by its fastest sample of the round, since what disturbs a run only ever adds to it and
    the first ones of a slot find cold caches; a round by the logarithm of the ratio b / a; a
    block by the median of its rounds.

    Under the hypothesis that a and b are the same, chance alone (the order of opening and of
    running) decides which of them a disturbance hits, or which has its memory in the worse place.
    So each block's log ratio is as likely positive as negative, independently, whatever the load
    or the drift, and the signed-rank interval over the blocks keeps its level. What the plan and
    the number of blocks rest on, the time that passes, is the same if a and b are swapped: the
    interval is looked at once, at the end, and nothing stops early because of it.

    The noise floor is what a' / a shows in the same rounds: its distance from 1, or half of its
    interval if that is more. A verdict needs an interval without 1 and a ratio beyond that floor.

    Parameters
    ----------
    open_a, open_b
        Each opens a new session and returns what runs it once on the caller's thread.
    threads
        Of the sessions. With one, the CPU time of the calling thread counts, else wall clock.
    budget_s
        About how long it may take; ``LEAST`` blocks are measured in any case. Where opening
        sessions anew for each of these would take over two fifths of it, they are kept for several
        blocks, and the interval is widened by 1.5 %, by which such a choice could be biased.
    seed
        Of the order.
    """
    trial = Trial(open_a, open_b, open_a, threads=threads, budget_s=budget_s, seed=seed)
    while not trial.finished:
        trial.turn()
    return trial.comparison()


def _open(
    openers: tuple[Opener, ...], rng: random.Random, watch: Stopwatch
) -> tuple[list[Run], float]:
    """New sessions, warmed up, and the seconds of the fastest run."""
    order = rng.sample(range(len(openers)), len(openers))
    opened = {arm: openers[arm]() for arm in order}
    runs = [opened[arm] for arm in range(len(openers))]
    return runs, min(watch.warm_up(run) for run in runs)


def _block(runs: list[Run], plan: _Plan, rng: random.Random, watch: Stopwatch) -> _Block:
    end = time.perf_counter() + plan.block_s
    rounds: list[npt.NDArray[np.float64]] = []
    while not rounds or time.perf_counter() < end:
        times = np.empty((len(runs), 2, plan.samples))  # seconds by arm, half of the round, sample
        order = rng.sample(range(len(runs)), len(runs))
        for half, arms in enumerate((order, order[::-1])):
            for arm in arms:
                for sample in range(plan.samples):
                    times[arm, half, sample] = watch.sample(runs[arm], plan.repeats)
        rounds.append(times)
    seconds = np.array(rounds)
    a, b, *again = np.moveaxis(np.log(seconds.min(axis=(-1, -2))), 1, 0)
    a_s, b_s = (float(np.percentile(seconds[:, arm], 25)) for arm in (0, 1))
    floor = float(np.median(again[0] - a)) if again else math.nan
    return _Block(float(np.median(b - a)), floor, a_s, b_s, len(rounds))


def _ratio(blocks: Sequence[_Block], plan: _Plan) -> Estimate:
    low, ratio, high = map(math.exp, signed_rank([block.ratio for block in blocks]))
    if plan.reopen > 1:
        low, high = low / (1 + _PLACEMENT), high * (1 + _PLACEMENT)
    return Estimate(low, ratio, high)


def _verdict(blocks: Sequence[_Block], plan: _Plan, openings: int, watch: Stopwatch) -> Comparison:
    low, ratio, high = _ratio(blocks, plan)
    floor_low, floor, floor_high = map(math.exp, signed_rank([block.again for block in blocks]))
    noise_floor = max(abs(floor - 1), (floor_high - floor_low) / 2)
    if plan.reopen > 1:
        noise_floor = max(noise_floor, _PLACEMENT)
    verdict: Verdict = "no measurable difference"
    if not low <= 1 <= high and abs(ratio - 1) > noise_floor:
        verdict = "slower" if ratio > 1 else "faster"
    rounds = sum(block.rounds for block in blocks)
    runs = rounds * 2 * plan.samples * plan.repeats
    a, b = (
        watch.timing(quartiles, runs)
        for quartiles in ([block.a_s for block in blocks], [block.b_s for block in blocks])
    )
    return Comparison(
        ratio=ratio,
        low=low,
        high=high,
        noise_floor=noise_floor,
        smallest_detectable=max(noise_floor, (high - low) / 2),
        verdict=verdict,
        a=a,
        b=b,
        wall_over_cpu=watch.wall_over_cpu,
        noisy=a.noisy or b.noisy,
        blocks=len(blocks),
        rounds=rounds,
        openings=openings,
    )
