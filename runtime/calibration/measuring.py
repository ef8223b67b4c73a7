"""Packs run and timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..onnxruntime.session import open_session, repeatable
from ..onnxruntime.trace import read_profile
from ..protocol import Options, SessionLevel
from .pack import Pack

_WARM_UPS = 3
_RUNS = (10, 50)
_RUN_BUDGET_S = 0.02  # of a pack's runs with the profiler
_LONG_US = 40


class Times(NamedTuple):
    """What the nodes of a pack took, in the order in which they ran.

    Parameters
    ----------
    seconds
        By node, as the profiler has it: with what that adds.
    """

    seconds: dict[str, float]


def measured(pack: Pack, threads: int, *, runs: int | None = None) -> Times:
    """Time the nodes of a pack, in the order in which they run.

    Raises
    ------
    OcostError
        If the runtime refuses the model.
    """
    options = Options(threads=threads, level=SessionLevel.DISABLE)
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        session = open_session(pack.model, options, profile_prefix=Path(folder) / "profile")
        run = repeatable(session, {})
        try:
            for _ in range(_WARM_UPS):
                start = time.perf_counter()
                run()
                once = time.perf_counter() - start
            for _ in range(runs or int(np.clip(_RUN_BUDGET_S / once, *_RUNS))):
                run()
        finally:
            written = session.end_profiling()
        traced = read_profile(written).runs[_WARM_UPS:]
    names = [event.name for event in traced[0].events]
    table = np.array([[event.own_us for event in one.events] for one in traced], dtype=float)
    seconds = {n: typical(column) * 1e-6 for n, column in zip(names, table.T, strict=True)}
    return Times(seconds)


def typical(microseconds: npt.NDArray[np.float64]) -> float:
    """The time when nothing disturbs: a mean of the smaller ones.

    Of short nodes, which the profiler cuts off to whole microseconds, of more of them.
    """
    ordered = np.sort(microseconds)
    share = 0.6 if np.median(ordered) < _LONG_US else 0.2
    return float(ordered[: max(3, int(share * len(ordered)))].mean())


class Overheads(NamedTuple):
    """Seconds that the profiler adds to each node, and that a run takes besides its nodes."""

    profiler_s: float
    run_s: float


def overheads(short: Pack, alone: Pack, threads: int) -> Overheads:
    """From a pack of short nodes, and one of next to nothing, run with and without the profiler.

    What the nodes take by the profiler, less what a run takes without it, is what it adds. Runs
    with and without take turns, so that both see the machine in the same moods.
    """
    options = Options(threads=threads, level=SessionLevel.DISABLE)
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        prefix = Path(folder) / "profile"
        profiled = open_session(short.model, options, profile_prefix=prefix)
        run = repeatable(profiled, {})
        plain = repeatable(open_session(short.model, options), {})
        empty = repeatable(open_session(alone.model, options), {})
        without, nothing = [], []
        for _ in range(_TURNS):
            for _ in range(_IN_TURN):
                run()
            without += [_timed(plain) for _ in range(_IN_TURN)]
            nothing += [_timed(empty) for _ in range(_IN_TURN)]
        traced = read_profile(profiled.end_profiling()).runs
    sums = np.array([sum(event.own_us for event in one.events) for one in traced])
    nodes = len(traced[0].events)
    run_s = _lower(nothing)
    return Overheads(max(0.0, (_lower(sums * 1e-6) - (_lower(without) - run_s)) / nodes), run_s)


_TURNS, _IN_TURN = 20, 5


def _timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _lower(seconds: Sequence[float] | npt.NDArray[np.float64]) -> float:
    ordered = np.sort(np.asarray(seconds))
    return float(ordered[: len(ordered) // 3].mean())
