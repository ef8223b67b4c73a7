"""The tools whose costing is timed, each in a process of its own: ``python peers.py TOOL``.

The process says how long its imports took. Then it reads a line for each job, the paths of a model
and of its pickled inputs, and answers with the time and the memory that costing it took. Nothing is
imported at the top that a tool may need: its import is to be timed.
"""

from __future__ import annotations

import gc
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    Feeds = Mapping[str, np.ndarray]
    Costing = Callable[[str, Feeds], None]

DEVICE = "x86-server-core"


def ocost() -> Costing:
    from ocost.costmodel import cost_graph
    from ocost.costmodel.catalogue import find
    from ocost.graph import load

    device = find(DEVICE)

    def work(model: str, _: Feeds) -> None:
        cost_graph(load(model), device)

    return work


def onnx_inference() -> Costing:
    import onnx
    from onnx import shape_inference

    def work(model: str, _: Feeds) -> None:
        shape_inference.infer_shapes(onnx.load(model))

    return work


def model_info() -> Costing:
    import onnx
    from onnxsim.model_info import ModelInfo

    def work(model: str, _: Feeds) -> None:
        ModelInfo(onnx.load(model))

    return work


def onnx_tool() -> Costing:
    import onnx_tool

    def work(model: str, feeds: Feeds) -> None:
        graph = onnx_tool.Model(model).graph
        graph.shape_infer(feeds)  # it refuses open dims
        graph.profile()

    return work


TOOLS = {"ocost": ocost, "onnx": onnx_inference, "onnxsim": model_info, "onnx-tool": onnx_tool}


def memory(field: str) -> int:
    """Bytes of ``VmRSS`` or of ``VmHWM``, its peak.

    Not ``ru_maxrss``: that starts at what the parent had.
    """
    with open("/proc/self/status", encoding="utf-8") as status:
        line = next(line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


def reason(error: BaseException) -> str:
    """An error in a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:120]


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        work = TOOLS[sys.argv[1]]()
    except ImportError as error:
        print("!", reason(error), file=answers)
        return
    print(time.perf_counter() - wall, time.process_time() - cpu, file=answers)
    import pickle

    for line in sys.stdin:
        model, inputs = line.rstrip("\n").split("\t")
        with open(inputs, "rb") as file:
            feeds = pickle.load(file)
        gc.collect()
        before, start = memory("VmRSS"), time.perf_counter()
        try:
            work(model, feeds)
        except (Exception, SystemExit) as error:
            print("!", reason(error), file=answers)
            continue
        seconds = time.perf_counter() - start
        peak = memory("VmHWM")
        print(seconds, peak, max(0, peak - before), file=answers)


if __name__ == "__main__":
    main()
