"""What a model and each of its nodes take in onnxruntime, measured so that noise hardly counts.

A machine that others share only ever adds to a time. So what counts is a mean over the smaller
ones, of many runs, in two processes minutes apart.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import pickle
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from watching import watch

from ocost.graph import Graph, OcostError, load
from ocost.graph.shapes import Given, infer
from ocost.lineage.lineage import Lineage
from ocost.runtime.feeds.inputs import given_by, make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.alignment import Aligner, Spent
from ocost.runtime.onnxruntime.executed import saved_graph
from ocost.runtime.onnxruntime.loops import executed_trips
from ocost.runtime.onnxruntime.session import open_session, repeatable
from ocost.runtime.onnxruntime.trace import read_profile
from ocost.runtime.profiles import Trips
from ocost.runtime.protocol import Options
from ocost.runtime.registry import runtime_for
from ocost.runtime.timing.stopwatch import WARM_UPS, Run, pinned

LONG_US = 40  # from which on the profiler's whole microseconds are fine enough
LEAST, MOST = 30, 200  # runs
_BUDGET_S = 2.5  # for runs with the profiler, and for those without: a machine's moods last 1 s
_EVENTS = 150_000  # what more takes is reading the file
_LIMIT_S = 300
_IN_TURN = 5  # runs with the profiler

Floats = npt.NDArray[np.float64]
Step = tuple[Path, int]  # a model and the number of the process


@dataclass(frozen=True)
class Truth:
    """A model measured in one process.

    Parameters
    ----------
    optimized
        The graph that was executed.
    attribution
        Of its nodes to those of the file.
    given
        Shapes of the inputs, and contents of small ones.
    names, seconds, events
        Of the executed nodes, in order: paths, seconds with what the profiler adds, events a run.
    total_s
        Of a run without the profiler.
    trips
        Of loops, by path.
    """

    optimized: Graph
    attribution: Lineage
    given: Given
    names: tuple[str, ...]
    seconds: Floats
    events: Floats
    total_s: float
    trips: Trips


def lower_mean(samples: npt.ArrayLike, share: float) -> float:
    """The mean of that share of the samples, the smallest; of three at least."""
    ordered = np.sort(np.asarray(samples, dtype=np.float64))
    return float(ordered[: max(3, int(share * len(ordered)))].mean())


def typical_us(samples: npt.ArrayLike, quiet: npt.ArrayLike) -> float:
    """A node's time from those that the profiler cut off to whole microseconds.

    Of short ones a smaller part would be the cut alone; so they are taken from ``quiet`` runs, of
    which there are indices.
    """
    all_ = np.asarray(samples, dtype=np.float64)
    if np.median(all_) >= LONG_US:
        return lower_mean(all_, 0.2)
    return lower_mean(all_[np.asarray(quiet)], 0.6)


def bias(truths: Sequence[Truth]) -> float:
    """Seconds that the profiler adds to an event, as models without it say.

    (Sum of the nodes - the run without) / events, the median over the models, each weighing as
    much as it tells: events for a second. Never below 0.
    """
    if not truths:
        return 0.0
    events = np.array([truth.events.sum() for truth in truths])
    runs = np.array([truth.total_s for truth in truths])
    found = (np.array([truth.seconds.sum() for truth in truths]) - runs) / events
    order = np.argsort(found)
    weights = np.cumsum((events / runs)[order])
    middle = int(np.searchsorted(weights, weights[-1] / 2))
    return max(0.0, float(found[order][middle]))


def take(file: Path, threads: int) -> Truth:
    """Measure a model in this process, which must not have opened a session before.

    A few runs with the profiler and a few without it take turns, so that both see the machine in
    the same moods.

    Raises
    ------
    OcostError
        If onnxruntime refuses it.
    """
    graph = load(file)
    feeds = make_feeds(graph, infer(graph))
    clock = time.thread_time if threads == 1 else time.perf_counter
    with tempfile.TemporaryDirectory() as folder, _pinned(threads):
        saved = Path(folder) / "optimized.onnx"
        options = Options(threads=threads)
        prefix = Path(folder) / "profile"
        model = named(graph)
        profiled = open_session(model, options, optimized=saved, profile_prefix=prefix)
        run = repeatable(profiled, feeds)
        plain = repeatable(open_session(model, options), feeds)
        optimized = saved_graph(saved)
        once = min(_timed(plain, clock) for _ in range(WARM_UPS))
        for _ in range(WARM_UPS):
            run()
        turns = -(-_runs(once, 2 * sum(1 for _ in optimized.walk())) // _IN_TURN)
        totals: list[float] = []
        for _ in range(turns):
            for _ in range(_IN_TURN):
                run()
            totals += _spread(plain, clock, _BUDGET_S / turns, -(-LEAST // turns))
        traced = read_profile(profiled.end_profiling()).runs[WARM_UPS:]
    aligner = Aligner(optimized)
    spent = [aligner.spent(one) for one in traced]
    operators = {scope.path(node): node.op_type for scope, node in optimized.walk()}
    names = tuple(name for name in operators if any(name in one for one in spent))
    seconds, events = _by_node(spent, names)
    return Truth(
        optimized,
        runtime_for("onnxruntime-cpu").lineage(graph, optimized),
        _plain(given_by(graph, feeds)),
        names,
        seconds,
        events,
        lower_mean(totals, 0.2),
        executed_trips(spent, operators),
    )


def _plain(given: Given) -> Given:
    """The same in dicts, which can be kept; a view of one can't."""
    return Given(*(part if isinstance(part, bool) else dict(part) for part in given))


def _by_node(spent: Sequence[Mapping[str, Spent]], names: Sequence[str]) -> tuple[Floats, Floats]:
    idle = Spent()
    table = np.array([[one.get(n, idle).microseconds for n in names] for one in spent])
    events = np.array([[one.get(n, idle).events for n in names] for one in spent])
    quiet = np.argsort(table.sum(axis=1))[: max(3, len(table) // 2)]
    seconds = np.array([typical_us(column, quiet) for column in table.T]) * 1e-6
    return seconds, events.mean(axis=0)


def _pinned(threads: int) -> contextlib.AbstractContextManager[object]:
    return pinned() if threads == 1 else contextlib.nullcontext()


def _timed(run: Run, clock: Callable[[], float]) -> float:
    began = clock()
    run()
    return clock() - began


def _spread(run: Run, clock: Callable[[], float], seconds: float, least: int) -> list[float]:
    """Runs for so many seconds, and so often at least."""
    end = time.perf_counter() + seconds
    found: list[float] = []
    while len(found) < least or time.perf_counter() < end:
        found.append(_timed(run, clock))
    return found


def _runs(once_s: float, events: int) -> int:
    """With the profiler: what there is time for, and not too many events."""
    return max(10, min(MOST, int(_BUDGET_S / once_s), _EVENTS // events))


class Kept:
    """The folder of what was measured: a pickle for each model and process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, step: Step) -> Path:
        """Of what one process measured."""
        return self.folder / f"{step[0].stem}@{step[1]}.pickle"

    def missing(self, files: Sequence[Path]) -> list[Step]:
        """What is still to be measured: all models in one process, then all in another."""
        steps = [(file, number) for number in (1, 2) for file in files]
        return [step for step in steps if not self.path(step).exists()]

    def read(self, step: Step) -> Truth | str:
        """What was measured, or why it could not be."""
        found: Truth | str = pickle.loads(self.path(step).read_bytes())
        return found

    def measure(self, step: Step, threads: int) -> str:
        """Measure in a process of its own; why that failed, "" else."""
        path = self.path(step)
        part = path.with_suffix(".part")
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_child, args=(step[0], threads, part))
        failed = watch(process, part, _LIMIT_S)
        if failed:
            part.write_bytes(pickle.dumps(failed))
        part.rename(path)
        found = self.read(step)
        return found if isinstance(found, str) else ""


def _child(file: Path, threads: int, path: Path) -> None:
    try:
        found: Truth | str = take(file, threads)
    except OcostError as error:
        found = str(error)
    path.write_bytes(pickle.dumps(found))


def note_machine(kept: Kept, line: str) -> str:
    """The machine on which the folder's first times were taken, with the date: kept beside them."""
    path = kept.folder / "machine.json"
    if not path.exists():
        path.write_text(json.dumps({"machine": line}), encoding="utf-8")
    found: str = json.loads(path.read_text(encoding="utf-8"))["machine"]
    return found
