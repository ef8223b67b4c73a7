"""What a machine's runtime reaches at best: arithmetic by element type, and a node's overhead."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...costmodel.blocked import NCHWC
from ...graph import OcostError
from ...graph.dtypes import INT8, UINT8
from .case import Case, activation, value, weight
from .measuring import Overheads, measured, overheads
from .pack import name, pack

_SEED = 3
_TINY = 20  # nodes of a pack that does next to nothing
_GIGA = 1e9
_LEAST_S = 1e-7


def peaks(threads: int, block: int) -> dict[str, float]:
    """Multiply-adds times two a second by element type: the fastest of a few large nodes."""
    random = np.random.default_rng(_SEED)
    found: dict[str, float] = {}
    for dtype, nodes in _LARGE.items():
        for case, flop in nodes(block):
            try:
                times = [measured(pack([case], random), threads) for _ in range(2)]
            except OcostError:  # this machine's runtime has no such kernel
                continue
            took = min(one.seconds[name(0)] for one in times)
            found[dtype] = max(found.get(dtype, 0.0), flop / took)
    if "float32" not in found:
        raise OcostError("the runtime could run no convolution and no matrix product here")
    return found


def overhead_of(threads: int) -> tuple[float, Overheads]:
    """Seconds that a node takes besides its work, and what measuring adds."""
    random = np.random.default_rng(_SEED)
    tiny = Case("Relu", (activation(1),))
    many = pack([tiny] * _TINY, random)
    found = overheads(many, pack([tiny], random), threads)
    seconds = list(measured(many, threads, runs=50).seconds.values())
    return max(_LEAST_S, float(np.median(seconds)) - found.profiler_s), found


def _float32(block: int) -> list[tuple[Case, float]]:
    product = Case("MatMul", (activation(256, 512), weight(512, 512)))
    domain = NCHWC if block > 1 else ""
    attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [1, 1], "group": 1}
    operands = (activation(1, 128, 28, 28), weight(128, 128, 3, 3), weight(128))
    conv = Case("Conv", operands, domain, attributes=attributes)
    return [(product, 2.0 * 256 * 512 * 512), (conv, 2.0 * 28 * 28 * 128 * 128 * 9)]


def _int8(block: int) -> list[tuple[Case, float]]:
    del block
    operands = (
        *(activation(256, 512, dtype=UINT8), weight(512, 512, dtype=INT8)),
        *(value(128, np.uint8), value(0, np.int8)),
    )
    return [(Case("MatMulInteger", operands), 2.0 * 256 * 512 * 512)]


_LARGE = {"float32": _float32, "int8": _int8}


def described(found: Mapping[str, float], overhead_s: float) -> tuple[str, ...]:
    """Where the figures come from, for the device's sources."""
    return (
        "peaks: measured, the fastest of a few large nodes of the runtime ("
        + ", ".join(f"{dtype} {flops / _GIGA:.0f} GFLOP/s" for dtype, flops in found.items())
        + ")",
        f"overhead_s: measured, {overhead_s * 1e6:.2f} us of a node that does next to nothing",
    )
