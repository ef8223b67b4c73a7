"""How long convolutions take on onnxruntime's CPU provider, kernel by kernel, as measured.

What ``blocked`` knows of kernels is enough for a share of the peak; whether another form of a
graph pays is a question of a few percent. So each kernel's time is a sum of a few terms, such as
its loops have them (``onnxruntime/core/mlas/lib``: ``snchwc.cpp``, ``convolve.cpp``,
``reorder.cpp``), and each term has a price that was fitted to measurements.

Prices are in FLOP: those that the core would do at its peak in the time. They were fitted by
``bench/padding_fit.py`` to some 6,000 convolutions of 970 random networks (3 to 128 channels,
images of 8x8 to 120x120, kernels of 1x1, 3x3 and 5x5, strides 1 and 2, depthwise ones; batch 1),
profiled with onnxruntime 1.32 and one thread on a virtual core of an Intel Xeon (family 6, model
207: AVX-512, blocks of 16 channels) of about 220 GFLOP/s. Only ratios between them count.
With other blocks than 16 nothing was measured.

On 113 other chains of 3x3 and 1x1 convolutions with 5 to 60 channels, the ratio of the time padded
to that as written came out within -4 % and +8 % of the measured one for nine in ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from .blocked import ConvShape, Kernel

MEASURED_BLOCK = 16
_TILE = 6  # positions of a row that the blocked kernels work on at once
_SET = 4  # blocks of output channels that they work on at once


class Layer(NamedTuple):
    """A 2-D convolution over so many output rows, those of a batch together."""

    conv: ConvShape
    rows: int
    stride: int


Terms = Mapping[str, float]

# By kernel and term: see ``terms`` and ``reorder_terms``.
PRICES: Mapping[str, Terms] = {
    "blocked": {
        "1 blocks": 56.3,
        "2 blocks": 76.2,
        "3 blocks": 106,
        "4 blocks": 135,
        "node": 109000,
        "rest": 13.2,
        "row": 4700,
    },
    "blocked 1x1": {
        "1 blocks": 55,
        "2 blocks": 78.6,
        "3 blocks": 113,
        "4 blocks": 147,
        "node": 109000,
        "output": 101,
        "strided": 16.7,
    },
    "blocked depthwise": {"node": 109000, "output": 284, "rest": 36.6, "row": 6600, "tap": 44.4},
    "direct": {
        "1 blocks": 49.6,
        "2 blocks": 79.1,
        "3 blocks": 110,
        "4 blocks": 142,
        "node": 109000,
        "output": 426,
        "rest": 6.13,
        "row": 1240,
    },
    "direct 1x1": {
        "1 blocks": 154,
        "2 blocks": 270,
        "3 blocks": 369,
        "4 blocks": 505,
        "node": 109000,
        "output": 169,
        "strided": 22.7,
    },
    "into blocks": {
        "large": 110,
        "node": 59600,
        "odd": 0.601,
        "plane": 275,
        "rest": 93.8,
        "whole": 23.9,
    },
    "out of blocks": {
        "large": 43.1,
        "node": 59600,
        "odd": 10,
        "plane": 135,
        "rest": 42.3,
        "whole": 50.5,
    },
    "plain": {
        "copied": 66.5,
        "mac": 2.25,
        "node": 109000,
        "output": 61.7,
        "row": 860,
        "strided": 74.3,
        "weight": 23.1,
    },
    "plain 1x1": {"copied": 29.6, "mac": 2.42, "node": 109000, "output": 42.4, "weight": 14.4},
    "plain depthwise": {"channel": 5730, "copied": 37.5, "node": 109000, "row": 872},
    "blocked grouped": {"node": 109000, "mac": 3.6},
    "plain grouped": {"node": 109000, "mac": 8.0},
}


def layer_flop(layer: Layer) -> float:
    """FLOP at the peak in the time of a convolution, with blocks of ``MEASURED_BLOCK``."""
    return _priced(*terms(layer))


def reorder_flop(channels: int, plane: int, *, into: bool) -> float:
    """FLOP at the peak in the time of a copy into blocks or out of them.

    Parameters
    ----------
    channels
        Of the tensor as the graph has it.
    plane
        Elements of a channel, those of a batch together.
    into
        Whether it is blocked afterwards.
    """
    return _priced(*reorder_terms(channels, plane, into=into))


def _priced(name: str, amounts: Terms) -> float:
    return sum(PRICES[name][term] * amount for term, amount in amounts.items())


def terms(layer: Layer) -> tuple[str, Terms]:
    """The row of ``PRICES`` that holds for a convolution, and how often it pays each price."""
    conv = layer.conv
    runs, taps = conv.runs, prod(conv.kernel)
    if conv.group > 1 and not conv.depthwise:
        macs = layer.rows * conv.width * conv.out_channels * conv.in_channels // conv.group * taps
        return f"{runs} grouped", {"node": 1, "mac": macs}
    if runs is Kernel.PLAIN:
        return _plain(layer, taps)
    positions = layer.rows * conv.width
    blocks = conv.out_channels // MEASURED_BLOCK
    if conv.depthwise:
        return "blocked depthwise", {
            "node": 1,
            "row": layer.rows * blocks,
            "output": positions * blocks,
            "tap": positions * blocks * taps,
            "rest": layer.rows * _rest(layer) * blocks * taps,
        }
    reads = conv.in_channels
    full, left = divmod(blocks, _SET)
    sets = {f"{_SET} blocks": full, **({f"{left} blocks": 1} if left else {})}
    amounts: dict[str, float] = {
        name: count * positions * reads * taps for name, count in sets.items()
    }
    amounts["node"] = 1
    if runs is Kernel.DIRECT or taps == 1:
        amounts["output"] = positions * blocks
    if taps == 1:
        amounts["strided"] = positions * reads * (layer.stride > 1)
        return f"{runs} 1x1", amounts
    # Output is added to in passes: one for each input channel, or each block of them.
    passes = reads if runs is Kernel.DIRECT else reads / MEASURED_BLOCK
    amounts["row"] = layer.rows * passes * conv.kernel[0] * sum(sets.values())
    amounts["rest"] = layer.rows * _rest(layer) * reads * taps * blocks
    return str(runs), amounts


def _plain(layer: Layer, taps: int) -> tuple[str, Terms]:
    """One matrix product, of a copy of the input unless it is a plain 1x1."""
    conv = layer.conv
    positions, depth = layer.rows * conv.width, conv.in_channels * taps
    if conv.depthwise:
        return "plain depthwise", {
            "node": 1,
            "channel": conv.in_channels,
            "row": layer.rows * depth,
            "copied": positions * depth,
        }
    amounts: dict[str, float] = {
        "node": 1,
        "weight": depth * conv.out_channels,
        "output": positions * conv.out_channels,
        "copied": positions * depth,
        "mac": positions * depth * conv.out_channels,
    }
    if taps == layer.stride == 1:
        return "plain 1x1", amounts
    amounts["row"] = layer.rows * depth
    amounts["strided"] = positions * depth * (layer.stride > 1)
    return "plain", amounts


def _rest(layer: Layer) -> int:
    """Positions of a row that are worked on one by one: at its padded edges, and left of tiles."""
    edges = (layer.conv.kernel[-1] - 1) // layer.stride
    return layer.conv.width - max(layer.conv.width - edges, 0) // _TILE * _TILE


def reorder_terms(channels: int, plane: int, *, into: bool) -> tuple[str, Terms]:
    """As ``terms``, of a copy between layouts."""
    rest = channels % MEASURED_BLOCK * plane
    whole = channels * plane - rest
    amounts: dict[str, float] = {
        "node": 1,
        "plane": plane,
        "whole": whole,
        "rest": rest,
        "large": max(0, whole + rest - (1 << 18)),
        "odd": (whole + rest) * (plane % 4 > 0),
    }
    return ("into blocks" if into else "out of blocks"), amounts
