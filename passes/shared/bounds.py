"""What Relu and Clip keep their results between."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from onnx import helper

from ...graph import Node
from ..edit import Edit
from ..scope import Scope
from .arguments import attributes, has_input


class Bounds(NamedTuple):
    """Both ends; an infinite one bounds nothing."""

    low: float
    high: float


def bounds(scope: Scope, node: Node) -> Bounds | None:
    """The bounds of a Relu or Clip; None for another node, and where they aren't constant."""
    if node.domain or node.op_type not in ("Relu", "Clip"):
        return None
    if node.op_type == "Relu":
        return Bounds(0.0, np.inf)
    low = _bound(scope, node, 1, "min", -np.inf)
    high = _bound(scope, node, 2, "max", np.inf)
    return None if low is None or high is None or not low <= high else Bounds(low, high)


def _bound(scope: Scope, node: Node, slot: int, attribute: str, absent: float) -> float | None:
    if not has_input(node, slot):
        return node.float(attribute, absent)
    value = scope.value(node.inputs[slot])
    return None if value is None or value.size != 1 else float(value.reshape(()))


def change_to_clip(scope: Scope, edit: Edit, node: Node, x: str, to: Bounds) -> None:
    """Put a Clip of ``x`` in the place of a node; a Relu where that does."""
    given = {k: v for k, v in {"min": to.low, "max": to.high}.items() if np.isfinite(v)}
    if given == {"min": 0.0}:
        edit.change(node, op_type="Relu", inputs=(x,), attributes={})
    elif scope.opset() < 11:
        edit.change(node, op_type="Clip", inputs=(x,), attributes=attributes(**given))
    else:
        dtype = helper.tensor_dtype_to_np_dtype(scope.dtype(node.outputs[0]) or 0)
        ends = [
            edit.constant(np.array(given[end], dtype), f"{node.outputs[0]}/{end}")
            if end in given
            else ""
            for end in ("min", "max")
        ]
        edit.change(node, op_type="Clip", inputs=(x, *ends), attributes={})
