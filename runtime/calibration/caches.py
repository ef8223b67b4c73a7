"""The sizes of a core's caches, and how fast data come from each."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np

from .case import Case, activation
from .measuring import measured
from .pack import name, pack

_ASSUMED = (48 * 1024, 1024 * 1024)  # bytes of L1 and L2 where the system does not say
_SIZES = tuple(2**power for power in range(18, 27))  # bytes that a node reads and writes
_SEED = 2
_UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3}

Curve = tuple[tuple[int, float], ...]


def bandwidth_curve(threads: int, overhead_s: float) -> Curve:
    """Bytes per second of a node that reads what was just written, by bytes that it touches.

    The node is a Relu: next to no arithmetic, half of the bytes are read and half are written.
    """
    random = np.random.default_rng(_SEED)
    found = []
    for size in _SIZES:
        one = pack([Case("Relu", (activation(size // 8),))], random)
        took = min(measured(one, threads).seconds[name(0)] for _ in range(2))
        found.append((size, size / max(took - overhead_s, took / 10)))
    return tuple(found)


def cache_sizes(curve: Curve, threads: int) -> tuple[float, float, float]:
    """Bytes of L1, L2 and of the share of L3 that one gets, on a core.

    L1 and L2 as the system tells. Of L3, what a core gets of a shared machine is less: it ends
    where the bandwidth is half way, by its logarithm, between that of its beginning and of memory.
    """
    first, second = _told()
    beyond = [(size, speed) for size, speed in curve if size >= 2 * second]
    if len(beyond) < 3:
        return float(first), float(second), float(curve[-1][0])
    return float(first), float(second), max(2.0 * second, _edge(beyond)) / threads


def _edge(curve: Sequence[tuple[int, float]]) -> float:
    """Where a falling curve has come half way down."""
    fast, slow = curve[0][1], curve[-1][1]
    middle = (fast * slow) ** 0.5
    if fast < 1.2 * slow:  # all of it is in the cache
        return float(curve[-1][0])
    for (size, speed), (larger, lower) in pairwise(curve):
        if lower <= middle < speed:
            part = log(speed / middle) / log(speed / lower)
            return float(size * (larger / size) ** part)
    return float(curve[-1][0])


def _told() -> tuple[int, int]:
    """Bytes of L1 (data) and L2 as the operating system has them."""
    by_level = {1: _ASSUMED[0], 2: _ASSUMED[1]}
    for folder in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            texts = [(folder / f).read_text().strip() for f in ("level", "type", "size")]
        except OSError:
            continue
        size = re.fullmatch(r"(\d+)([KMG])", texts[2])
        if texts[1] != "Instruction" and texts[0] in ("1", "2") and size:
            by_level[int(texts[0])] = int(size[1]) * _UNITS[size[2]]
    return by_level[1], by_level[2]


def cores() -> int:
    """Logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
