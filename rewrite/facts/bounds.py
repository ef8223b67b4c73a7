"""What Relu and Clip keep their results between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from onnx import helper

from ...graph import Node, dtypes
from ..edit import Edit
from ..scope import Scope
from .arguments import attributes, has_input


class Bounds(NamedTuple):
    """Both ends; an infinite one bounds nothing."""

    low: float
    high: float


def bounds(scope: Scope, node: Node) -> Bounds | None:
    """The bounds of a Relu or Clip; None for another node, and where they aren't constant.

    A bound that a Clip is not given is the lowest or largest finite number of its type, by the
    operator's definition and in onnxruntime: it makes that of an infinity.
    """
    if node.domain or node.op_type not in ("Relu", "Clip"):
        return None
    if node.op_type == "Relu":
        return Bounds(0, np.inf)
    ends = _finite(scope, node)
    if ends is None:
        return None
    low = _bound(scope, node, 1, "min", ends.low)
    high = _bound(scope, node, 2, "max", ends.high)
    return None if low is None or high is None or not low <= high else Bounds(low, high)


def _finite(scope: Scope, node: Node) -> Bounds | None:
    """The lowest and the largest finite number of what a node reads; None for an odd type."""
    dtype = scope.dtype(node.inputs[0])
    if dtype is None or (scope.opset() < 11 and dtype != dtypes.FLOAT):
        return None  # before, the largest number was that of float32 whatever the type
    if dtype in (dtypes.FLOAT, dtypes.DOUBLE, dtypes.FLOAT16):
        floats = np.finfo(helper.tensor_dtype_to_np_dtype(dtype))
        return Bounds(float(floats.min), float(floats.max))
    numbers = np.dtype(helper.tensor_dtype_to_np_dtype(dtype))
    if numbers.kind not in "iu":
        return None
    whole = np.iinfo(numbers)
    return Bounds(int(whole.min), int(whole.max))


def _bound(scope: Scope, node: Node, slot: int, attribute: str, absent: float) -> float | None:
    if not has_input(node, slot):
        return node.float(attribute, absent)
    value = scope.value(node.inputs[slot])
    if value is None or value.size != 1 or value.dtype.kind not in "fiu":
        return None
    exact: float = value.reshape(()).item()  # an int stays one: not every int64 is a float
    return exact


def change_to_clip(scope: Scope, edit: Edit, node: Node, x: str, to: Bounds) -> None:
    """Put a Clip of ``x`` in the place of a node, which bounds too; a Relu where that does."""
    ends = _finite(scope, node)
    assert ends is not None  # or its bounds would not be known
    if to == (0, np.inf):
        edit.change(node, op_type="Relu", inputs=(x,), attributes={})
        return
    given = {
        name: value
        for name, value, absent in zip(("min", "max"), to, ends, strict=True)
        if value != absent
    }
    if scope.opset() < 11:
        floats = {name: float(value) for name, value in given.items()}
        edit.change(node, op_type="Clip", inputs=(x,), attributes=attributes(**floats))
        return
    dtype = helper.tensor_dtype_to_np_dtype(scope.dtype(node.inputs[0]) or 0)
    stored = [
        edit.constant(np.array(given[end], dtype), f"{node.outputs[0]}/{end}")
        if end in given
        else ""
        for end in ("min", "max")
    ]
    inputs = (x, *stored) if stored[-1] else (x, *stored[:-1])
    edit.change(node, op_type="Clip", inputs=inputs, attributes={})
