"""Where padding channels was measured to pay: what ``pays`` asks beside its estimate.

Time with channels padded to the next multiple of 4 over that without, onnxruntime 1.32 on one core
of an Intel Xeon with AVX-512 (blocks of 16 channels), by ``bench/padding.py``: 3 to 72 channels,
images of 7x7 to 112x112, in convolutions of equal channels on both sides ("same") and between 64
channels ("whole blocks").

| kernel | other side | 17 to 19 | 21 to 23 | 25 to 31 | 33 to 35 | 57 to 63 |
|---|---|---|---|---|---|---|
| 1x1 | whole blocks | 0.65-0.85 | 0.66-0.82 | 0.58-0.77 | 0.70-0.85 | 0.58-0.81 |
| 1x1 | same | 0.96-1.42 | 0.93-1.12 | 0.58-0.94 | 0.96-1.20 | 0.59-0.94 |
| 3x3 | whole blocks | 0.82-1.03 | 0.75-0.94 | 0.65-0.89 | 0.73-0.96 | 0.60-0.84 |
| 3x3 | same | 0.80-1.23 | 0.65-1.00 | 0.43-0.75 | 0.68-1.02 | 0.45-0.80 |
| 5x5 | same | 0.81-1.38 | 0.66-0.99 | 0.45-0.75 | 0.67-1.10 | 0.49-0.79 |
| 3x3 by 2 | same | 0.62-0.82 | 0.53-0.67 | 0.37-0.59 | 0.55-0.83 | 0.40-0.63 |
| depthwise | same | 0.21-0.62 | 0.18-0.55 | 0.13-0.49 | 0.16-0.53 | 0.12-0.45 |

So it is the lanes that the last block would hold anyway that decide. With up to 15 channels, which
blocked kernels read as they lie, only 1x1 and depthwise ones gained: 9 to 15 padded to 16, by 0.31
to 0.82. A count that is a multiple of 4 already never gained 10 %. Beyond 72 the row of 57 to 72
holds: less of a block is wasted there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..costmodel.blocked import Convolution, padded

_BLOCK = 16  # the only one measured
_ALIGNED = 4
_WASTE = 1.15  # of the other side, up to which it counts as whole blocks
_DIRECT = 9  # channels from which a 1x1 that reads less than a block gains


class Step(NamedTuple):
    """A convolution and its stride."""

    conv: Convolution
    stride: int


class _Lanes(NamedTuple):
    """Channels that the last block has to hold for padding to pay, by the other side."""

    whole: int
    same: int


_1X1, _3X3, _LARGER, _STRIDED = _Lanes(1, 9), _Lanes(5, 7), _Lanes(7, 7), _Lanes(1, 1)


def measured_gain(before: Sequence[Step], after: Sequence[Step], block: int) -> bool:
    """Whether every convolution that reads more channels was measured to be faster so.

    Parameters
    ----------
    before, after
        The convolutions of both graphs, in order; where they are not as many, something else was
        changed than channels, of which nothing was measured and nothing is said.
    block
        The device's channel block.
    """
    if len(before) != len(after):
        return True
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if a.conv != b.conv]
    grown = [(a, b) for a, b in pairs if a.conv.in_channels < b.conv.in_channels]
    if not pairs:
        return True
    return block == _BLOCK and bool(grown) and all(_gains(a, b.conv) for a, b in grown)


def _gains(step: Step, after: Convolution) -> bool:
    conv, channels = step.conv, step.conv.in_channels
    if channels % _ALIGNED == 0 and channels > _BLOCK:
        return False
    if after.in_channels % _ALIGNED or after.in_channels > padded(channels, _BLOCK):
        return False
    if conv.depthwise:
        return channels % _ALIGNED != 0
    taps = max(conv.kernel)
    if channels < _BLOCK:
        return taps == 1 and channels >= _DIRECT and after.in_channels == _BLOCK
    lanes = _lanes(taps, step.stride)
    fills = padded(after.out_channels, _BLOCK) <= _WASTE * after.out_channels
    return channels % _BLOCK >= (lanes.whole if fills else lanes.same)


def _lanes(taps: int, stride: int) -> _Lanes:
    if taps == 1:
        return _1X1
    if taps > 3:
        return _LARGER
    return _STRIDED if stride > 1 else _3X3
