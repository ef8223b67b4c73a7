"""CPU that whole processes take: the command ``ocost cost`` against what it starts from."""

from __future__ import annotations

import os
import random
import subprocess
import sys
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


def cpu(command: list[str]) -> float | None:
    """Seconds of CPU, the user's and the system's, of a process as a whole; None if it fails."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return None if process.returncode else usage.ru_utime + usage.ru_stime


def measure_processes(wanted: Mapping[str, list[str]], rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU of each process that doesn't fail, in rounds of all in random order.

    A first run of each is not counted: it brings the files into the page cache, and Python may
    compile there.
    """
    times: dict[str, list[float]] = {
        name: [] for name, command in wanted.items() if cpu(command) is not None
    }
    for _ in range(rounds):
        for name in random.sample(list(times), len(times)):
            taken = cpu(wanted[name])
            if taken is not None:
                times[name].append(taken)
    return times
