"""Operators on elements, of one operand and of two that are broadcast."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ..case import BOOL, FLOAT, INT64, Case, Operand, activation, cases, value, weight
from ..sizes import Random, shape

_PLAIN = ("Relu", "Neg", "Abs", "LeakyRelu", "HardSigmoid", "Sqrt", "Reciprocal", "Floor", "Ceil")
_DEAR = ("Sigmoid", "Tanh", "Erf", "Exp", "Log", "Elu", "Softplus", "Sin", "Cos", "Round", "Sign")
_RARE = (
    *("Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh", "Selu", "Celu", "Softsign"),
    *("ThresholdedRelu", "Shrink", "IsNaN", "IsInf", "Not"),
)
_COMMON = ("Relu", "LeakyRelu", "HardSigmoid", "Sqrt", "Exp", "Neg", "Reciprocal", "Log")
_ELEMENTS = (*("Sigmoid", "Tanh", "Erf") * 3, *_COMMON * 2, *_PLAIN, *_DEAR)


@cases("operators on elements", 6)
def unary(random: Random, block: int) -> Case | None:
    """One operand."""
    del block
    name = str(random.choice(_ELEMENTS if random.random() < 0.8 else _RARE))
    dims = shape(random, 4e6 if name in _PLAIN else 1e6)
    return Case(name, (activation(*dims, dtype=BOOL if name == "Not" else FLOAT),))


@cases("Clip, Pow, Gelu", 4)
def parametrised(random: Random, block: int) -> Case | None:
    """One operand besides constants."""
    del block
    names = ["Clip", "Clip", "Pow", "Gelu", "Gelu", "Gelu", "QuickGelu", "FastGelu", "BiasGelu"]
    name = str(random.choice(names))
    source = activation(*shape(random, 1e6))
    if name == "Clip":
        return Case(name, (source, value(0, np.float32), value(6, np.float32)))
    if name == "Pow":
        exponent = random.choice([2.0, 2.0, 3.0, 0.5, 1.7])
        return Case(name, (source, value(exponent, np.float32)))
    if name == "Gelu" and random.random() < 0.5:
        approximate = "tanh" if random.random() < 0.3 else "none"
        return Case(name, (source,), attributes={"approximate": approximate})
    if name == "BiasGelu" or (name == "FastGelu" and random.random() < 0.4):
        return Case(name, (source, weight(source.shape[-1])), "com.microsoft")
    attributes = {"alpha": 1.702} if name == "QuickGelu" else {}
    return Case(name, (source,), "com.microsoft", attributes=attributes)


_TYPES = (
    *(TensorProto.FLOAT16,) * 3,
    *(INT64,) * 2,
    *(TensorProto.INT32, BOOL, TensorProto.UINT8, TensorProto.INT8, TensorProto.DOUBLE),
)


@cases("Cast", 3)
def cast(random: Random, block: int) -> Case | None:
    """From float32, or to it, for the most part."""
    del block
    other, another = (int(dtype) for dtype in random.choice(_TYPES, 2))
    dims, chance = shape(random), random.random()
    if chance < 0.4:
        return Case("Cast", (activation(*dims, dtype=other),), attributes={"to": FLOAT})
    if chance < 0.8:
        return Case("Cast", (activation(*dims),), attributes={"to": other})
    another = FLOAT if chance > 0.95 else another
    other = FLOAT if chance > 0.95 else other
    return Case("Cast", (activation(*dims, dtype=another),), attributes={"to": other})


_TWO = (*("Add",) * 4, *("Mul",) * 3, "Sub", "Div", "Div", "Max", "Min", "Pow", "PRelu", "PRelu")


@cases("operators of two operands", 9)
def binary(random: Random, block: int) -> Case | None:
    """Alike, with a scalar, with a row, by channel, or repeated anyhow."""
    del block
    name, dims = str(random.choice(_TWO)), shape(random)
    first, second = activation(*dims), other_operand(random, dims, FLOAT)
    if name == "PRelu":
        shared = (dims[1], *(1 for _ in dims[2:])) if len(dims) > 2 else second.shape
        return Case(name, (first, weight(*shared)))
    if random.random() < 0.15 and name != "Pow":
        first, second = second, first
    return Case(name, (first, second))


@cases("choices", 2)
def choices(random: Random, block: int) -> Case | None:
    """Where, by a condition that may be repeated, of two operands that may be; Sum, Mean."""
    del block
    dims = shape(random, 2e6)
    if random.random() < 0.25:
        count = int(random.integers(3, 6))
        return Case("Sum" if random.random() < 0.7 else "Mean", (activation(*dims),) * count)
    dtype = FLOAT if random.random() < 0.8 else INT64
    condition = activation(*(dims if random.random() < 0.5 else dims[-1:]), dtype=BOOL)
    one, two = activation(*dims, dtype=dtype), other_operand(random, dims, dtype)
    operands = (condition, one, two) if random.random() < 0.5 else (condition, two, one)
    return Case("Where", operands)


def other_operand(random: Random, dims: tuple[int, ...], dtype: int) -> Operand:
    """The second operand of one of these dims: alike, a scalar, a row, by channel, or any."""
    chance = random.random()
    if chance < 0.4:
        return activation(*dims, dtype=dtype)
    if chance < 0.55:
        return weight(dtype=dtype)
    if chance < 0.7:
        return weight(dims[-1], dtype=dtype)
    if chance < 0.85 and len(dims) > 2:
        channel = (dims[-3], 1, 1)
        constant = random.random() < 0.5
        return weight(*channel, dtype=dtype) if constant else activation(*channel, dtype=dtype)
    return activation(*(d if random.random() < 0.6 else 1 for d in dims), dtype=dtype)
