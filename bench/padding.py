"""When padding channels pays: convolutions of 3 to 72 channels timed against more channels.

For every kernel and size of image the same small network is built with each channel count, and all
of them are timed in turns in one process, so that only ratios are read off: the time with padded
channels over the time without. ``optimize/padding_gains.py`` says what was found.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence

import numpy as np
from onnx import parser

from ocost.graph import Graph, Tensor, from_proto, to_proto
from ocost.runtime.onnxruntime.session import Options, open_session, run_once
from ocost.runtime.timing.stopwatch import pinned

CHANNELS = range(3, 73)
SIDES = (7, 14, 28, 56, 112)
WIDE = 64  # channels around a bottleneck
REPEATED = 3  # how often a network's part comes, so that its ends weigh little

# By name: kernel, stride, and which part of a network is repeated.
KINDS: Mapping[str, tuple[int, int, str]] = {
    "1x1 chain": (1, 1, "chain"),
    "1x1 bottleneck": (1, 1, "bottleneck"),
    "3x3 chain": (3, 1, "chain"),
    "3x3 bottleneck": (3, 1, "bottleneck"),
    "3x3 by 2": (3, 2, "branches"),
    "5x5 chain": (5, 1, "chain"),
    "3x3 depthwise": (3, 1, "depthwise"),
    "5x5 depthwise": (5, 1, "depthwise"),
    "3x3 depthwise by 2": (3, 2, "branches depthwise"),
}


class Network:
    """A graph in the making, in onnx's text syntax."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.weights: dict[str, np.ndarray] = {}

    def conv(
        self, x: str, reads: int, makes: int, side: int, stride: int = 1, group: int = 1
    ) -> str:
        """Add a Conv with a Relu behind it; answers what it makes."""
        number, edge = len(self.weights), side // 2
        shape = (makes, reads // group, side, side)
        self.weights[f"w{number}"] = (
            np.random.default_rng(number).normal(0, 0.05, shape).astype("f4")
        )
        self.steps.append(
            f"c{number} = Conv <pads = [{edge}, {edge}, {edge}, {edge}], group = {group}, "
            f"strides = [{stride}, {stride}]> ({x}, w{number}) r{number} = Relu (c{number})"
        )
        return f"r{number}"


def network(kind: str, channels: int, side: int) -> Graph:
    """A part of a network whose inner channels are so many."""
    kernel, stride, part = KINDS[kind]
    made = Network()
    ends = channels if part == "chain" or part.startswith("branches") else WIDE
    x = made.conv("x", 3, ends, 1)
    sums = x if not part.startswith("branches") else ""
    for _ in range(REPEATED):
        if part == "chain":
            sums = made.conv(sums, channels, channels, kernel)
        elif part == "bottleneck":
            sums = made.conv(made.conv(sums, WIDE, channels, kernel), channels, WIDE, kernel)
        elif part == "depthwise":
            inner = made.conv(sums, WIDE, channels, 1)
            inner = made.conv(inner, channels, channels, kernel, 1, channels)
            sums = made.conv(inner, channels, WIDE, 1)
        else:
            group = channels if part.endswith("depthwise") else 1
            branch = made.conv(x, channels, channels, kernel, stride, group)
            if sums:
                made.steps.append(f"{branch}s = Add ({sums}, {branch})")
                branch += "s"
            sums = branch
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float[1, 3, {side}, {side}] x) => (float[a, b, c, d] y) {{
            {" ".join(made.steps)} y = GlobalAveragePool ({sums})
        }}"""
    graph = from_proto(parser.parse_model(text))
    for name, array in made.weights.items():
        graph.set_initializer(Tensor.from_array(name, array))
    return graph


def times(kind: str, side: int, budget_s: float) -> Mapping[int, float]:
    """Seconds of a run by channel count: the least, of rounds over all of them in turns."""
    feeds = {"x": np.random.default_rng(0).normal(size=(1, 3, side, side)).astype(np.float32)}
    runs = {
        channels: open_session(to_proto(network(kind, channels, side), "filled"), Options())
        for channels in CHANNELS
    }
    best = dict.fromkeys(runs, float("inf"))
    order = np.random.default_rng(0)
    until, rounds = time.perf_counter() + budget_s, 0
    while rounds < 5 or time.perf_counter() < until:
        rounds += 1
        for channels in order.permutation(list(runs)).tolist():
            run_once(runs[channels], feeds)  # what another network left in the caches goes
            for _ in range(3):
                start = time.thread_time()
                run_once(runs[channels], feeds)
                best[channels] = min(best[channels], time.thread_time() - start)
    return best


def main(arguments: Sequence[str] | None = None) -> int:
    parser_ = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser_.add_argument("--seconds", type=float, default=10.0, help="for each kernel and size")
    parser_.add_argument("--kinds", nargs="+", default=list(KINDS))
    options = parser_.parse_args(arguments)
    with pinned():
        for kind in options.kinds:
            for side in SIDES:
                found = times(kind, side, options.seconds)
                print(
                    kind, side, *(f"{found[c] * 1e6:.1f}" for c in CHANNELS), sep="\t", flush=True
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
