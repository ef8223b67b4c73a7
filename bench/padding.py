"""When padding channels pays: random networks of convolutions, profiled, and padded against not.

``profile`` writes how long each executed node took, from which ``padding_fit.py`` makes the prices
in ``costmodel/conv_times.py``. ``check`` times other networks in turns, as they are, padded
throughout and padded as ``ocost optimize`` decides, and says where the decision was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from onnx import parser

from ocost.costmodel.catalogue import find
from ocost.graph import Graph, Tensor, from_proto, to_proto
from ocost.optimize.pays import Judge
from ocost.passes.channel_padding import PadChannels
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options
from ocost.runtime.timing.stopwatch import pinned

DEVICE = "x86-server-core"
LOSS, GAIN = 1.03, 0.95  # padded over not: what must not be made, what should be found
KINDS = (*("3x3",) * 3, *("1x1",) * 3, "5x5", "3x3 by 2", "1x1 by 2", *("depthwise",) * 3)
PLAIN_KINDS = ("3x3", "3x3", "1x1", "3x3 by 2")
_SEED = 10**6  # networks to judge on are others than those that were profiled


class Conv(NamedTuple):
    """A convolution of a chain; ``side`` is of its output."""

    reads: int
    makes: int
    kernel: int
    stride: int
    group: int
    side: int


REFERENCE = [Conv(3, 32, 3, 1, 1, 20), Conv(32, 32, 3, 1, 1, 20), Conv(32, 32, 1, 1, 1, 20)]


def chain(seed: int, kinds: Sequence[str], least: int, most: int) -> tuple[int, list[Conv]]:
    """The side of the input, and convolutions of some of the kinds, one behind the other."""
    draw = random.Random(seed)
    side = start = int(8 * (120 / 8) ** draw.random())
    equal, channels, step = draw.random() < 0.3, 3, draw.choice((1, 1, 4))
    width = int(least * (most / least) ** draw.random())
    convs = []
    for index in range(draw.randint(4, 8)):
        kind = draw.choice(kinds) if index else "3x3"
        stride = 2 if kind.endswith("by 2") and side > 7 else 1
        side = -(-side // stride)
        if kind == "depthwise":
            kernel = draw.choice((3, 3, 5))
            convs.append(Conv(channels, channels, kernel, stride, channels, side))
            continue
        makes = width if equal else int(least * (most / least) ** draw.random())
        makes = -(-makes // step) * step
        convs.append(Conv(channels, makes, int(kind[0]), stride, 1, side))
        channels = makes
    return start, convs


def network(side: int, convs: Sequence[Conv]) -> Graph:
    """The convolutions, a Relu behind each, and a mean over positions."""
    steps = []
    for i, conv in enumerate(convs):
        edge = conv.kernel // 2
        steps.append(
            f"c{i} = Conv <pads = [{edge}, {edge}, {edge}, {edge}], group = {conv.group}, "
            f"strides = [{conv.stride}, {conv.stride}]> (r{i}, w{i}, b{i}) r{i + 1} = Relu (c{i})"
        )
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
        g (float[1, {convs[0].reads}, {side}, {side}] r0) => (float[a, b, c, d] y) {{
            {" ".join(steps)} y = GlobalAveragePool (r{len(convs)})
        }}"""
    graph = from_proto(parser.parse_model(text))
    values = np.random.default_rng(0)
    for i, conv in enumerate(convs):
        shape = (conv.makes, conv.reads // conv.group, conv.kernel, conv.kernel)
        scale = (2 / np.prod(shape[1:])) ** 0.5
        graph.set_initializer(
            Tensor.from_array(f"w{i}", values.normal(0, scale, shape).astype(np.float32))
        )
        graph.set_initializer(Tensor.from_array(f"b{i}", np.full(conv.makes, 0.01, np.float32)))
    return graph


def feeds(graph: Graph, side: int) -> dict[str, np.ndarray]:
    reads = graph.initializers["w0"].shape[1]
    shape = (1, reads, side, side)
    return {"r0": np.random.default_rng(1).normal(size=shape).astype(np.float32)}


def times(graphs: Sequence[Graph], side: int, budget_s: float) -> list[np.ndarray]:
    """Seconds of each graph's runs, in turns."""
    runs = [open_session(to_proto(graph, "filled"), Options()) for graph in graphs]
    fed = feeds(graphs[0], side)
    found: list[list[float]] = [[] for _ in runs]
    until = time.perf_counter() + budget_s * len(runs)
    order = np.random.default_rng(0)
    while len(found[0]) < 12 or time.perf_counter() < until:
        for index in order.permutation(len(runs)):
            run_once(runs[index], fed)  # what another network left in the caches goes
            start = time.thread_time()
            run_once(runs[index], fed)
            found[index].append(time.thread_time() - start)
    return [np.array(seconds) for seconds in found]


def profile(graph: Graph, side: int, budget_s: float) -> dict[str, object]:
    """Microseconds of a run, and of every executed node as the profiler tells them.

    Beside them those of a network that is always the same, run in turns with it: a shared core
    is slower at times.
    """
    reference = network(REFERENCE[0].side, REFERENCE)
    pairs = [(graph, side), (reference, REFERENCE[0].side)]
    fed = [feeds(*pair) for pair in pairs]
    runs = [open_session(to_proto(known, "filled"), Options()) for known, _ in pairs]
    found: list[list[float]] = [[], []]
    with TemporaryDirectory() as folder:
        profiled = open_session(
            to_proto(graph, "filled"), Options(), profile_prefix=Path(folder) / "p"
        )
        until = time.perf_counter() + 3 * budget_s
        while len(found[0]) < 12 or time.perf_counter() < until:
            for seconds, run, given in zip(found, runs, fed, strict=True):
                run_once(run, given)
                start = time.thread_time()
                run_once(run, given)
                seconds.append(time.thread_time() - start)
            run_once(profiled, fed[0])
        events = json.loads(Path(profiled.end_profiling()).read_text(encoding="utf-8"))
    seen: dict[str, tuple[dict[str, object], list[int]]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            args = event["args"]
            node = {
                "op": args["op_name"],
                "read": next(iter(args["input_type_shape"][0].values())),
                "made": next(iter(args["output_type_shape"][0].values())),
            }
            seen.setdefault(event["name"], (node, []))[1].append(event["dur"])
    nodes = [{**node, "us": float(np.percentile(us[3:], 15))} for node, us in seen.values()]
    us, reference_us = (float(np.percentile(seconds[3:], 15)) * 1e6 for seconds in found)
    return {"us": us, "reference_us": reference_us, "nodes": nodes}


def padded(graph: Graph, *, always: bool = False) -> tuple[Graph, int]:
    """A copy padded as decided, or to multiples of 4 wherever that can be done; how often."""
    copy = from_proto(to_proto(graph, "filled"))
    if always:
        made = PadChannels(multiple=4, pays=lambda _before, _after: True).run(copy)
    else:
        made = PadChannels(pays=Judge(find(DEVICE)).pays).run(copy)
    return copy, len(made.rewrites)


def check(cases: Iterator[tuple[str, int, list[Conv]]], budget_s: float) -> None:
    """Print a line a network, then how many gained, lost and were missed."""
    lost = found = could = count = 0
    for name, side, convs in cases:
        graph = network(side, convs)
        everywhere, any_ = padded(graph, always=True)
        decided, rewrites = padded(graph)
        if not any_:
            continue
        runs = times([graph, everywhere, decided], side, budget_s)
        forced, ratio = (float(np.median(run / runs[0])) for run in runs[1:])
        if not rewrites:
            ratio = 1.0
        count += 1
        lost += ratio > LOSS
        could += min(forced, ratio) < GAIN
        found += min(forced, ratio) < GAIN and ratio < 1
        said = "LOST" if ratio > LOSS else "missed" if forced < GAIN and ratio >= 1 else ""
        widths = " ".join(
            f"{c.makes}{'d' if c.group > 1 else ''}/{c.kernel}{'s' * (c.stride > 1)}" for c in convs
        )
        print(
            f"{name}\t{float(np.median(runs[0])) * 1e6:.0f} us\tall {forced:.3f}\tdecided "
            f"{ratio:.3f}\t{rewrites}\t{said}\t{side}: {widths}",
            flush=True,
        )
    print(f"{count} networks: {could} could gain, {found} of them padded; {lost} lost")


def main(arguments: Sequence[str] | None = None) -> int:
    parser_ = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser_.add_argument("command", choices=("profile", "check", "equal"))
    parser_.add_argument("--from", type=int, default=0, dest="start", help="the first network")
    parser_.add_argument("--count", type=int, default=30, help="networks")
    parser_.add_argument("--seconds", type=float, default=0.1, help="for each graph of a network")
    parser_.add_argument("--channels", type=int, nargs="+", default=list(range(5, 61, 4)))
    parser_.add_argument("--sides", type=int, nargs="+", default=[28])
    options = parser_.parse_args(arguments)
    numbers = range(options.start, options.start + options.count)
    with pinned():
        if options.command == "profile":
            for number in numbers:
                side, convs = chain(number, KINDS, 4, 128)
                record = profile(network(side, convs), side, options.seconds)
                print(json.dumps({**record, "convs": convs}), flush=True)
        elif options.command == "check":
            drawn = ((str(n), *chain(_SEED + n, PLAIN_KINDS, 5, 60)) for n in numbers)
            check(drawn, options.seconds)
        else:
            equal = (
                (
                    f"{c} {kernel}",
                    side,
                    [Conv(3, c, kernel, 1, 1, side), *[Conv(c, c, kernel, 1, 1, side)] * 2],
                )
                for kernel in (3, 1)
                for side in options.sides
                for c in options.channels
            )
            check(equal, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
