"""Operators that move elements from or to computed places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..fold import FoldCall, Values, folds
from .reductions import ordered

_Index = tuple[Any, ...]

_COMBINE: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def _along(indices: Values, axis: int) -> _Index:
    """Numpy index that reads, at every place of ``indices``, that index of the axis."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    grid[axis] = indices
    return tuple(grid)


def _scatter(call: FoldCall, place: Callable[[Values], _Index]) -> Values:
    x, index, updates = call.value(0).copy(), place(call.value(1)), call.value(2)
    reduction = call.node.string("reduction", "none")
    if reduction == "none":
        x[index] = updates
    else:
        if reduction in ("max", "min"):
            ordered(x)
            ordered(updates)
        _COMBINE[reduction].at(x, index, updates)
    return x


@folds("Gather")
def gather(call: FoldCall) -> Values:
    """Whole slices of an axis, at indices of any rank; negative ones count from the end."""
    x, indices, axis = call.value(0), call.value(1), call.node.int("axis", 0)
    call.room(x.size // max(1, x.shape[axis]) * indices.size)
    return np.asarray(np.take(x, indices, axis))


@folds("GatherElements")
def gather_elements(call: FoldCall) -> Values:
    """One element for each index."""
    indices = call.value(1)
    call.room(*indices.shape)
    return np.asarray(call.value(0)[_along(indices, call.node.int("axis", 0))])


@folds("GatherND")
def gather_nd(call: FoldCall) -> Values:
    """Slices at the index tuples in the last dim of input 1."""
    x, indices, batch = call.value(0), call.value(1), call.node.int("batch_dims", 0)
    call.room(*indices.shape[:-1], *x.shape[batch + indices.shape[-1] :])
    outer: list[Any] = list(np.ogrid[tuple(slice(n) for n in indices.shape[:-1])][:batch])
    return np.asarray(x[tuple(outer + list(np.moveaxis(indices, -1, 0)))])


@folds("ScatterND")
def scatter_nd(call: FoldCall) -> Values:
    """Slices written to the index tuples in the last dim of input 1."""
    return _scatter(call, lambda indices: tuple(np.moveaxis(indices, -1, 0)))


@folds("ScatterElements", "Scatter")
def scatter_elements(call: FoldCall) -> Values:
    """One element written for each index."""
    return _scatter(call, lambda indices: _along(indices, call.node.int("axis", 0)))


@folds("NonZero")
def non_zero(call: FoldCall) -> Values:
    """Indices of what is not zero, [rank, n]."""
    x = call.value(0)
    if x.ndim == 0:
        return np.zeros((0, int(bool(x))), np.int64)
    return np.asarray(np.nonzero(x), np.int64)


@folds("Compress")
def compress(call: FoldCall) -> Values:
    """The slices of an axis where the condition holds, or the elements where there is no axis."""
    axis = call.node.int("axis", 0) if "axis" in call.node.attributes else None
    return np.compress(call.value(1).astype(bool), call.value(0), axis)


@folds("OneHot")
def one_hot(call: FoldCall) -> Values:
    """``values`` are (off, on); an index out of range gives a row of offs."""
    indices = call.value(0).astype(np.int64)
    depth = int(call.value(1).reshape(-1)[0])
    off, on = call.value(2)
    call.room(max(1, indices.size), depth)  # the row itself is made too
    hot = np.where(indices < 0, indices + depth, indices)[..., None] == np.arange(depth)
    axis = call.node.int("axis", -1)
    return np.moveaxis(np.where(hot, on, off), -1, axis)
