"""Affine maps, y = factor * x + offset per channel, read off the operators that make them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from onnx import helper

from ...graph import Node, Tensor
from ...graph.dtypes import DOUBLE, FLOAT, FLOAT16, name
from ..scope import Array, Refused, Scope

Doubles = npt.NDArray[np.float64]
Affine = tuple[Doubles, Doubles]  # factor and offset, each of one element or one a channel

FLOATS = (FLOAT, DOUBLE, FLOAT16)
_NONE, _ONE = np.zeros(1), np.ones(1)


def arithmetic(
    scope: Scope, node: Node, constant: str, *, rank: int, axis: int, channels: int
) -> Affine:
    """A Mul, Add, Sub or Div with a constant as an affine map per channel.

    Parameters
    ----------
    scope, node, constant
        The operator, and which of its inputs is the constant.
    rank, axis, channels
        Of the other input; ``axis`` is that of its channels.

    Raises
    ------
    Refused
        If the constant is not one value, or one a channel, or rounds what it meets.
    """
    broadcasts(scope)
    found = floats(scope, constant)
    if not _per_channel(found.shape, rank, axis, channels):
        raise Refused(
            f"'{constant}' of shape {list(found.shape)} is not one value for each of the "
            f"{channels} channels on axis {axis} of {rank}"
        )
    value = operand(node, found).reshape(-1)
    if node.op_type in ("Mul", "Div"):
        return value, _NONE
    if node.inputs[0] == constant and node.op_type == "Sub":
        return -_ONE, -value
    return _ONE, value


def operand(node: Node, constant: Tensor) -> Doubles:
    """The constant second input of a Mul or Div as a factor, of an Add or Sub as an offset.

    Raises
    ------
    Refused
        If it is zero, infinite, or so large that adding it rounds what it is added to.
    """
    value = np.asarray(constant.data(), np.float64)
    if not np.all(np.isfinite(value)):
        raise Refused(f"'{constant.name}' is not finite")
    if node.op_type == "Div":
        if not np.all(value):
            raise Refused(f"'{constant.name}' divides by zero")
        return 1 / value
    if node.op_type == "Mul":
        return value
    # adding 1.5 * 2**23 rounds a float32 to whole numbers, which some quantisers rely on
    if np.any(np.abs(value) > 1 / (8 * _eps(constant.dtype))):
        raise Refused(f"adding '{constant.name}' rounds, it is that large")
    return -value if node.op_type == "Sub" else value


def then(first: Affine, second: Affine) -> Affine:
    """``second`` of what ``first`` gives."""
    return second[0] * first[0], second[0] * first[1] + second[1]


def broadcasts(scope: Scope) -> None:
    """Refuse where operators broadcast by attributes and not by shape."""
    if scope.opset() < 7:
        raise Refused("operators broadcast otherwise before opset 7; convert with --opset 13")


def floats(scope: Scope, tensor: str) -> Tensor:
    """A constant of a float type, its data unread.

    Raises
    ------
    Refused
        If it is none.
    """
    found = scope.constant(tensor)
    if found is None:
        raise Refused(f"'{tensor}' is not constant")
    if found.dtype not in FLOATS:
        raise Refused(f"'{tensor}' is {name(found.dtype)}")
    return found


def rounded(exact: Doubles, dtype: int, within: Sequence[int] = ()) -> Array:
    """Values in the float type of the model.

    Parameters
    ----------
    exact
        What was computed.
    dtype
        ONNX ``TensorProto.DataType``.
    within
        Axes over which the largest value decides whether the small ones matter; all small ones
        may be lost if empty.

    Raises
    ------
    Refused
        If they overflow, or even the largest value loses digits.
    """
    kind = helper.tensor_dtype_to_np_dtype(dtype)
    with np.errstate(over="ignore"):
        made: Array = exact.astype(kind)
    if not np.all(np.isfinite(made)):
        raise Refused(f"the constants that it would take overflow {name(dtype)}")
    if within:
        peak = np.abs(exact).max(axis=tuple(within), initial=0)
        if np.any((peak > 0) & (peak < np.finfo(kind).tiny)):
            raise Refused(f"the constants that it would take are too small for {name(dtype)}")
    return made


def _eps(dtype: int) -> float:
    return float(np.finfo(helper.tensor_dtype_to_np_dtype(dtype)).eps)


def _per_channel(shape: Sequence[int], rank: int, axis: int, channels: int) -> bool:
    """Whether a constant of this shape broadcasts along the channels and nothing else."""
    if len(shape) > rank:
        return False
    aligned = [1] * (rank - len(shape)) + list(shape)
    return aligned.pop(axis) in (1, channels) and set(aligned) <= {1}
