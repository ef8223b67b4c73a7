"""How often the verdict of a comparison is right, while another process loads the machine.

A model against its own copy, and a chain of convolutions against one with a link more for every
twenty: a slow-down of 5 %, since every link does the same.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options
from ocost.runtime.timing.comparison import compare
from ocost.runtime.timing.stopwatch import Run, pinned

_LINKS = 20
_BUSY = "x = 0\nwhile True: x += 1"


def chain(links: int, channels: int = 32, size: int = 28) -> ModelProto:
    """Equal 3x3 convolutions in a row."""
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.05, (channels, channels, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", [f"t{i}", "w"], [f"t{i + 1}"], f"conv{i}", pads=[1, 1, 1, 1])
        for i in range(links)
    ]
    shape = [1, channels, size, size]
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("t0", 1, shape)],
        [helper.make_tensor_value_info(f"t{links}", 1, shape)],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def opener(model: ModelProto) -> Run:
    """A session that runs once when called."""
    (given,) = model.graph.input
    shape = [d.dim_value for d in given.type.tensor_type.shape.dim]
    feeds = {given.name: np.ones(shape, np.float32)}
    return partial(run_once, open_session(model, Options()), feeds)


@contextlib.contextmanager
def load(processes: int) -> Iterator[None]:
    """Others that want the cores."""
    busy = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main() -> None:
    """Print how often each verdict was given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--budget", type=float, default=5.0, help="seconds a comparison")
    parser.add_argument("--load", type=int, default=1, help="processes beside it")
    options = parser.parse_args()
    base, slower = chain(_LINKS), chain(_LINKS + _LINKS // 20)
    with load(options.load), pinned():
        for name, other in (("the same model", base), ("5 % slower", slower)):
            verdicts: Counter[str] = Counter()
            smallest, ratios = [], []
            start = time.perf_counter()
            for seed in range(options.runs):
                found = compare(
                    partial(opener, base),
                    partial(opener, other),
                    budget_s=options.budget,
                    seed=seed,
                )
                verdicts[found.verdict] += 1
                smallest.append(found.smallest_detectable)
                ratios.append(found.ratio)
            counts = ", ".join(f"{verdict} {n}" for verdict, n in verdicts.most_common())
            print(
                f"{name}: {counts}; ratio {np.median(ratios):.4f} "
                f"({min(ratios):.4f} to {max(ratios):.4f}); smallest detectable "
                f"{100 * np.median(smallest):.2f} % on the median; "
                f"{time.perf_counter() - start:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
