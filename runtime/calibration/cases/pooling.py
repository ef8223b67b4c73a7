"""Pooling and resizing."""

from __future__ import annotations

import numpy as np

from ....costmodel.blocked import NCHWC
from ..case import Case, activation, cases, value
from ..sizes import Random, channels, image, up

_MOST = 3e6


@cases("pooling", 4)
def pooling(random: Random, block: int) -> Case | None:
    """In both layouts."""
    height, width = image(random)
    blocked = block > 1 and random.random() < 0.7
    count = channels(random, 4, 1024)
    if blocked:
        count = up(count, block)
    if count * height * width > _MOST:
        return None
    source, domain = activation(1, count, height, width), NCHWC if blocked else ""
    if random.random() < 0.3:
        return Case("GlobalAveragePool", (source,), domain)
    name = "MaxPool" if random.random() < 0.6 else "AveragePool"
    window = int(random.choice([2, 2, 3, 3, 5, 7]))
    pad = window // 2 if random.random() < 0.5 and window > 2 else 0
    if min(height, width) + 2 * pad < window:
        return None
    attributes = {
        "kernel_shape": [window] * 2,
        "strides": [int(random.choice([1, 2, 2]))] * 2,
        "pads": [pad] * 4,
    }
    return Case(name, (source,), domain, attributes=attributes)


@cases("resizing", 2)
def resizing(random: Random, block: int) -> Case | None:
    """To a multiple of the size."""
    del block
    height, width = image(random, 128)
    count, scale = channels(random, 4, 512), 2.0 if random.random() < 0.6 else 4.0
    if count * height * width * scale**2 > _MOST / 3:
        return None
    scales = value([1, 1, scale, scale], np.float32)
    nearest = random.random() < 0.5
    manner = "asymmetric" if nearest else str(random.choice(["half_pixel", "align_corners"]))
    attributes = {
        "mode": "nearest" if nearest else "linear",
        "coordinate_transformation_mode": manner,
        "nearest_mode": "floor",
    }
    operands = (activation(1, count, height, width), None, scales)
    return Case("Resize", operands, attributes=attributes)
