"""Sorting and selecting, running sums, and rows that are turned round."""

from __future__ import annotations

import numpy as np

from ..case import INT64, Case, activation, cases, value, weight
from ..sizes import Random, shape, size

_MOST = 3e5


@cases("TopK and running sums", 2)
def along_axis(random: Random, block: int) -> Case | None:
    """TopK, ArgMax, CumSum, ReverseSequence, of the last axis for the most part."""
    del block
    dims = shape(random, _MOST)
    rank = len(dims)
    axis = rank - 1 if random.random() < 0.7 else int(random.integers(rank))
    name = str(random.choice(["TopK", "TopK", "TopK", "ArgMax", "CumSum", "CumSum", "Reverse"]))
    if name == "TopK":
        kept = size(random, 1, dims[axis]) if random.random() < 0.6 else min(5, dims[axis])
        source = weight(*dims)  # in no order
        return Case(name, (source, value([kept])), outputs=2, attributes={"axis": axis})
    if name == "ArgMax":
        return Case(name, (activation(*dims),), attributes={"axis": axis})
    if name == "CumSum":
        dtype = {} if random.random() < 0.6 else {"dtype": INT64}
        return Case(name, (activation(*dims, **dtype), value(axis)))
    if rank < 2:
        return None
    lengths = value(random.integers(1, dims[0] + 1, dims[1]))
    attributes = {"batch_axis": 1, "time_axis": 0}
    return Case("ReverseSequence", (activation(*dims), lengths), attributes=attributes)


@cases("suppression", 0.7)
def suppression(random: Random, block: int) -> Case | None:
    """NonMaxSuppression, of boxes of which few pass the threshold, or many."""
    del block
    boxes, classes = size(random, 16, 4096), 1 if random.random() < 0.6 else size(random, 2, 20)
    corners = random.random((1, boxes, 2)).astype(np.float32)
    sides = (random.random((1, boxes, 2)) * 0.2).astype(np.float32)
    operands = (
        value(np.concatenate([corners, corners + sides], axis=-1), np.float32),
        value(random.random((1, classes, boxes)), np.float32),
        *(value([size(random, 10, 200)]), value([0.5], np.float32)),
        value([float(random.choice([0.05, 0.3, 0.7]))], np.float32),
    )
    return Case("NonMaxSuppression", operands)
