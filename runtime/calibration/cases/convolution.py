"""Convolutions: every kernel that the runtime has for float32."""

from __future__ import annotations

from math import prod
from typing import Any

from ....costmodel.blocked import NCHWC
from ..case import Case, activation, cases, weight
from ..sizes import Random, channels, image, size, up

_MOST_FLOP = 1.2e9
_MOST_BYTES = 2.4e7
_MOST_WEIGHTS = 3e6
_ACTIVATIONS: tuple[tuple[str, list[float]], ...] = (
    ("Relu", []),
    ("Relu", []),
    ("Clip", [0.0, 6.0]),
    ("Sigmoid", []),
    ("Tanh", []),
    ("LeakyRelu", [0.1]),
    ("HardSigmoid", [0.2, 0.5]),
)


def _activated(random: Random, attributes: dict[str, Any]) -> bool:
    """Give a node a fused activation, or none."""
    if random.random() > 0.6:
        return False
    name, parameters = _ACTIVATIONS[random.integers(len(_ACTIVATIONS))]
    attributes["activation"] = name
    if parameters:
        attributes["activation_params"] = parameters
    return True


def _window(
    random: Random, kernel: tuple[int, ...], stride: int, dilation: int, sides: tuple[int, ...]
) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Sides of the output, and the attributes."""
    none = random.random() < 0.12
    pads = [0 if none else dilation * (k - 1) // 2 for k in kernel]
    made = tuple(
        (side + 2 * pad - dilation * (k - 1) - 1) // stride + 1
        for side, pad, k in zip(sides, pads, kernel, strict=True)
    )
    rank = len(kernel)
    return made, {
        "kernel_shape": list(kernel),
        "pads": pads + pads,
        "strides": [stride] * rank,
        "dilations": [dilation] * rank,
    }


def _pick(random: Random, kernels: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return kernels[random.integers(len(kernels))]


def _convolution(
    random: Random,
    kernel: tuple[int, ...],
    sides: tuple[int, ...],
    inputs: int,
    outputs: int,
    group: int,
    *,
    blocked: bool,
    stride: int = 1,
    dilation: int = 1,
    summed: float = 0.0,
) -> Case | None:
    made, attributes = _window(random, kernel, stride, dilation, sides)
    images = 1 if random.random() < 0.87 else int(random.integers(2, 9))
    each = inputs // group
    elements = images * (inputs * prod(sides) + outputs * prod(made))
    flop = 2 * images * outputs * each * prod(kernel) * prod(made)
    weights = outputs * each * prod(kernel)
    if min(made) < 1 or flop > _MOST_FLOP or 4 * elements > _MOST_BYTES or weights > _MOST_WEIGHTS:
        return None
    attributes["group"] = group
    fused = _activated(random, attributes)
    operands = [
        activation(images, inputs, *sides),
        weight(outputs, each, *kernel),
        weight(outputs),
    ]
    if random.random() < summed:
        operands.append(activation(images, outputs, *made))
    elif random.random() < 0.1:
        operands.pop()
    if blocked:
        return Case("Conv", tuple(operands), NCHWC, attributes=attributes)
    name, domain = ("FusedConv", "com.microsoft") if fused else ("Conv", "")
    return Case(name, tuple(operands), domain, attributes=attributes)


def _stride(random: Random) -> int:
    return 1 if random.random() < 0.75 else 2


def _dilation(random: Random) -> int:
    return 1 if random.random() < 0.93 else int(random.integers(2, 4))


_SQUARES: tuple[tuple[int, int], ...] = ((3, 3),) * 4
_DENSE = (*_SQUARES, *_SQUARES, (5, 5), (7, 7), (1, 3), (3, 1), (1, 7), (2, 2))


@cases("blocked dense convolutions", 18)
def dense(random: Random, block: int) -> Case | None:
    """More than one tap, all input channels."""
    if block == 1:
        return plain(random, block)
    inputs, outputs = (up(channels(random, low), block) for low in (block, 8))
    kernel = _pick(random, _DENSE)
    return _convolution(
        *(random, kernel, image(random), inputs, outputs, 1),
        blocked=True,
        stride=_stride(random),
        dilation=_dilation(random),
        summed=0.15,
    )


@cases("blocked pointwise convolutions", 18)
def pointwise(random: Random, block: int) -> Case | None:
    """One tap."""
    if block == 1:
        return plain(random, block)
    inputs, outputs = (up(channels(random, low), block) for low in (block, 8))
    stride = 1 if random.random() < 0.9 else 2
    return _convolution(
        *(random, (1, 1), image(random), inputs, outputs, 1),
        blocked=True,
        stride=stride,
        summed=0.15,
    )


@cases("blocked depthwise convolutions", 9)
def depthwise(random: Random, block: int) -> Case | None:
    """Each channel by itself."""
    if block == 1:
        return plain_depthwise(random, block)
    count = up(channels(random, 8), block)
    kernel = _pick(random, (*_SQUARES, (5, 5), (5, 5), (7, 7), (3, 1)))
    return _convolution(
        *(random, kernel, image(random), count, count, count),
        blocked=True,
        stride=_stride(random),
        dilation=_dilation(random),
    )


@cases("blocked grouped convolutions", 3)
def grouped(random: Random, block: int) -> Case | None:
    """Several groups of whole blocks."""
    if block == 1:
        return plain_grouped(random, block)
    group = int(random.choice([2, 3, 4, 8, 16, 32]))
    each = block * size(random, 1, 16)
    made = each if random.random() < 0.7 else block * size(random, 1, 16)
    return _convolution(
        *(random, _pick(random, (*_SQUARES, (5, 5), (1, 1))), image(random)),
        *(each * group, made * group, group),
        blocked=True,
        stride=_stride(random),
    )


@cases("first convolutions", 3)
def first(random: Random, block: int) -> Case | None:
    """Fewer input channels than a block."""
    if block == 1:
        return plain(random, block)
    inputs = min(block - 1, int(random.choice([1, 2, 3, 3, 3, 3, 3, 4, 6, 8, 12])))
    kernels = (*_SQUARES, (7, 7), (7, 7), (5, 5), (4, 4), (1, 1), (11, 11), (2, 2))
    stride = int(random.choice([1, 1, 2, 2, 4]))
    outputs = up(channels(random, 8, 256), block)
    return _convolution(
        *(random, _pick(random, kernels), image(random), inputs, outputs, 1),
        blocked=True,
        stride=stride,
    )


@cases("plain convolutions", 6)
def plain(random: Random, block: int) -> Case | None:
    """In the layout of the file, of one matrix product an image."""
    del block
    kernel = _pick(random, (*_SQUARES, (1, 1), (1, 1), (1, 1), (5, 5), (7, 7), (1, 3)))
    return _convolution(
        *(random, kernel, image(random, 128), channels(random, 1, 512), channels(random, 1, 512)),
        1,
        blocked=False,
        stride=_stride(random),
    )


@cases("plain depthwise convolutions", 2)
def plain_depthwise(random: Random, block: int) -> Case | None:
    """In the layout of the file, each channel by itself."""
    del block
    count = channels(random, 4, 512)
    kernel = _pick(random, (*_SQUARES, (5, 5), (7, 7), (3, 1)))
    return _convolution(
        *(random, kernel, image(random, 128), count, count, count),
        blocked=False,
        stride=_stride(random),
    )


@cases("plain grouped convolutions", 2)
def plain_grouped(random: Random, block: int) -> Case | None:
    """In the layout of the file, a matrix product a group."""
    del block
    group = int(random.choice([2, 3, 4, 8, 16]))
    each, made = size(random, 1, 48), size(random, 1, 48)
    return _convolution(
        *(random, _pick(random, (*_SQUARES, (5, 5), (1, 1))), image(random, 128)),
        *(each * group, made * group, group),
        blocked=False,
        stride=_stride(random),
    )


@cases("one-dimensional convolutions", 4)
def one_dimensional(random: Random, block: int) -> Case | None:
    """Along a row."""
    del block
    kernel = (int(random.choice([1, 1, 3, 3, 3, 5, 7, 8, 16])),)
    inputs, outputs = channels(random, 1, 512), channels(random, 1, 512)
    group = 1
    if random.random() < 0.2:
        group = outputs = inputs
    dilation = 1 if random.random() < 0.7 else int(2 ** random.integers(1, 5))
    return _convolution(
        *(random, kernel, (size(random, 1, 4096),), inputs, outputs, group),
        blocked=False,
        stride=_stride(random),
        dilation=dilation,
    )


@cases("three-dimensional convolutions", 1)
def three_dimensional(random: Random, block: int) -> Case | None:
    """In a volume."""
    del block
    side = size(random, 2, 32)
    kernel = _pick(random, ((3, 3, 3), (3, 3, 3), (1, 1, 1), (1, 3, 3)))
    return _convolution(
        *(random, kernel, (size(random, 1, 16), side, side)),
        *(channels(random, 1, 128), channels(random, 1, 128), 1),
        blocked=False,
        stride=_stride(random),
    )
