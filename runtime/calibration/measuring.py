"""Packs run and timed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
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
    """What a pack took.

    Parameters
    ----------
    seconds
        By node, as the profiler has it: with what that adds.
    total_s
        Of a run without the profiler.
    """

    seconds: dict[str, float]
    total_s: float

    def sooner(self, other: Times) -> Times:
        """The smaller of two measurements: what disturbs one only ever adds to it."""
        both = {name: min(t, other.seconds.get(name, t)) for name, t in self.seconds.items()}
        return Times(both, min(self.total_s, other.total_s))


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
            wanted = runs or int(np.clip(_RUN_BUDGET_S / once, *_RUNS))
            for _ in range(wanted):
                run()
        finally:
            written = session.end_profiling()
        traced = read_profile(written).runs[_WARM_UPS:]
        clock = time.thread_time if threads == 1 else time.perf_counter
        totals = []
        for _ in range(wanted):
            began = clock()
            run()
            totals.append(clock() - began)
    names = [event.name for event in traced[0].events]
    table = np.array([[event.own_us for event in one.events] for one in traced], dtype=float)
    seconds = {n: _typical(column) * 1e-6 for n, column in zip(names, table.T, strict=True)}
    return Times(seconds, _typical(np.array(totals) * 1e6) * 1e-6)


def _typical(microseconds: npt.NDArray[np.float64]) -> float:
    """The time when nothing disturbs: a mean of the smaller ones.

    Of short nodes, which the profiler cuts off to whole microseconds, of more of them.
    """
    ordered = np.sort(microseconds)
    share = 0.6 if np.median(ordered) < _LONG_US else 0.2
    return float(ordered[: max(3, int(share * len(ordered)))].mean())


def bias(times: Sequence[Times], run_s: float) -> float:
    """Seconds that the profiler adds to a node: the median over packs of short nodes."""
    found = []
    for one in times:
        nodes = len(one.seconds)
        if one.total_s < _SHORT_S * nodes:
            found.append((sum(one.seconds.values()) - (one.total_s - run_s)) / nodes)
    return max(0.0, float(np.median(found))) if found else 0.0


_SHORT_S = 1e-5
