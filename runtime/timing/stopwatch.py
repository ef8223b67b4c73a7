"""How long a run takes, as fairly as a busy machine allows."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .intervals import LEAST, signed_rank

Run = Callable[[], object]
WARM_UPS = 3
_WARM_UP_S = 0.005
SAMPLE_S = 1e-4  # below that, reading the clock would weigh
_NOISY = 1.1


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


class Stopwatch:
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
        """Of all samples; None where the wall clock counts."""
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
    watch = Stopwatch(threads)
    end = time.perf_counter() + budget_s
    one = watch.warm_up(run)
    repeats = max(1, math.ceil(SAMPLE_S / one))
    size = LEAST * max(1, min(20, int(budget_s / LEAST / (one * repeats))))
    samples: list[float] = []
    while True:
        samples += [watch.sample(run, repeats) for _ in range(size)]
        quartiles = [np.percentile(part, 25) for part in np.array_split(samples, LEAST)]
        timing = watch.timing(quartiles, len(samples) * repeats)
        tight = timing.high_s - timing.low_s <= 0.01 * timing.latency_s
        if tight or time.perf_counter() >= end:
            return timing
