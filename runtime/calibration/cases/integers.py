"""Integers and truth values: arithmetic, comparisons, logic; masks and shapes are made so."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ..case import BOOL, FLOAT, INT64, Case, activation, cases, value
from ..sizes import Random, shape
from .elementwise import other_operand

_FEW = 16  # elements: as many as shapes have
_NAMES = ("Add", "Mul", "Sub", "Max", "Min")
_COMPARED = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")


@cases("integers and truth values", 4)
def integers(random: Random, block: int) -> Case | None:
    """Of masks, or of few elements."""
    del block
    dims = shape(random, 5e5) if random.random() < 0.6 else (int(random.integers(1, _FEW)),)
    chance = random.random()
    if chance < 0.3:
        name, dtype = str(random.choice(_NAMES)), _type(random)
    elif chance < 0.7:
        name = str(random.choice(_COMPARED))
        dtype = FLOAT if random.random() < 0.4 else _type(random)
    elif chance < 0.9:
        name, dtype = str(random.choice(["And", "And", "Or", "Xor"])), BOOL
    else:
        return _division(random, dims)
    return Case(name, (activation(*dims, dtype=dtype), other_operand(random, dims, dtype)))


def _type(random: Random) -> int:
    return INT64 if random.random() < 0.75 else TensorProto.INT32


def _division(random: Random, dims: tuple[int, ...]) -> Case:
    dtype = _type(random)
    divisor = value(int(random.integers(2, 64)), np.int64 if dtype == INT64 else np.int32)
    return Case(str(random.choice(["Div", "Mod"])), (activation(*dims, dtype=dtype), divisor))
