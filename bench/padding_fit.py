"""Fits the prices of ``costmodel/conv_times.py`` to profiles of random networks.

Reads what ``bench/padding.py profile`` wrote. The time of each executed node is a sum of terms;
their prices are the non-negative ones with the least relative error, outliers weighed down. A
shared core is slower at times, so that times are scaled by those of the network beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocost.costmodel.blocked import ConvShape, Kernel
from ocost.costmodel.conv_times import MEASURED_BLOCK, Layer, reorder_terms, terms

_SETTLED, _ROUNDS = 0.04, 6  # relative error from which a sample is an outlier; of both loops
# Shorter nodes count less: the profiler tells whole microseconds, on top of about 2 of its own.
_LEAST_US, _LEAST_BIAS, _MOST_BIAS = 3.0, 1.0, 3.5
_NODE_US = {True: 0.3, False: 0.55}  # of a copy, of a convolution: from unprofiled runs
_PEAK_BLOCKS, _PEAK_SHARE = "4 blocks", 0.95  # 3x3 convolutions of 64 channels set the scale

Floats = npt.NDArray[np.float64]
Prices = Mapping[str, Mapping[str, float]]


class Sample(NamedTuple):
    """An executed node: how much of what it does, and microseconds of a core at its usual speed."""

    amounts: Mapping[str, float]
    time_us: float


def samples(file: Path) -> dict[str, list[Sample]]:
    """By row of the table: every convolution and copy of a file of profiles."""
    found: dict[str, list[Sample]] = defaultdict(list)
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    usual = float(np.median([record["reference_us"] for record in records]))
    for record in records:
        scale = usual / record["reference_us"]
        nodes, convs = record["nodes"], iter(record["convs"])
        bias = (sum(n["us"] for n in nodes) - record["us"]) / len(nodes)
        bias = min(max(bias, _LEAST_BIAS), _MOST_BIAS)
        for node in nodes:
            if node["op"] in ("Conv", "FusedConv"):
                _, _, kernel, stride, group, side = next(convs)
                reads, makes = node["read"][1], node["made"][1]
                group = makes if group > 1 else 1  # depthwise, padded as its channels are
                taps = (kernel, kernel)
                conv = ConvShape(_kernel(node["op"], reads), reads, makes, group, taps, side)
                row, amounts = terms(Layer(conv, side, stride))
            elif node["op"].startswith("Reorder"):
                channels = min(node["read"][1], node["made"][1])
                plane = node["made"][2] * node["made"][3]
                into = node["op"] == "ReorderInput"
                row, amounts = reorder_terms(channels, plane, into=into)
            else:
                continue
            found[row].append(Sample(amounts, max(node["us"] - bias, 0.5) * scale))
    return found


def _kernel(op_type: str, reads: int) -> Kernel:
    """As the profile tells: a Relu behind each makes a FusedConv of what runs plain."""
    if op_type == "FusedConv":
        return Kernel.PLAIN
    return Kernel.DIRECT if reads < MEASURED_BLOCK else Kernel.BLOCKED


def fit(found: Mapping[str, Sequence[Sample]]) -> tuple[Prices, dict[str, Floats]]:
    """Prices in microseconds by row and term, and the relative errors of what takes over 20."""
    prices: dict[str, dict[str, float]] = {}
    errors: dict[str, Floats] = {}
    for row, rows in found.items():
        names = sorted({name for sample in rows for name in sample.amounts})
        matrix = np.array([[s.amounts.get(name, 0.0) for name in names] for s in rows])
        times = np.array([s.time_us for s in rows])
        solved = _robust(matrix, times)
        prices[row] = dict(zip(names, map(float, solved), strict=True))
        errors[row] = (matrix @ solved / times - 1)[times > 20]
    return prices, errors


def _robust(matrix: Floats, times: Floats) -> Floats:
    weights = np.ones(len(times))
    for _ in range(_ROUNDS):
        scaled = np.sqrt(weights) / (times + _LEAST_US)
        solved = _non_negative(matrix * scaled[:, None], times * scaled)
        error = np.abs(matrix @ solved - times) / (times + _LEAST_US)
        weights = np.minimum(1.0, _SETTLED / np.maximum(error, 1e-9))
    return solved


def _non_negative(matrix: Floats, times: Floats) -> Floats:
    """Least squares by coordinate descent, no coefficient under 0."""
    norms = np.linalg.norm(matrix, axis=0) + 1e-30
    matrix = matrix / norms
    gram, target = matrix.T @ matrix, matrix.T @ times
    solved = np.zeros(len(norms))
    for _ in range(500):
        for j in np.flatnonzero(gram.diagonal() > 0.5):
            solved[j] = max(0.0, solved[j] + (target[j] - gram[j] @ solved))
    return solved / norms


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and the errors' percentiles as a comment behind each row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("profiles", type=Path)
    prices, errors = fit(samples(parser.parse_args(arguments).profiles))
    us = 2 * MEASURED_BLOCK * 4 / prices["blocked"][_PEAK_BLOCKS] / _PEAK_SHARE  # FLOP of a peak
    for row, terms_ in sorted(prices.items()):
        node_us = _NODE_US["blocks" in row]
        found = {**{t: float(f"{p * us:.3g}") for t, p in terms_.items()}, "node": node_us * us}
        kept = {term: float(f"{price:.3g}") for term, price in found.items()}
        low, mid, high = np.percentile(errors[row], (10, 50, 90))
        print(f"    {row!r}: {kept},  # {len(errors[row])}: {low:+.1%} {mid:+.1%} {high:+.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
