"""Convolutions of 8-bit integers: QLinearConv in both orders of dims, ConvInteger."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from onnx import TensorProto

from ..case import Case, Operand, activation, cases, value, weight
from ..sizes import Random, channels, image, size

_MOST_MACS = 4e8
_FEW_MACS = 2e5  # that take no longer than the node itself
_MOST = 6e6  # elements
_SIGNS = (
    *((TensorProto.UINT8, TensorProto.INT8),) * 5,
    *((TensorProto.UINT8, TensorProto.UINT8),) * 2,
    *((TensorProto.INT8, TensorProto.INT8),) * 2,
)
_SORTS = (
    "dense",
    "dense",
    "dense",
    "pointwise",
    "pointwise",
    "pointwise",
    "depthwise",
    "depthwise",
)
_KERNELS = ((3, 3), (3, 3), (3, 3), (3, 3), (5, 5), (7, 7), (1, 3), (3, 1), (2, 2))


def zero(dtype: int) -> Operand:
    """A zero point as quantised networks have it."""
    return value(0, np.int8) if dtype == TensorProto.INT8 else value(128, np.uint8)


def scale(random: Random, *shape: int) -> Operand:
    """A scale, or one a channel."""
    return value(random.uniform(0.005, 0.02, shape), np.float32)


@cases("quantised convolutions", 11)
def qlinear(random: Random, block: int) -> Case | None:
    """Channels last for the most part, as the runtime lays them."""
    del block
    sort = str(random.choice((*_SORTS, "grouped")))
    made = _sizes(random, sort)
    if made is None:
        return None
    source, kernels, attributes = made
    left, right = _SIGNS[random.integers(len(_SIGNS))]
    outputs = kernels[0]
    scales = (outputs,) if random.random() < 0.6 and right == TensorProto.INT8 else ()
    zeros = value(np.zeros(scales), np.int8) if right == TensorProto.INT8 else zero(right)
    operands: list[Operand | None] = [
        *(activation(*source, dtype=left), scale(random), zero(left)),
        *(weight(*kernels, dtype=right), scale(random, *scales), zeros),
        *(value(random.uniform(0.1, 0.3), np.float32), zero(left)),
    ]
    if random.random() < 0.8:
        operands.append(weight(outputs, dtype=TensorProto.INT32))
    if random.random() < 0.8:
        operands[0] = activation(source[0], *source[2:], source[1], dtype=left)
        domain = "com.microsoft"
        return Case(
            "QLinearConv", tuple(operands), domain, attributes={**attributes, "channels_last": 1}
        )
    return Case("QLinearConv", tuple(operands), attributes=attributes)


@cases("integer convolutions", 3)
def integer(random: Random, block: int) -> Case | None:
    """As dynamic quantisation makes them."""
    del block
    made = _sizes(random, str(random.choice(_SORTS)), _MOST_MACS / 4)
    if made is None:
        return None
    source, kernels, attributes = made
    right = TensorProto.UINT8 if random.random() < 0.6 else TensorProto.INT8
    operands = (
        *(activation(*source, dtype=TensorProto.UINT8), weight(*kernels, dtype=right)),
        *(zero(TensorProto.UINT8), zero(right)),
    )
    return Case("ConvInteger", operands, attributes=attributes)


def _sizes(
    random: Random, sort: str, most: float = _MOST_MACS
) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]] | None:
    """Shapes of the input and the weights, and the attributes."""
    dims = 1 if random.random() < 0.1 else 2
    kernel: tuple[int, ...] = (
        (1, 1) if sort == "pointwise" else _KERNELS[random.integers(len(_KERNELS))]
    )
    kernel = kernel[:dims]
    sides = image(random, 192)[:dims]
    inputs, outputs, group = channels(random, 8, 1024), channels(random, 8, 1024), 1
    if sort == "depthwise":
        group = outputs = inputs
    elif sort == "grouped":
        group = int(random.choice([2, 3, 4, 8, 16, 32]))
        inputs, outputs = group * size(random, 1, 64), group * size(random, 1, 64)
    elif random.random() < 0.1:
        inputs = int(random.choice([1, 3, 3]))
    stride = 1 if random.random() < 0.75 else 2
    pads = [(k - 1) // 2 for k in kernel]
    made = [(s + 2 * p - k) // stride + 1 for s, p, k in zip(sides, pads, kernel, strict=True)]
    images = 1 if random.random() < 0.9 else int(random.integers(2, 5))
    kernels = (outputs, inputs // group, *kernel)
    macs = images * prod(kernels) * prod(made)
    large = max(inputs * prod(sides), outputs * prod(made), prod(kernels))
    if min(made) < 1 or macs > most or images * large > _MOST:
        return None
    if macs < _FEW_MACS and random.random() < 0.7:
        return None
    attributes = {
        "kernel_shape": list(kernel),
        "pads": pads + pads,
        "strides": [stride] * dims,
        "group": group,
    }
    return (images, inputs, *sides), kernels, attributes
