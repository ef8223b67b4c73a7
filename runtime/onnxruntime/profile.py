"""The time of every executed node, as onnxruntime's profiler sees it, less what that adds."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from ...graph import Graph, OcostError
from ..timing.stopwatch import WARM_UPS, Timing, measure, pinned
from .alignment import Aligner, Spent
from .executed import saved_graph
from .loops import Trips, executed_trips
from .session import Options, open_session, repeatable
from .trace import Body, read_profile

Feeds = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

LIMIT = 1_000_000  # events that onnxruntime records in a session
_ENOUGH = 200_000  # a file of some 120 MB: what more takes is reading it
_LEAST = 10  # runs, even so
_SCALED = 1.25  # times that are off by more are worth a word


@dataclass(frozen=True)
class NodeTime:
    """Seconds of an executed node in a run, without its bodies, over all trips of its loop."""

    name: str
    op_type: str
    seconds: float


@dataclass(frozen=True)
class Profile:
    """A session's nodes and their times.

    Parameters
    ----------
    optimized
        The graph that the session executes, without the contents of large constants.
    nodes
        Those that were executed, an owner before its bodies' nodes. Their times add up to the
        latency.
    latency
        Of the same session without the profiler.
    bias_s
        What the profiler adds to a node; it is taken off.
    runs
        That the times are from.
    scale
        What they were multiplied by so that they add up: the latency over what the profiler saw.
    trips
        How often an execution of each loop ran its body, on the mean.
    """

    optimized: Graph
    nodes: tuple[NodeTime, ...]
    latency: Timing
    bias_s: float
    runs: int
    scale: float = 1.0
    trips: Trips = field(default_factory=dict)

    @property
    def reservation(self) -> str:
        """What to know of times that had to be scaled far; "" of others."""
        if 1 / _SCALED <= self.scale <= _SCALED:
            return ""
        return (
            f"the nodes took {100 / self.scale:.0f} % of the latency when profiled: their times "
            "are scaled to add up to it, with what onnxruntime does between them"
        )


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
            for _ in range(min(runs + WARM_UPS, most)):
                run()
        finally:
            written = session.end_profiling()
        traced = read_profile(written).runs
        latency = measure(run, threads=options.threads, budget_s=budget_s)
    settled = traced[WARM_UPS:] or traced
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
