"""Elementwise operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ..fold import FoldCall, FoldFunction, Unfoldable, Values, folds


def _broadcast(call: FoldCall, *values: Values) -> None:
    """Refuse operands that broadcast to too large a result."""
    size = 1
    for value in values:
        size *= value.size
    if size > call.limit:
        call.room(*np.broadcast_shapes(*(value.shape for value in values)))


def _divide(a: Values, b: Values) -> Values:
    """C's division: integers truncate towards zero."""
    if a.dtype.kind not in "iu":
        return np.asarray(np.divide(a, b))
    _refuse_zero(b)
    return np.asarray((a - np.fmod(a, b)) // b)


def _refuse_zero(divisor: Values) -> None:
    if not divisor.all():
        raise Unfoldable


def _power(a: Values, b: Values) -> Values:
    return np.asarray(np.power(a, b)).astype(a.dtype)


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _divide,
    "Pow": _power,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "BitwiseAnd": np.bitwise_and,
    "BitwiseOr": np.bitwise_or,
    "BitwiseXor": np.bitwise_xor,
}

_UNARY: dict[str, Callable[[Any], Any]] = {
    "Identity": np.asarray,
    "Neg": np.negative,
    "Abs": np.abs,
    "Sign": np.sign,
    "Not": np.logical_not,
    "BitwiseNot": np.invert,
    "IsNaN": np.isnan,
    "Relu": lambda x: np.maximum(x, x.dtype.type(0)),
}

# on integers numpy would answer a float; ONNX has none of these for integers
_FLOAT: dict[str, Callable[[Any], Any]] = {
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.rint,
    "Sqrt": np.sqrt,
    "Exp": np.exp,
    "Log": np.log,
    "Reciprocal": np.reciprocal,
}

_VARIADIC: dict[str, Callable[[Any, Any], Any]] = {
    "Min": np.minimum,
    "Max": np.maximum,
    "Sum": np.add,
}


def _binary(operation: Callable[[Any, Any], Any]) -> FoldFunction:
    def function(call: FoldCall) -> Values:
        a, b = call.value(0), call.value(1)
        axis = call.node.int("axis", -1)
        if axis >= 0 and call.opset < 7:
            # before opset 7, b's dims stand at a's from `axis` on
            b = b.reshape(b.shape + (1,) * (a.ndim - axis - b.ndim))
        _broadcast(call, a, b)
        return np.asarray(operation(a, b))

    return function


def _unary(operation: Callable[[Any], Any]) -> FoldFunction:
    return lambda call: np.asarray(operation(call.value(0)))


def _float(operation: Callable[[Any], Any]) -> FoldFunction:
    def function(call: FoldCall) -> Values:
        x = call.value(0)
        if x.dtype.kind != "f":
            raise Unfoldable
        return np.asarray(operation(x))

    return function


def _variadic(operation: Callable[[Any, Any], Any]) -> FoldFunction:
    def function(call: FoldCall) -> Values:
        values = call.values()
        _broadcast(call, *values)
        return np.asarray(reduce(operation, values))

    return function


for _name, _two in _BINARY.items():
    folds(_name)(_binary(_two))
for _name, _one in _UNARY.items():
    folds(_name)(_unary(_one))
for _name, _one in _FLOAT.items():
    folds(_name)(_float(_one))
for _name, _two in _VARIADIC.items():
    folds(_name)(_variadic(_two))


@folds("Mean")
def mean(call: FoldCall) -> Values:
    """The sum of all inputs over their number."""
    values = call.values()
    _broadcast(call, *values)
    total = reduce(np.add, values)
    return np.asarray(total / total.dtype.type(len(values)))


@folds("Mod")
def mod(call: FoldCall) -> Values:
    """The remainder with the divisor's sign, or with the dividend's as C has it where fmod=1."""
    a, b = call.value(0), call.value(1)
    _broadcast(call, a, b)
    if a.dtype.kind in "iu":
        _refuse_zero(b)
    return np.asarray(np.fmod(a, b) if call.node.int("fmod", 0) else np.mod(a, b))


@folds("BitShift")
def bit_shift(call: FoldCall) -> Values:
    """Shift left or right."""
    a, b = call.value(0), call.value(1)
    _broadcast(call, a, b)
    left = call.node.string("direction", "") == "LEFT"
    return np.asarray(np.left_shift(a, b) if left else np.right_shift(a, b))


@folds("Where")
def where(call: FoldCall) -> Values:
    """X where the condition holds, else Y."""
    condition, x, y = call.value(0), call.value(1), call.value(2)
    _broadcast(call, condition, x, y)
    return np.where(condition, x, y)


@folds("Clip")
def clip(call: FoldCall) -> Values:
    """Limits are attributes before opset 11. The upper one wins where they cross.

    One that is not given is the lowest or largest finite number, so that it tells of infinities.
    """
    x = call.value(0)
    low, high = call.get(1), call.get(2)
    if x.dtype.kind not in "fiu":
        raise Unfoldable
    ends = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype)
    if low is None:
        low = np.asarray(call.node.float("min", ends.min), x.dtype)
    if high is None:
        high = np.asarray(call.node.float("max", ends.max), x.dtype)
    return np.asarray(np.minimum(np.maximum(x, low), high))


@folds("IsInf")
def is_inf(call: FoldCall) -> Values:
    """Infinities of the signs that the attributes ask for."""
    x = call.value(0)
    found = np.zeros(x.shape, bool)
    if call.node.int("detect_negative", 1):
        found |= np.isneginf(x)
    if call.node.int("detect_positive", 1):
        found |= np.isposinf(x)
    return found
