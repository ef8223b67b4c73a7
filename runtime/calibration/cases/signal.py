"""Fourier transforms and what audio front ends have besides."""

from __future__ import annotations

import numpy as np

from ..case import Case, activation, cases, value, weight
from ..sizes import Random, size

_LENGTHS = (128, 256, 512, 1024, 2048, 160, 320, 400, 480, 640, 1200)
_MOST = 4e5  # points


@cases("Fourier transforms", 1.5)
def fourier(random: Random, block: int) -> Case | None:
    """STFT of a signal, DFT of rows."""
    del block
    length = int(random.choice(_LENGTHS))
    lines = size(random, 1, 512)
    if length * lines > _MOST:
        return None
    chance = random.random()
    if chance < 0.6:
        step = max(1, int(length * random.choice([0.25, 0.4, 0.5])))
        signal = activation(1, length + step * (lines - 1), 1)
        return Case("STFT", (signal, value(step), weight(length), value(length)))
    if chance < 0.9:
        onesided = int(random.random() < 0.6)
        operands = (activation(1, lines, length, 1), None, value(2))
        return Case("DFT", operands, attributes={"onesided": onesided})
    if chance < 0.95:
        return Case("HannWindow", (value(length),))
    mel = (value(size(random, 20, 128)), value(length), value(16000))
    return Case("MelWeightMatrix", (*mel, value(0, np.float32), value(8000, np.float32)))
