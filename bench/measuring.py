"""Measure models: every tool of ``peers.py`` in processes of its own, in turns.

Every tool gets two processes for every model. A fresh one's imports are its start-up and its first
call gives the peak memory. The other one gives the times, in rounds of all tools in random order.
"""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from onnx import TensorProto
from processes import commands, measure_processes

from ocost.graph import Graph, load, to_proto
from ocost.graph.tensor import every_tensor
from ocost.models import pack
from ocost.models.inputs import make_inputs

OURS = "ocost"
BARE = "onnx, no weights"
# What stands in a column: the tool, and whether it gets the graph without weights.
COLUMNS = {
    OURS: ("ocost", False),
    "onnx": ("onnx", False),
    BARE: ("onnx", True),
    "ModelInfo": ("onnxsim", False),
    "onnx-tool": ("onnx-tool", False),
}
ROUNDS = (5, 100)  # fewest and most
# glibc keeps what a call freed for the next one. Otherwise the times of what reads weights into
# memory hang on whether the pages were given back before, and can double.
KEPT_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class FailedError(Exception):
    """A tool can't be imported, can't cost a model, or crashed; the text says which."""


class Worker:
    """A process of a tool."""

    def __init__(self, tool: str, extra: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, str(Path(__file__).with_name("peers.py")), tool]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(extra or {})},
        )

    def __enter__(self) -> Self:
        return self

    def started(self) -> tuple[float, ...]:
        """Seconds that the imports took, by the clock and of the CPU; the first thing to ask."""
        return self._answer()

    def ask(self, job: tuple[Path, Path]) -> tuple[float, ...]:
        """Seconds, peak bytes of the process, and how far that is above where it began."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it crashed: the answer says so
            self._process.stdin.write("{}\t{}\n".format(*job))
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> tuple[float, ...]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(f"crashed with code {self._process.wait()}")
        if line.startswith("!"):
            raise FailedError(line[1:].strip())
        return tuple(float(x) for x in line.split())

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):
            self._process.__exit__(None, None, None)  # closes its pipes and waits


@dataclass
class Cell:
    """What a column's tool took for a model: seconds and bytes."""

    import_wall: float
    import_cpu: float
    cold: float
    peak: float
    above: float
    times: list[float] = field(default_factory=list)


@dataclass
class Row:
    """A model's results."""

    name: str
    nodes: int
    megabytes: float
    rounds: int
    cells: dict[str, Cell]
    notes: list[str]
    processes: dict[str, list[float]]  # seconds of CPU that whole processes took

    def ratio(self, peer: str, figure: Callable[[Cell], float]) -> float | None:
        """Ocost's figure over a peer's."""
        ours, other = self.cells.get(OURS), self.cells.get(peer)
        return figure(ours) / figure(other) if ours and other and figure(other) else None

    def beyond(self, figure: Callable[[Cell], float]) -> float | None:
        """Microseconds a node over onnx's inference of the weightless graph."""
        ours, other = self.cells.get(OURS), self.cells.get(BARE)
        return (figure(ours) - figure(other)) / self.nodes * 1e6 if ours and other else None


def bare(graph: Graph) -> bytes:
    """The graph as a file without the data of its large tensors."""
    model = to_proto(graph, "none")
    del model.metadata_props[:]
    for tensor in every_tensor(model):
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.ClearField("data_location")
            del tensor.external_data[:]
    return model.SerializeToString()


def prepare(graph: Graph, file: Path, folder: Path) -> dict[bool, Path]:
    """Files for the tools, by whether they are without weights; filled where they need to be."""
    files = {False: file, True: folder / "bare.onnx"}
    files[True].write_bytes(bare(graph))
    if pack.is_weightless(graph.header.skeleton):
        files[False] = folder / "filled.onnx"
        files[False].write_bytes(to_proto(graph, "filled").SerializeToString())
    return files


def measure(file: Path, tools: Sequence[str], seconds: float, processes: int = 0) -> Row:
    """A model's row, in about so many seconds, though never fewer than the least rounds take.

    Whole processes come on top, ``processes`` times each.
    """
    end = time.monotonic() + seconds
    columns = [name for name, (tool, _) in COLUMNS.items() if tool in tools]
    cells: dict[str, Cell] = {}
    workers: dict[str, Worker] = {}
    notes: list[str] = []
    graph = load(file)
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        files = prepare(graph, file, folder)
        inputs = folder / "inputs.pickle"
        inputs.write_bytes(pickle.dumps(make_inputs(graph.header.skeleton)))
        jobs = {name: (files[COLUMNS[name][1]], inputs) for name in columns}
        for name in random.sample(columns, len(columns)):
            tool = COLUMNS[name][0]
            try:
                with Worker(tool) as fresh:
                    cell = Cell(*fresh.started(), *fresh.ask(jobs[name]))
                worker = stack.enter_context(Worker(tool, KEPT_MEMORY))
                worker.started()
                worker.ask(jobs[name])  # the first call is not timed
            except FailedError as error:
                notes.append(f"{name} fails: {error}")
            else:
                cells[name], workers[name] = cell, worker
        rounds = 0
        while rounds < ROUNDS[0] or (rounds < ROUNDS[1] and time.monotonic() < end):
            for name in random.sample(list(workers), len(workers)):
                cells[name].times.append(workers[name].ask(jobs[name])[0])
            rounds += 1
        megabytes = files[False].stat().st_size / 1e6
        wanted = commands(file, files[False], tools) if processes else {}
        whole = measure_processes(wanted, processes)
        notes += [f"{name} fails as a process" for name in wanted.keys() - whole.keys()]
    return Row(file.stem, sum(1 for _ in graph.walk()), megabytes, rounds, cells, notes, whole)


def installed() -> Iterator[str]:
    """The tools that can be imported; the first import, which may compile, is not timed."""
    for tool in dict.fromkeys(tool for tool, _ in COLUMNS.values()):
        try:
            with Worker(tool) as worker:
                worker.started()
        except FailedError as error:
            print(f"{tool} is left out: {error}\n")
        else:
            yield tool
