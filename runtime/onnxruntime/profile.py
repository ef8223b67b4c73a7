"""The time of every executed node, as onnxruntime's profiler sees it, less what that adds."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from ...graph import Graph, OcostError
from ..profiles import NodeTime, Profile
from ..protocol import Feeds, Options
from ..timing.stopwatch import WARM_UPS, Timing, measure, pinned
from .alignment import Aligner, Spent
from .executed import saved_graph
from .loops import executed_trips
from .session import open_session, repeatable
from .trace import Body, read_profile

Floats = npt.NDArray[np.float64]

LIMIT = 1_000_000  # events that onnxruntime records in a session
_ENOUGH = 200_000  # a file of some 120 MB: what more takes is reading it
_LEAST = 10  # runs, even so


def take_profile(
    model: ModelProto, options: Options, feeds: Feeds, *, runs: int = 50, budget_s: float = 5.0
) -> Profile:
    """Profile a model on this machine.

    One session saves the graph that it executes, is profiled, and is then timed without the
    profiler: another session would give other names to what onnxruntime makes. A node's time is
    its lower quartile over the runs. No file is left behind.

    Parameters
    ----------
    model
        ``named``, with its weights.
    options
        Of the session. With one thread it is pinned to a core.
    feeds
        The inputs.
    runs
        To profile; fewer where their events were too many for onnxruntime, or for a file of a
        sensible size.
    budget_s
        For timing it without the profiler.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model or fails on the inputs, or if a single run has more
        events than it records.
    """
    optimized, settled, latency = record(model, options, feeds, runs=runs, budget_s=budget_s)
    aligner = Aligner(optimized)
    spent = [aligner.spent(run) for run in settled]
    operators = {scope.path(node): node.op_type for scope, node in optimized.walk()}
    executed = {name for one in spent for name in one}
    names = [name for name in operators if name in executed]
    seconds, counts = quartiles(spent, names)
    bias = _bias(settled, seconds, counts, latency.latency_s)
    seconds = seconds - bias * counts
    scale = float(latency.latency_s / seconds.sum())
    seconds *= scale
    nodes = (NodeTime(n, operators[n], float(s)) for n, s in zip(names, seconds, strict=True))
    trips = executed_trips(spent, operators)
    return Profile(optimized, tuple(nodes), latency, bias, len(settled), scale, trips)


class Recorded(NamedTuple):
    """A session's graph, its profiled runs when it had settled, and its latency without."""

    optimized: Graph
    runs: Sequence[Body]
    latency: Timing


def record(
    model: ModelProto,
    options: Options,
    feeds: Feeds,
    *,
    runs: int,
    budget_s: float,
    runs_s: float = math.inf,
) -> Recorded:
    """Profile a session and then time it, as ``take_profile`` does; ``runs_s`` is for the runs.

    A few runs are profiled in any case.

    Raises
    ------
    OcostError
        As of ``take_profile``.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder,
        pinned() if options.threads == 1 else contextlib.nullcontext(),
    ):
        saved, prefix = Path(folder) / "optimized.onnx", Path(folder) / "profile"
        session = open_session(model, options, optimized=saved, profile_prefix=prefix)
        run = repeatable(session, feeds)
        try:
            optimized = saved_graph(saved)
            if not len(optimized):
                raise OcostError("onnxruntime folds all of the model: no node is left to profile")
            events = _events(optimized, model, options, feeds)
            if events > LIMIT:
                raise OcostError(
                    f"a run has over {LIMIT:,} profile events, more than onnxruntime records; "
                    "give inputs for which its loops make fewer trips"
                )
            most = min(LIMIT // events, max(_LEAST, _ENOUGH // events))
            end = time.perf_counter() + runs_s
            for done in range(min(runs + WARM_UPS, most)):
                if done >= _LEAST and time.perf_counter() >= end:
                    break
                run()
        finally:
            written = session.end_profiling()
        traced = read_profile(written).runs
        latency = measure(run, threads=options.threads, budget_s=budget_s)
    return Recorded(optimized, traced[WARM_UPS:] or traced, latency)


def _events(optimized: Graph, model: ModelProto, options: Options, feeds: Feeds) -> int:
    """Events of a run, at most: known before it, unless the graph has loops."""
    scopes = [scope for scope, _ in optimized.walk()]
    if not any(node.op_type in ("Loop", "Scan") for _, node in optimized.walk()):
        return 2 * len(scopes) + 2  # a node each, a body each, and those of the run
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        session = open_session(model, options, profile_prefix=Path(folder) / "pilot")
        try:
            repeatable(session, feeds)()
        finally:
            written = Path(session.end_profiling())
        with written.open("rb") as file:
            return sum(1 for _ in file)


def quartiles(spent: Sequence[Mapping[str, Spent]], names: Sequence[str]) -> tuple[Floats, Floats]:
    """Lower quartiles over the runs of the named nodes' seconds, and their events a run."""
    idle = Spent()
    table = np.array([[one.get(n, idle).microseconds for n in names] for one in spent])
    events = np.array([[one.get(n, idle).events for n in names] for one in spent])
    return np.array([_quartile(column) for column in table.T]) * 1e-6, events.mean(axis=0)


def _quartile(samples: npt.NDArray[np.int64]) -> float:
    """The lower quartile of times that are cut off to whole units: most nodes take but a few."""
    values, counts = np.unique(samples, return_counts=True)
    below = np.cumsum(counts) - counts
    rank = len(samples) / 4
    at = int(np.searchsorted(below, rank, side="right")) - 1
    return float(values[at] + (rank - below[at]) / counts[at])


def _bias(runs: Sequence[Body], seconds: Floats, events: Floats, total_s: float) -> float:
    """Seconds that the profiler adds to each event of a session.

    It reads the clock and writes down a node's shapes in the time that it measures. So the events
    of a run take longer than a run that is not profiled; but no event is all of that.
    """
    profiled_s = _quartile(np.array([_microseconds(run) for run in runs])) * 1e-6
    shortest = float((seconds / events).min())
    return max(0.0, min((profiled_s - total_s) / float(events.sum()), 0.9 * shortest))


def _microseconds(run: Body) -> int:
    """Of all nodes of a run, those of bodies included."""
    return sum(e.own_us + sum(map(_microseconds, e.bodies)) for e in run.events)
