"""How well the kernels of onnxruntime's CPU provider run a 2-D convolution.

Its blocked kernels hold so many channels together as a vector has lanes (16 with AVX-512, else 8).
Which kernel runs a convolution, and with how many channels, stands in the graph that is executed
(``passes.lowering``).

Efficiencies are shares of the peak (FMA instructions) of one core. They were measured with
onnxruntime 1.32 and one thread on two AVX-512 cores, 177 and 262 GFLOP/s, as chains of equal
convolutions at 56x56; both fare alike but for the copies that the plain kernel makes.
"""

from __future__ import annotations

from enum import StrEnum
from math import prod
from typing import NamedTuple

from .device import Device

NCHWC = "com.microsoft.nchwc"  # the domain of blocked kernels
_RIDGES = 3.4, 6.1  # of the two cores


class Kernel(StrEnum):
    """What runs a convolution."""

    BLOCKED = "blocked"  # channels in blocks on both sides
    DIRECT = "direct"  # reads fewer channels than a block as they lie, writes blocks
    PLAIN = "plain"  # copies its input to a matrix (not for 1x1) and multiplies


class ConvShape(NamedTuple):
    """A 2-D convolution as it is executed.

    Channels are those of its layout, padding among them; ``width`` is of an output row.
    """

    runs: Kernel
    in_channels: int
    out_channels: int
    group: int
    kernel: tuple[int, ...]
    width: int

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return self.in_channels == self.out_channels == self.group > 1


def efficiency(conv: ConvShape, block: int, ridge: float) -> float:
    """The share of the peak that the executed FLOP reach.

    The plain kernel copies every input element that a position sees before it multiplies it with
    M output channels, so that it reaches M / (M + h) of what the product alone would: h is the
    copy's time in multiply-adds, which are ``ridge`` / 2 a byte, and one more part for each row.

    Parameters
    ----------
    conv
        The convolution.
    block
        The device's channel block.
    ridge
        FLOP that the core does in the time in which its cache moves a byte: 3.4 and 6.1 on the
        two cores.
    """
    taps, outputs = prod(conv.kernel), conv.out_channels
    if conv.runs is Kernel.PLAIN:
        return _plain(conv, taps, ridge)
    if conv.depthwise:
        return 0.34 if taps < 25 else 0.54  # 60 and 95 of 177; 110 and 133 of 262
    if conv.group > 1:
        return 0.56  # 100 of 177
    if taps == 1:
        share = 0.85 if conv.runs is Kernel.BLOCKED else 0.32  # 151 of 177, 222 of 262; 85 of 262
    else:
        # 162 of 177 and 239 of 262; 5x5: 208; few input channels: 200 to 227
        share = (0.95 if taps < 25 else 0.82) * _rows(conv)
    # One block of outputs keeps too few sums at work: 166 of 262 at 3x3, 161 at 1x1.
    return share if outputs > block else 0.7 * share


def _plain(conv: ConvShape, taps: int, ridge: float) -> float:
    if conv.depthwise:
        return 0.04  # 6.6 of 177 and 14.5 of 262 at 3x3, 6.8 and 12 at 5x5
    if conv.group > 1:
        return 0.25  # 44 of 177
    if taps == 1:
        # 64 channels: 119 of 177; 22, 30, 46: 121, 141, 159 of 262
        return 0.85 * conv.out_channels / (conv.out_channels + 18)
    # 64 channels at 56x56: 96 of 177; 22, 30, 51 at 56x56: 110, 133, 160 of 262, at 14x14: 74,
    # 94, 123.
    copies = 5.9 * ridge + 284 / conv.width
    return 0.95 * _rows(conv) * conv.out_channels / (conv.out_channels + copies)


def _rows(conv: ConvShape) -> float:
    """Rows end in less than a tile: 239 of 262 at 56x56, 185 to 225 at 14x14."""
    return conv.width / (conv.width + 2)


def ridge_of(device: Device) -> float:
    """A device's FLOP in the time in which its caches move a byte, as ``efficiency`` takes it.

    A device whose bandwidth is main memory's, or a guess, says nothing of it: the lower one
    counts then, with which padding pays least.
    """
    low, high = _RIDGES
    return min(max(device.ridge, low), high) if device.source == "calibrated" else low
