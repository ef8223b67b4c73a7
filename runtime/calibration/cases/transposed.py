"""Transposed convolutions: what makes an image or a signal longer."""

from __future__ import annotations

from math import prod

from ..case import Case, activation, cases, weight
from ..sizes import Random, channels, image, size

_MOST_FLOP = 1.2e9
_MOST = 6e6  # elements
_KERNELS = ((2, 2), (2, 2), (4, 2), (4, 2), (3, 2), (3, 1), (4, 4), (5, 2), (8, 4))  # with strides


@cases("transposed convolutions", 2.5)
def transposed(random: Random, block: int) -> Case | None:
    """Along one dim or two, of groups or of each channel too."""
    del block
    kernel, stride = _KERNELS[random.integers(len(_KERNELS))]
    dims = 1 if random.random() < 0.25 else 2
    sides = image(random, 64) if dims == 2 else (size(random, 1, 2048),)
    inputs, outputs, group = channels(random, 1, 512), channels(random, 1, 256), 1
    if random.random() < 0.15:
        group = inputs
        outputs = inputs
    elif random.random() < 0.15:
        group = int(random.choice([2, 4]))
        inputs, outputs = group * size(random, 1, 64), group * size(random, 1, 64)
    pad = (kernel - stride) // 2 if kernel > stride else 0
    made = [(side - 1) * stride + kernel - 2 * pad for side in sides]
    flop = 2 * inputs * (outputs // group) * kernel**dims * prod(sides)
    if (
        flop > _MOST_FLOP
        or max(outputs * prod(made), inputs * prod(sides)) > _MOST
        or min(made) < 1
    ):
        return None
    operands = (
        activation(1, inputs, *sides),
        weight(inputs, outputs // group, *[kernel] * dims),
        weight(outputs),
    )
    attributes = {
        "kernel_shape": [kernel] * dims,
        "strides": [stride] * dims,
        "pads": [pad] * (2 * dims),
        "group": group,
    }
    return Case("ConvTranspose", operands, attributes=attributes)
