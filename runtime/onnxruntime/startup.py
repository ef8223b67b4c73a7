"""What opening a model costs: time, and the memory that a session keeps.

Run as a module it opens a file and prints what that took: what the caller has loaded and freed
before doesn't count then.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from onnx import ModelProto, TensorProto, helper

from ...graph import OcostError, from_proto
from ...graph.write import write
from ..profiles import Startup
from ..protocol import Options, SessionLevel
from .session import open_session
from .trace import records

_OPENINGS = 5
_BUDGET_S = 3.0
_TIMEOUT_S = 120.0


def startup(model: ModelProto | Path, options: Options) -> Startup:
    """Open a model several times in a process of its own, for a few seconds at most.

    Parameters
    ----------
    model
        A file with its weights, or a model with its weights.
    options
        Of the sessions.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model, or the process ends without an answer.
    """
    with _file(model) as file:
        entry = ["-P", "-m", __name__, str(file.resolve()), json.dumps(asdict(options))]
        try:
            done = subprocess.run(
                [sys.executable, *entry],
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OcostError(
                f"start-up can't be measured: opening takes over {_TIMEOUT_S:.0f} s"
            ) from error
    lines = (done.stdout or done.stderr).strip().splitlines()
    if done.returncode or not lines:
        reason = lines[-1] if lines else f"its process ended with code {done.returncode}"
        raise OcostError(f"start-up can't be measured: {reason}")
    return Startup(**json.loads(lines[-1]))


@contextlib.contextmanager
def _file(model: ModelProto | Path) -> Iterator[Path]:
    if isinstance(model, Path):
        yield model
        return
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "model.onnx"
        write(from_proto(model), file)
        yield file


def _measure(file: Path, options: Options) -> Startup:
    """Open a file in this process."""
    open_session(nothing(), options)  # what every session needs is not the model's
    before = _resident_bytes()
    seconds: list[float] = []
    memory_bytes = None
    end = time.perf_counter() + _BUDGET_S
    while len(seconds) < _OPENINGS and (not seconds or time.perf_counter() < end):
        start = time.perf_counter()
        session = open_session(file, options)
        seconds.append(time.perf_counter() - start)
        after = _resident_bytes()
        if len(seconds) == 1 and before is not None and after is not None:
            memory_bytes = after - before
        del session
    return Startup(
        statistics.median(seconds),
        min(seconds),
        max(seconds),
        _parse_s(file, options),
        len(seconds),
        memory_bytes,
    )


def nothing() -> ModelProto:
    """A model of one node."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["y"])],
        "nothing",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    opset = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, ir_version=8, opset_imports=opset)


def _parse_s(file: Path, options: Options) -> float | None:
    """Seconds that onnxruntime takes to read a file, by its own profile."""
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        session = open_session(file, options, profile_prefix=Path(folder) / "opening")
        for record in records(Path(session.end_profiling())):
            if str(record["name"]).startswith("model_loading"):
                return int(record["dur"]) * 1e-6
    return None


def _resident_bytes() -> int | None:
    """Of this process; None where the system can't tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    given = json.loads(sys.argv[2])
    try:
        found = _measure(
            Path(sys.argv[1]), Options(**{**given, "level": SessionLevel(given["level"])})
        )
    except OcostError as error:
        sys.exit(str(error))
    print(json.dumps(asdict(found)))
