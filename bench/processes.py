"""CPU that whole processes take: the command ``ocost cost`` against what it starts from."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

COMMAND = "ocost cost"
BASE = "import onnx"
INFO = "ModelInfo"
_INFO = """
import sys, onnx
from onnxsim.model_info import ModelInfo
ModelInfo(onnx.load(sys.argv[1]))
"""


def commands(model: Path, filled: Path, tools: Iterable[str]) -> dict[str, list[str]]:
    """What each process is called with; ModelInfo needs weights."""
    found = {
        COMMAND: ["-m", "ocost", "cost", str(model)],
        BASE: ["-c", "import onnx"],
    }
    if "onnxsim" in tools:
        found[INFO] = ["-c", _INFO, str(filled)]
    return {name: [sys.executable, *arguments] for name, arguments in found.items()}


def cpu(command: list[str], environment: Mapping[str, str] | None = None) -> float | None:
    """Seconds of CPU, the user's and the system's, of a process as a whole; None if it fails."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return None if process.returncode else usage.ru_utime + usage.ru_stime


def measure_processes(wanted: Mapping[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU of each process that doesn't fail, in rounds of all in random order.

    A first run of each is not counted: it brings the files into the page cache, and Python compiles
    there what it imports, into a folder for all of them. A package may lie there compiled or not,
    by how it was installed.
    """
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times: dict[str, list[float]] = {
            name: [] for name, command in wanted.items() if cpu(command, environment) is not None
        }
        for _ in range(rounds):
            for name in random.sample(list(times), len(times)):
                taken = cpu(wanted[name], environment)
                if taken is not None:
                    times[name].append(taken)
    return times
