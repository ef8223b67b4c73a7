"""Quantising and dequantising, and operators on quantised tensors."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ..case import Case, Operand, activation, cases, value, weight
from ..sizes import Random, channels, image, shape, uniform
from .quantised_convolution import scale, zero

_MOST = 3e6
_MS = "com.microsoft"


def _dtype(random: Random) -> int:
    return TensorProto.UINT8 if random.random() < 0.65 else TensorProto.INT8


@cases("quantising and dequantising", 4)
def quantise(random: Random, block: int) -> Case | None:
    """One scale, or one a channel."""
    del block
    dims, dtype = shape(random, _MOST), _dtype(random)
    chance = random.random()
    if chance < 0.1:
        return Case("DynamicQuantizeLinear", (activation(*dims),), outputs=3)
    if chance < 0.5:
        return Case("QuantizeLinear", (activation(*dims), scale(random), zero(dtype)))
    if chance < 0.75:
        return Case(
            "DequantizeLinear", (activation(*dims, dtype=dtype), scale(random), zero(dtype))
        )
    if chance < 0.8:
        sums = weight(dims[-1], dtype=TensorProto.INT32)
        return Case("DequantizeLinear", (sums, scale(random), value(0, np.int32)))
    if random.random() < 0.2:  # a bias
        dims = (channels(random, 4, 4096),)
        source, zeros = weight(*dims, dtype=TensorProto.INT32), value(np.zeros(dims), np.int32)
        return Case(
            "DequantizeLinear", (source, scale(random, *dims), zeros), attributes={"axis": 0}
        )
    axis = int(random.integers(len(dims)))
    zeros = value(np.zeros(dims[axis]), np.int8)
    constant = random.random() < 0.8 and np.prod(dims) < _MOST / 3
    source = (weight if constant else activation)(*dims, dtype=TensorProto.INT8)
    operands = (source, scale(random, dims[axis]), zeros)
    return Case("DequantizeLinear", operands, attributes={"axis": axis})


@cases("arithmetic on quantised tensors", 3)
def arithmetic(random: Random, block: int) -> Case | None:
    """QLinearAdd, QLinearMul: alike, with a scalar, with a row, by channel."""
    del block
    dims, dtype = shape(random, _MOST), _dtype(random)
    chance = random.random()
    other: tuple[int, ...] = dims
    if 0.55 <= chance < 0.7:
        other = ()
    elif chance >= 0.7:
        other = dims[-1:] if chance < 0.85 or len(dims) < 3 else (dims[-3], 1, 1)
    constant = other != dims and random.random() < 0.6
    second = (weight if constant else activation)(*other, dtype=dtype)
    ends = (scale(random), zero(dtype))
    name = "QLinearAdd" if random.random() < 0.6 else "QLinearMul"
    return Case(name, (activation(*dims, dtype=dtype), *ends, second, *ends, *ends), _MS)


@cases("functions of quantised tensors", 3)
def function(random: Random, block: int) -> Case | None:
    """Tables of 256 entries, a Softmax, a Concat."""
    del block
    dims, dtype = shape(random, _MOST), _dtype(random)
    source, ends = activation(*dims, dtype=dtype), (scale(random), zero(dtype))
    names = [
        "QLinearSigmoid",
        "QLinearLeakyRelu",
        "QLinearSoftmax",
        "QLinearConcat",
        "QLinearWhere",
    ]
    name = str(random.choice(names))
    if name == "QLinearConcat":
        return _concat(random, dims, ends)
    if name == "QLinearWhere":
        condition = activation(*dims, dtype=TensorProto.BOOL)
        return Case(name, (condition, source, *ends, weight(dtype=dtype), *ends, *ends), _MS)
    operands = (source, *ends, *ends)
    if name == "QLinearSoftmax":
        attributes: dict[str, object] = {"axis": len(dims) - 1, "opset": 13}
        return Case(name, operands, _MS, attributes=attributes)
    attributes = {"alpha": 0.1} if name == "QLinearLeakyRelu" else {}
    return Case(name, operands, _MS, attributes=attributes)


def _concat(random: Random, dims: tuple[int, ...], ends: tuple[Operand, Operand]) -> Case:
    axis = int(random.integers(len(dims)))
    parts: list[Operand] = []
    for _ in range(int(random.integers(2, 5))):
        part = max(1, int(dims[axis] * uniform(random, 0.1, 0.6)))
        other = ends if random.random() < 0.5 else (scale(random), ends[1])
        parts += [activation(*dims[:axis], part, *dims[axis + 1 :], dtype=ends[1].dtype), *other]
    return Case("QLinearConcat", (*ends, *parts), _MS, attributes={"axis": axis})


@cases("pooling of quantised tensors", 2)
def pooling(random: Random, block: int) -> Case | None:
    """In both orders of dims."""
    del block
    (height, width), count, dtype = image(random, 128), channels(random, 4, 1024), _dtype(random)
    if height * width * count > _MOST:
        return None
    last = random.random() < 0.7
    dims = (1, height, width, count) if last else (1, count, height, width)
    source, ends = activation(*dims, dtype=dtype), (scale(random), zero(dtype))
    chance = random.random()
    if chance < 0.35:
        name = "QLinearGlobalAveragePool"
        return Case(name, (source, *ends, *ends), _MS, attributes={"channels_last": int(last)})
    window = int(random.choice([2, 2, 3, 3, 5]))
    if min(height, width) < window:
        return None
    attributes: dict[str, object]
    attributes = {"kernel_shape": [window] * 2, "strides": [int(random.choice([1, 2, 2]))] * 2}
    if chance < 0.6:
        attributes["channels_last"] = int(last)
        return Case("QLinearAveragePool", (source, *ends, *ends), _MS, attributes=attributes)
    if last:
        return Case("NhwcMaxPool", (source,), _MS, attributes=attributes)
    return Case("MaxPool", (source,), attributes=attributes)
