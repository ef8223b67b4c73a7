"""A process that runs a model and prints how its resident memory went. Run as a script.

It imports nothing but onnxruntime and numpy: what else lies in a process has holes in its heap,
which a model then fills without the process growing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def resident() -> dict[str, int]:
    """Bytes at this moment, the most so far, and what of now is not of files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = dict(line.split(":", 1) for line in lines)
    names = {"now": "VmRSS", "most": "VmHWM", "private": "RssAnon"}
    return {name: int(found[key].split()[0]) * 1024 for name, key in names.items()}


def main(file: str, feeds: str, threads: int, level: str, runs: int) -> None:
    """Open a model, run it, and print the resident memory after each step."""
    import numpy as np  # noqa: PLC0415 - whoever asks for this file's name needs neither
    import onnxruntime as ort  # noqa: PLC0415 - as above

    ort.set_default_logger_severity(4)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    steps = [resident()]
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    steps.append(resident())
    names = json.loads(Path(feeds, "names.json").read_text(encoding="utf-8"))
    arrays = {n: np.load(Path(feeds, f"{i}.npy"), allow_pickle=True) for i, n in enumerate(names)}
    for _ in range(runs):
        session.run(None, arrays)
        steps.append(resident())
    print(json.dumps(steps))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
