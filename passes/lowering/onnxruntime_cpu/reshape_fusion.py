"""A computed shape of known pieces is a constant; Reshapes in a row are one.

Runtime's condition, basic level. Shape: it is a Concat, read once, of constants and of sizes
Shape(x) -> Gather(i) -> Unsqueeze, the i-th size at place i, of the tensor that is reshaped or of
one known to be as large there; at most one more piece of one element, or -1. Row, since 1.22:
Reshape and then Reshape, Squeeze or Unsqueeze, each read once; the last makes fixed sizes, none 0.
1.20 to 1.32.

    before  Reshape(x, Concat(Unsqueeze(Gather(Shape(x), 0)), 12, 64))
    after   Reshape(x, [0, 12, 64])
"""

from __future__ import annotations

import numpy as np

from ....graph.dtypes import INT64
from ..inference import refresh
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import same_dim
from .constant_folding import drop_unread

_ROWS = (1, 22)
_VIEWS = ("Reshape", "Squeeze", "Unsqueeze")


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain:
        return False
    if work.target.version >= _ROWS and _row(work, node):
        return True
    return _computed(work, node)


def _row(work: Work, node: WorkNode) -> bool:
    row = [node]
    while (view := work.next(row[-1], *_VIEWS)) is not None and view.inputs[0] == row[-1].output:
        row.append(view)
    shape = work.shape(row[-1].output)
    if len(row) < 2 or shape is None or 0 in shape:
        return False
    if any(n.int("allowzero", 0) for n in row):
        return False
    target = work.store("new_shape", INT64, (len(shape),), np.array(shape, np.int64))
    inputs, outputs = [node.inputs[0], target], row[-1].outputs
    glue = all(n.glue for n in row)
    near = row[0].covers
    made = work.replace(row, "Reshape", inputs, outputs, name=f"{node.name}_new_reshape")
    if glue:
        made.glue, made.covers = True, near
    return True


def _computed(work: Work, node: WorkNode) -> bool:
    concat = work.made_by(node.input(1), "Concat")
    if concat is None or node.int("allowzero", 0) or not work.single(concat):
        return False
    shape: list[int] = []
    open_pieces = 0
    for piece in concat.inputs:
        known = work.numbers(piece)
        if known is not None:
            shape += known
        elif _size(work, piece, node.inputs[0], len(shape)):
            shape.append(0)
        elif work.dims(piece) == (1,):
            shape.append(-1)
            open_pieces += 1
        else:
            return False
    if open_pieces > 1 or shape.count(-1) > 1:
        return False
    target = work.store("new_shape", INT64, (len(shape),), np.array(shape, np.int64))
    work.set_input(node, 1, target)
    drop_unread(work, concat)
    refresh(work, [node])
    return True


def _size(work: Work, piece: str, root: str, place: int) -> bool:
    """Whether a piece is the size of an axis of a tensor."""
    unsqueeze = work.made_by(piece, "Unsqueeze")
    gather = None if unsqueeze is None else work.made_by(unsqueeze.inputs[0], "Gather")
    if gather is None or unsqueeze is None:
        return False
    shape = work.made_by(gather.inputs[0], "Shape")
    axes = unsqueeze.ints("axes") or work.numbers(unsqueeze.input(1))
    if shape is None or axes != (0,) or gather.int("axis", 0) != 0:
        return False
    if work.number(gather.inputs[1]) != place or shape.attributes.get("start") is not None:
        return False
    return shape.inputs[0] == root or _equal(work, shape.inputs[0], root, place)


def _equal(work: Work, first: str, second: str, axis: int) -> bool:
    """Whether two tensors are known to have the same size on an axis."""
    one, two = work.dims(first), work.dims(second)
    if one is None or two is None or axis >= min(len(one), len(two)):
        return False
    return same_dim(one[axis], two[axis])


RULE = LoweringRule("ReshapeFusion", ("Reshape",), _apply)
