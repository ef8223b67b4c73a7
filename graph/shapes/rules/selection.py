"""Standard operators that select by contents: how much is bounded by what they select from."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ... import dtypes
from ..info import Info, ShapeCall, shape_rule
from ._common import bounded, like


@shape_rule("NonZero")
def non_zero(call: ShapeCall) -> Sequence[Info]:
    """[rank, n], n at most all elements."""
    dims = call.shape(0)
    return [bounded(dtypes.INT64, (len(dims), prod(dims)), exact=not prod(dims))]


@shape_rule("Unique")
def unique(call: ShapeCall) -> Sequence[Info]:
    """At most every slice of the axis, or every element where there is none."""
    dims, dtype = call.shape(0), call.input(0).dtype
    by_slice = "axis" in call.node.attributes
    whole = dims if by_slice else (prod(dims),)
    many = whole[call.node.int("axis", 0)]
    exact = many <= 1
    count = bounded(dtypes.INT64, (many,), exact)
    return [bounded(dtype, whole, exact), count, Info(dtypes.INT64, (many,)), count]


@shape_rule("Compress")
def compress(call: ShapeCall) -> Sequence[Info]:
    """The slices of the axis (elements, without one) whose condition holds."""
    dims, dtype = list(call.shape(0)), call.input(0).dtype
    axis = 0
    if "axis" in call.node.attributes:
        axis = call.node.int("axis", 0)
    else:
        dims = [prod(dims)]
    condition = call.value(1)
    if condition is None:
        dims[axis] = min(dims[axis], *call.shape(1))
    else:
        dims[axis] = int(np.count_nonzero(condition))
    return [bounded(dtype, tuple(dims), condition is not None)]


@shape_rule("TopK")
def top_k(call: ShapeCall) -> Sequence[Info]:
    """Values and indices: k of the axis, all of it where k is not known."""
    dims, axis = list(call.shape(0)), call.node.int("axis", -1)
    exact = True
    if call.get(1) is None:
        dims[axis] = call.node.int("k", 0)
    elif (k := call.value(1)) is not None:
        dims[axis] = int(k.reshape(-1)[0])
    else:
        exact = False
    shape = tuple(dims)
    return [bounded(call.input(0).dtype, shape, exact), bounded(dtypes.INT64, shape, exact)]


@shape_rule("NonMaxSuppression")
def non_max_suppression(call: ShapeCall) -> Sequence[Info]:
    """[n, 3]; in each batch and class at most the boxes, or the limit if it is known.

    Boxes are [batch, boxes, 4], scores [batch, classes, boxes]. Without the limit's input the
    operator answers nothing.
    """
    batch, classes, boxes = call.shape(1)
    if call.get(2) is None:
        return [Info(dtypes.INT64, (0, 3))]
    limit = call.value(2)
    if limit is not None:
        boxes = min(boxes, max(0, int(limit.reshape(-1)[0])))
    rows = batch * classes * boxes
    return [bounded(dtypes.INT64, (rows, 3), exact=not rows)]


@shape_rule("StringNormalizer")
def string_normalizer(call: ShapeCall) -> Sequence[Info]:
    """[C] or [1, C] strings less the stop words; one empty string where none is left."""
    if "stopwords" not in call.node.attributes:
        return [like(call)]
    *outer, words = call.shape(0)
    return [bounded(dtypes.STRING, (*outer, max(1, words)), exact=words <= 1)]
