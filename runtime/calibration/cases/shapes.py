"""Views, and what computes shapes: nodes of a few elements, which small models are made of."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, numpy_helper

from ..case import BOOL, FLOAT, INT64, Case, Operand, activation, cases, value
from ..sizes import Random, shape, size

_MOST = 2e6
_TYPES = (FLOAT, FLOAT, FLOAT, INT64, TensorProto.UINT8)


@cases("views", 2)
def views(random: Random, block: int) -> Case | None:
    """What moves nothing, or tells a shape."""
    del block
    dims, dtype = shape(random, _MOST), int(random.choice(_TYPES))
    source = activation(*dims, dtype=dtype)
    names = ["Reshape", "Reshape", "Shape", "Unsqueeze", "Flatten", "Squeeze", "Identity", "Size"]
    name = str(random.choice(names))
    if name == "Flatten":
        return Case(name, (source,), attributes={"axis": min(1, len(dims))})
    if name in ("Shape", "Size", "Identity"):
        return Case(name, (source,))
    if name == "Squeeze":
        return Case(name, (activation(1, *dims, dtype=dtype), value([0])))
    return Case(name, (source, value([-1] if name == "Reshape" else [0])))


@cases("shapes", 4)
def shapes(random: Random, block: int) -> Case | None:
    """Of a few int64."""
    del block
    count = int(random.integers(2, 6))
    few = activation(count, dtype=INT64)
    at = int(random.integers(count))
    name = str(random.choice(["Gather", "Gather", "Concat", "Concat", "Unsqueeze", "others"]))
    if name == "Gather":
        return Case(name, (few, value([at]) if random.random() < 0.4 else value(at)))
    if name == "Concat":
        return Case(name, (activation(1, dtype=INT64),) * count, attributes={"axis": 0})
    if name == "Unsqueeze":
        return Case(name, (activation(dtype=INT64), value([0])))
    return _calculated(random, few, at)


def _calculated(random: Random, few: Operand, at: int) -> Case:
    name = str(random.choice(["Slice", "Cast", "ReduceProd", "Add", "Mul", "Div", "Equal", "Sub"]))
    if name == "Slice":
        return Case(name, (few, value([0]), value([at + 1]), value([0])))
    if name == "Cast":
        other = int(random.choice([FLOAT, TensorProto.INT32, BOOL]))
        return Case(name, (few,), attributes={"to": other})
    if name == "ReduceProd":
        return Case(name, (few,), attributes={"keepdims": int(random.random() < 0.5)})
    return Case(name, (few, value([2]) if random.random() < 0.5 or name == "Div" else few))


@cases("made by themselves", 1.5)
def made(random: Random, block: int) -> Case | None:
    """Range, ConstantOfShape, EyeLike, Trilu."""
    del block
    count = size(random, 1, 65536) if random.random() < 0.5 else size(random, 1, 16)
    name = str(random.choice(["Range", "ConstantOfShape", "EyeLike", "Trilu", "Trilu"]))
    if name == "Range":
        return Case(name, (value(0), value(count), value(1)))
    if name == "ConstantOfShape":
        zero = np.zeros(1, np.int64 if random.random() < 0.5 else np.float32)
        filled = numpy_helper.from_array(zero)
        return Case(name, (value([count]),), attributes={"value": filled})
    side = min(512, count)
    if name == "EyeLike":
        return Case(name, (activation(side, side),))
    dtype = FLOAT if random.random() < 0.6 else BOOL
    source = activation(*((1, 1) if random.random() < 0.5 else ()), side, side, dtype=dtype)
    return Case(name, (source,), attributes={"upper": int(random.random() < 0.5)})
