"""How long a run takes, and whether one model is faster than another, without fooling oneself."""

from __future__ import annotations

import contextlib
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .intervals import LEAST, LEVEL, signed_rank

Run = Callable[[], object]
Opener = Callable[[], Run]
Verdict = Literal["faster", "slower", "no measurable difference"]

WARM_UPS = 3
_WARM_UP_S = 0.005
_SAMPLE_S = 1e-4  # below that, reading the clock would weigh
_SLOT_S = 0.005
_SAMPLES = (2, 10)  # least and most in a slot
_BLOCKS = 16  # wanted: from so many on, a single odd one can't widen the interval much
_NOISY = 1.1
# Sessions of one model differ by 0.2 to 0.5 % on the mean, by where their memory lies.
_PLACEMENT = 0.01


@dataclass(frozen=True)
class Timing:
    """The latency of a run: the lower quartile, and where it lies with ``LEVEL``.

    ``noisy`` says that the machine did other things meanwhile.
    """

    latency_s: float
    low_s: float
    high_s: float
    runs: int
    noisy: bool


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


@contextlib.contextmanager
def pinned(core: int | None = None) -> Iterator[int | None]:
    """Keep the calling thread on one core, by default the last that it may use.

    Yields the core; None where the system can't pin. For one thread only: threads that a session
    starts inside would all share the core.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    before = os.sched_getaffinity(0)
    chosen = max(before) if core is None else core
    os.sched_setaffinity(0, {chosen})
    try:
        yield chosen
    finally:
        os.sched_setaffinity(0, before)


class _Stopwatch:
    """Times runs: CPU time of the calling thread if it is the only one, else wall clock.

    onnxruntime runs a session of one thread on its caller's, so that its CPU time leaves out
    what the machine did meanwhile.
    """

    def __init__(self, threads: int) -> None:
        self.single = threads == 1 and os.name != "nt"  # there that clock ticks every 16 ms
        self.cpu_s = self.wall_s = 0.0

    def sample(self, run: Run, repeats: int) -> float:
        """Seconds of one run, on the mean of so many."""
        wall, own = time.perf_counter(), time.thread_time()
        for _ in range(repeats):
            run()
        own, wall = time.thread_time() - own, time.perf_counter() - wall
        self.cpu_s += own
        self.wall_s += wall
        return (own if self.single else wall) / repeats

    def warm_up(self, run: Run) -> float:
        """Run until it has settled; the wall time of the fastest of these runs."""
        times: list[float] = []
        while len(times) < WARM_UPS or sum(times) < _WARM_UP_S:
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    @property
    def wall_over_cpu(self) -> float | None:
        return self.wall_s / self.cpu_s if self.single and self.cpu_s else None

    def timing(self, quartiles: Sequence[np.floating | float], runs: int) -> Timing:
        """From the lower quartile of each batch of runs.

        With several threads only a wide interval tells that the machine was busy.
        """
        low, middle, high = map(math.exp, signed_rank([math.log(q) for q in quartiles]))
        busy = self.wall_over_cpu
        return Timing(middle, low, high, runs, (busy or high / low) > _NOISY)


def measure(run: Run, *, threads: int = 1, budget_s: float = 5.0) -> Timing:
    """The latency of a run that can be repeated.

    After warm-ups, as many runs as it takes, cut into so many parts in order of time as an
    interval needs; of each the lower quartile, since what disturbs a run only ever adds to it. A
    drift makes the parts differ, and so the interval wide. Ends when the interval is within
    0.5 % of the middle, or with the budget.
    """
    watch = _Stopwatch(threads)
    end = time.perf_counter() + budget_s
    one = watch.warm_up(run)
    repeats = max(1, math.ceil(_SAMPLE_S / one))
    size = LEAST * max(1, min(20, int(budget_s / LEAST / (one * repeats))))
    samples: list[float] = []
    while True:
        samples += [watch.sample(run, repeats) for _ in range(size)]
        quartiles = [np.percentile(part, 25) for part in np.array_split(samples, LEAST)]
        timing = watch.timing(quartiles, len(samples) * repeats)
        tight = timing.high_s - timing.low_s <= 0.01 * timing.latency_s
        if tight or time.perf_counter() >= end:
            return timing


class _Plan(NamedTuple):
    """Fixed at the first opening, before anything is compared."""

    repeats: int  # runs a sample
    samples: int  # samples a slot
    reopen: int  # blocks between openings
    block_s: float  # for the rounds of a block

    @classmethod
    def make(cls, run_s: float, opening_s: float, budget_s: float) -> _Plan:
        repeats = max(1, math.ceil(_SAMPLE_S / run_s))
        least, most = _SAMPLES
        samples = max(least, min(most, round(_SLOT_S / (run_s * repeats))))
        reopen = max(1, math.ceil(LEAST * opening_s / (budget_s / 4)))
        return cls(repeats, samples, reopen, budget_s / _BLOCKS - opening_s / reopen)


class _Block(NamedTuple):
    """What a block says: logarithms of b / a and a' / a, lower quartiles of a and b."""

    ratio: float
    again: float
    a_s: float
    b_s: float
    rounds: int


def compare(
    open_a: Opener, open_b: Opener, *, threads: int = 1, budget_s: float = 10.0, seed: int = 0
) -> Comparison:
    """Whether b is faster than a, both in this process, in turns.

    In each block sessions of a, of b and of a again (a') are opened in random order and warmed
    up. In each round every one of them has a slot of a few runs in random order, and then again
    in reverse order (ABBA), so that a steady drift cancels. A slot counts by its fastest sample,
    a round by the logarithm of the ratio b / a, a block by the median of its rounds.

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
        sessions anew for each of these would take over a quarter of it, they are kept for several
        blocks, and differences of 1 % and less no longer count.
    seed
        Of the order.
    """
    watch, rng = _Stopwatch(threads), random.Random(seed)
    openers = (open_a, open_b, open_a)
    plan: _Plan | None = None
    blocks: list[_Block] = []
    openings = 0
    start = before = time.perf_counter()
    while True:
        if plan is None or len(blocks) % plan.reopen == 0:
            runs: list[Run] = []  # the old ones are closed first
            runs, run_s = _open(openers, rng, watch)
            openings += 1
        plan = plan or _Plan.make(run_s, time.perf_counter() - start, budget_s)
        blocks.append(_block(runs, plan, rng, watch))
        now = time.perf_counter()
        if len(blocks) >= LEAST and now + (now - before) > start + budget_s:
            return _verdict(blocks, plan, openings, watch)
        before = now


def _open(
    openers: tuple[Opener, ...], rng: random.Random, watch: _Stopwatch
) -> tuple[list[Run], float]:
    """New sessions, warmed up, and the seconds of the fastest run."""
    order = rng.sample(range(len(openers)), len(openers))
    opened = {arm: openers[arm]() for arm in order}
    runs = [opened[arm] for arm in range(len(openers))]
    return runs, min(watch.warm_up(run) for run in runs)


def _block(runs: list[Run], plan: _Plan, rng: random.Random, watch: _Stopwatch) -> _Block:
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
    a, b, again = np.moveaxis(np.log(seconds.min(axis=-1)).mean(axis=-1), 1, 0)
    a_s, b_s = (float(np.percentile(seconds[:, arm], 25)) for arm in (0, 1))
    return _Block(float(np.median(b - a)), float(np.median(again - a)), a_s, b_s, len(rounds))


def _verdict(blocks: Sequence[_Block], plan: _Plan, openings: int, watch: _Stopwatch) -> Comparison:
    low, ratio, high = map(math.exp, signed_rank([block.ratio for block in blocks]))
    floor_low, floor, floor_high = map(math.exp, signed_rank([block.again for block in blocks]))
    noise_floor = max(abs(floor - 1), (floor_high - floor_low) / 2)
    if openings < LEAST:
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
