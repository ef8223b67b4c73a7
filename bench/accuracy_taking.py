"""Measures several models by turns, each in a process of its own.

What other machines on the same host do slows a core down in spells of tenths of a second, up to
twice. A model that is looked at in one go can lie in one spell as a whole; many short looks that
are spread over a minute can not.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from accuracy_truth import Floats, Truth, lower_mean, typical_us

from ocost.graph import OcostError, load
from ocost.graph.shapes import Given, infer
from ocost.runtime.feeds.inputs import given_by, make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.alignment import Aligner, Spent
from ocost.runtime.onnxruntime.executed import saved_graph
from ocost.runtime.onnxruntime.loops import executed_trips
from ocost.runtime.onnxruntime.session import open_session, repeatable
from ocost.runtime.onnxruntime.trace import read_profile
from ocost.runtime.protocol import Options
from ocost.runtime.registry import runtime_for
from ocost.runtime.timing.stopwatch import Run, pinned

ROUNDS = 12
_TURN_S = 0.25
_LEAST = 3  # runs without the profiler in a turn
_EVENTS = 150_000  # what more takes is reading the file
_LIMIT_S = 300.0
_SHARE = 0.2  # of the runs, those that the machine slowed down least


class Taking:
    """A model that is open twice, once with the profiler, and measured turn by turn.

    Raises
    ------
    OcostError
        If onnxruntime refuses it.
    """

    def __init__(self, file: Path, threads: int, folder: Path) -> None:
        self._graph = load(file)
        self._feeds = make_feeds(self._graph, infer(self._graph))
        self._clock = time.thread_time if threads == 1 else time.perf_counter
        saved = folder / "optimized.onnx"
        options = Options(threads=threads)
        model = named(self._graph)
        self._session = open_session(
            model, options, optimized=saved, profile_prefix=folder / "profile"
        )
        self._profiled = repeatable(self._session, self._feeds)
        self._plain = repeatable(open_session(model, options), self._feeds)
        self._optimized = saved_graph(saved)
        self._counts: list[bool] = []  # whether a profiled run does
        self._totals: list[float] = []
        self._most = max(1, _EVENTS // ROUNDS // (2 * sum(1 for _ in self._optimized.walk())))

    def turn(self) -> None:
        """Some runs with the profiler and some without; the first of each doesn't count."""
        self._profiled()
        counted = _repeated(self._profiled, 1, self._most)
        self._counts += [False] + [True] * counted
        self._plain()
        _repeated(self._timed, _LEAST)

    def _timed(self) -> None:
        began = self._clock()
        self._plain()
        self._totals.append(self._clock() - began)

    def truth(self) -> Truth:
        """What all turns said."""
        runs = read_profile(self._session.end_profiling()).runs
        traced = [run for run, counts in zip(runs, self._counts, strict=True) if counts]
        aligner = Aligner(self._optimized)
        spent = [aligner.spent(one) for one in traced]
        operators = {scope.path(node): node.op_type for scope, node in self._optimized.walk()}
        names = tuple(name for name in operators if any(name in one for one in spent))
        seconds, events = _by_node(spent, names)
        return Truth(
            self._optimized,
            runtime_for("onnxruntime-cpu").lineage(self._graph, self._optimized),
            _plain(given_by(self._graph, self._feeds)),
            names,
            seconds,
            events,
            lower_mean(self._totals, _SHARE),
            executed_trips(spent, operators),
        )


def _repeated(run: Run, least: int, most: int = 10**9) -> int:
    """Run for half a turn; how many times that was."""
    end = time.perf_counter() + _TURN_S / 2
    done = 0
    while done < least or (done < most and time.perf_counter() < end):
        run()
        done += 1
    return done


def _plain(given: Given) -> Given:
    """The same in dicts, which can be kept; a view of one can't."""
    return Given(*(part if isinstance(part, bool) else dict(part) for part in given))


def _by_node(spent: Sequence[Mapping[str, Spent]], names: Sequence[str]) -> tuple[Floats, Floats]:
    idle = Spent()
    table = np.array([[one.get(n, idle).microseconds for n in names] for one in spent])
    events = np.array([[one.get(n, idle).events for n in names] for one in spent])
    return typical_us(table, _SHARE) * 1e-6, events.mean(axis=0)


class _Worker:
    """A process that measures one model, and what is said to it."""

    def __init__(self, file: Path, threads: int, path: Path) -> None:
        self._path = path
        context = multiprocessing.get_context("spawn")
        self._talk, theirs = context.Pipe()
        self._process = context.Process(
            target=_child, args=(file, threads, path, theirs), daemon=True
        )
        self._process.start()
        theirs.close()
        self._wait()

    def tell(self, go_on: bool) -> None:
        """Have it take its turn, or end, and wait until it has."""
        with contextlib.suppress(OSError):  # it has ended already, and said why
            self._talk.send(go_on)
            self._wait()

    def close(self) -> None:
        """End it; what is known of the model is in the file then."""
        self.tell(go_on=False)
        self._process.join(_LIMIT_S)
        self._process.kill()
        if not self._path.exists():
            self._path.write_bytes(pickle.dumps("the process died, or stood still"))
        self._talk.close()

    def _wait(self) -> None:
        try:
            if self._talk.poll(_LIMIT_S):
                self._talk.recv()
            else:
                self._process.kill()
        except (EOFError, OSError):
            pass  # it has ended


def measure(files: Mapping[Path, Path], threads: int) -> None:
    """Measure models by turns; what is found, or why it can't be, is pickled.

    Parameters
    ----------
    files
        Where the finding about each model goes. All are open at once.
    threads
        Of an operator.
    """
    workers = [_Worker(file, threads, path) for file, path in files.items()]
    for _ in range(ROUNDS):
        for worker in workers:
            worker.tell(go_on=True)
    for worker in workers:
        worker.close()


def _child(file: Path, threads: int, path: Path, talk: Connection) -> None:
    found: Truth | str
    keep = pinned() if threads == 1 else contextlib.nullcontext()
    with tempfile.TemporaryDirectory() as folder, keep:
        try:
            taking = Taking(file, threads, Path(folder))
            talk.send(True)
            while talk.recv():
                taking.turn()
                talk.send(True)
            found = taking.truth()
        except OcostError as error:
            found = str(error)
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(found))
        part.rename(path)
    talk.send(True)
