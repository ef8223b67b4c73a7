"""Operators that fold an axis: reductions, running sums, arg-max, the largest k."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..fold import FoldCall, FoldFunction, Unfoldable, Values, folds


def _extremes(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The lowest and highest value: what Max and Min of nothing answer."""
    if dtype.kind == "f":
        return -np.inf, np.inf
    if dtype.kind == "b":
        return False, True
    return np.iinfo(dtype).min, np.iinfo(dtype).max


def ordered(x: Values) -> None:
    """Refuse to compare NaN: which element runtimes find the largest then depends on their order.

    Raises
    ------
    Unfoldable
        If one is there.
    """
    if x.dtype.kind == "f" and np.isnan(x).any():
        raise Unfoldable


_Axes = tuple[int, ...] | None


def _whole(operation: np.ufunc, x: Values, axes: _Axes) -> None:
    """Refuse sums and products of integers that runtimes round, or that wrap or are cut off.

    onnxruntime adds up integers as float64.
    """
    if x.dtype.kind not in "iu" or not x.size:
        return
    exact = operation.reduce(np.abs(x.astype(np.float64)), axes)
    if np.any(exact >= min(float(np.iinfo(x.dtype).max), 2.0**53)):
        raise Unfoldable


def _sum(x: Values, axes: _Axes, keepdims: bool) -> Values:
    _whole(np.add, x, axes)
    return np.asarray(np.sum(x, axes, x.dtype, keepdims=keepdims))


def _prod(x: Values, axes: _Axes, keepdims: bool) -> Values:
    _whole(np.multiply, x, axes)
    return np.asarray(np.prod(x, axes, x.dtype, keepdims=keepdims))


def _max(x: Values, axes: _Axes, keepdims: bool) -> Values:
    ordered(x)
    lowest, _ = _extremes(x.dtype)
    return np.asarray(np.max(x, axes, keepdims=keepdims, initial=lowest))


def _min(x: Values, axes: _Axes, keepdims: bool) -> Values:
    ordered(x)
    _, highest = _extremes(x.dtype)
    return np.asarray(np.min(x, axes, keepdims=keepdims, initial=highest))


def _mean(x: Values, axes: _Axes, keepdims: bool) -> Values:
    if not x.size:
        raise Unfoldable
    return np.asarray(np.mean(x, axes, keepdims=keepdims)).astype(x.dtype)


_Reduction = Callable[[Values, _Axes, bool], Values]

_REDUCTIONS: dict[str, _Reduction] = {
    "ReduceSum": _sum,
    "ReduceProd": _prod,
    "ReduceMax": _max,
    "ReduceMin": _min,
    "ReduceMean": _mean,
}


def _reduction(operation: _Reduction) -> FoldFunction:
    def function(call: FoldCall) -> Values:
        x = call.value(0)
        axes = call.integers(1, "axes")
        if not axes and call.node.int("noop_with_empty_axes", 0):
            return x
        keepdims = bool(call.node.int("keepdims", 1))
        return operation(x, axes or None, keepdims)

    return function


for _name, _operation in _REDUCTIONS.items():
    folds(_name)(_reduction(_operation))


@folds("CumSum")
def cum_sum(call: FoldCall) -> Values:
    """The running sum along the axis that input 1 names."""
    x = call.value(0)
    axis = int(call.value(1).reshape(-1)[0])
    reverse = bool(call.node.int("reverse", 0))
    if reverse:
        x = np.flip(x, axis)
    total = np.cumsum(x, axis, dtype=x.dtype)
    if call.node.int("exclusive", 0):
        # not total - x: that rounds, and is NaN where x is infinite
        nothing = np.zeros_like(np.take(x, [0] if x.shape[axis] else [], axis))
        before = np.take(total, range(max(x.shape[axis] - 1, 0)), axis)
        total = np.concatenate([nothing, before], axis)
    return np.flip(total, axis) if reverse else total


@folds("ArgMax", "ArgMin")
def arg_max(call: FoldCall) -> Values:
    """The index of the first (or last) extreme element along an axis."""
    x, axis = call.value(0), call.node.int("axis", 0)
    ordered(x)
    find = np.argmax if call.node.op_type == "ArgMax" else np.argmin
    keepdims = bool(call.node.int("keepdims", 1))
    if call.node.int("select_last_index", 0):
        last = x.shape[axis] - 1
        found = last - find(np.flip(x, axis), axis=axis, keepdims=keepdims)
    else:
        found = find(x, axis=axis, keepdims=keepdims)
    return np.asarray(found, np.int64)


@folds("TopK")
def top_k(call: FoldCall) -> list[Values]:
    """Values and indices of the k largest or smallest, the lower index first among equals."""
    x, axis = call.value(0), call.node.int("axis", -1)
    ordered(x)
    k = call.node.int("k", 0) if call.get(1) is None else int(call.value(1).reshape(-1)[0])
    if call.node.int("largest", 1):
        # sorting the flipped array and flipping back keeps equal elements in order
        order = x.shape[axis] - 1 - np.argsort(np.flip(x, axis), axis, kind="stable")
        order = np.flip(order, axis)
    else:
        order = np.argsort(x, axis, kind="stable")
    if not 0 <= k <= x.shape[axis]:
        raise Unfoldable
    order = np.take(order, range(k), axis)
    return [np.take_along_axis(x, order, axis), order.astype(np.int64)]
