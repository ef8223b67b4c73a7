"""Operators on elements, of one operand and of two that are broadcast."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ..case import FLOAT, INT64, Case, Operand, activation, cases, value, weight
from ..sizes import Random, shape

_PLAIN = ("Relu", "Neg", "Abs", "LeakyRelu", "HardSigmoid", "Sqrt", "Reciprocal", "Floor", "Ceil")
_DEAR = ("Sigmoid", "Tanh", "Erf", "Exp", "Log", "Elu", "Softplus", "Sin", "Cos", "Round", "Sign")
_ELEMENTS = (*_PLAIN, "Sigmoid", "Sigmoid", "Tanh", "Erf", "Exp", *_DEAR)


@cases("operators on elements", 6)
def unary(random: Random, block: int) -> Case | None:
    """One operand."""
    del block
    name = str(random.choice(_ELEMENTS))
    return Case(name, (activation(*shape(random, 1e6 if name in _DEAR else 4e6)),))


@cases("Clip, Pow, Gelu", 3)
def parametrised(random: Random, block: int) -> Case | None:
    """One operand besides constants."""
    del block
    name = str(random.choice(["Clip", "Clip", "Pow", "Gelu", "QuickGelu", "FastGelu", "BiasGelu"]))
    source = activation(*shape(random, 1e6))
    if name == "Clip":
        return Case(name, (source, value(0, np.float32), value(6, np.float32)))
    if name == "Pow":
        exponent = random.choice([2.0, 2.0, 3.0, 0.5, 1.7])
        return Case(name, (source, value(exponent, np.float32)))
    if name == "BiasGelu":
        return Case(name, (source, weight(source.shape[-1])), "com.microsoft")
    attributes = {"alpha": 1.702} if name == "QuickGelu" else {}
    return Case(name, (source,), "com.microsoft", attributes=attributes)


_TYPES = (TensorProto.FLOAT16, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL, FLOAT)


@cases("Cast", 2)
def cast(random: Random, block: int) -> Case | None:
    """From float32, or to it."""
    del block
    other = int(random.choice(_TYPES))
    dims = shape(random)
    if random.random() < 0.5:
        return Case("Cast", (activation(*dims, dtype=other),), attributes={"to": FLOAT})
    return Case("Cast", (activation(*dims),), attributes={"to": other})


_TWO = ("Add", "Add", "Add", "Mul", "Mul", "Mul", "Sub", "Div", "Max", "Min", "Pow", "PRelu")
_COMPARED = ("Less", "Equal", "Greater", "Where", "Where", "And")


@cases("operators of two operands", 9)
def binary(random: Random, block: int) -> Case | None:
    """Alike, with a scalar, with a row, by channel, or repeated anyhow."""
    del block
    name = str(random.choice((*_TWO, *_TWO, *_COMPARED)))
    dims = shape(random)
    dtype = FLOAT if random.random() < 0.9 or name in ("Pow", "PRelu") else INT64
    first, second = activation(*dims, dtype=dtype), _second(random, dims, dtype)
    if name == "And":
        first, second = (
            Operand(TensorProto.BOOL, o.shape, constant=o.constant) for o in (first, second)
        )
    if name == "PRelu":
        return Case(name, (first, weight(*second.shape)))
    if name == "Where":
        condition = dims if random.random() < 0.5 else dims[-1:]
        return Case(name, (activation(*condition, dtype=TensorProto.BOOL), first, second))
    if random.random() < 0.15 and name != "Pow":
        first, second = second, first
    return Case(name, (first, second))


def _second(random: Random, dims: tuple[int, ...], dtype: int) -> Operand:
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
