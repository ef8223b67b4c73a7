"""By how much a process grows that opens and runs a model."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnx import ModelProto

from ...graph import OcostError, from_proto
from ...graph.write import write
from ..profiles import Growth
from ..protocol import Feeds, Options
from . import growth_child
from .startup import nothing

_RUNS = 4
_TIMEOUT_S = 120.0
_STATUS = Path("/proc/self/status")


def process_growth(model: ModelProto | Path, options: Options, feeds: Feeds) -> Growth | None:
    """Open and run a model in a process of its own, and a model of one node in another.

    Returns
    -------
    Growth or None
        None where the system doesn't tell what is resident.

    Raises
    ------
    OcostError
        If onnxruntime refuses the model, or the process ends without an answer.
    """
    if not _STATUS.exists():
        return None
    with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
        small = Path(folder) / "nothing.onnx"
        write(from_proto(nothing()), small)
        file = Path(folder) / "model.onnx"
        if isinstance(model, Path):
            file = model.resolve()
        else:
            write(from_proto(model), file)
        idle = _steps(small, options, {"x": np.zeros(1, np.float32)}, Path(folder) / "small")
        taken = _steps(file, options, feeds, Path(folder) / "large")
    base = idle[-1]["now"]
    return Growth(taken[1]["most"] - base, taken[-1]["most"] - base)


def _steps(file: Path, options: Options, feeds: Feeds, folder: Path) -> list[dict[str, int]]:
    """What is resident after the import, after opening the model, and after each run."""
    folder.mkdir()
    (folder / "names.json").write_text(json.dumps(list(feeds)), encoding="utf-8")
    for at, value in enumerate(feeds.values()):
        np.save(folder / f"{at}.npy", value)
    level = f"ORT_{_ENABLE.get(options.level.name, options.level.name)}"
    settings = [str(options.threads), level, str(_RUNS)]
    command = [sys.executable, "-P", growth_child.__file__, str(file), str(folder), *settings]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OcostError(f"memory can't be measured: it takes over {_TIMEOUT_S:.0f} s") from error
    lines = (done.stdout if not done.returncode else done.stderr).strip().splitlines()
    if done.returncode or not lines:
        reason = lines[-1] if lines else f"its process ended with code {done.returncode}"
        raise OcostError(f"memory can't be measured: {reason}")
    found: list[dict[str, int]] = json.loads(lines[-1])
    return found


# onnxruntime's names of the levels.
_ENABLE = {
    "DISABLE": "DISABLE_ALL",
    "BASIC": "ENABLE_BASIC",
    "EXTENDED": "ENABLE_EXTENDED",
    "ALL": "ENABLE_ALL",
}
