"""Pooling, in both layouts."""

from __future__ import annotations

from ....costmodel.blocked import NCHWC
from ..case import Case, activation, cases
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
        name = "GlobalAveragePool" if random.random() < 0.8 else "GlobalMaxPool"
        return Case(name, (source,), domain)
    name = "MaxPool" if random.random() < 0.6 else "AveragePool"
    dims = 1 if not blocked and random.random() < 0.2 else 2
    source = source if dims == 2 else activation(1, count, height * width)
    window = int(random.choice([2, 2, 3, 3, 5, 7]))
    pad = window // 2 if random.random() < 0.5 and window > 2 else 0
    if min(height, width) + 2 * pad < window:
        return None
    attributes = {
        "kernel_shape": [window] * dims,
        "strides": [int(random.choice([1, 2, 2]))] * dims,
        "pads": [pad] * (2 * dims),
    }
    return Case(name, (source,), domain, attributes=attributes)
