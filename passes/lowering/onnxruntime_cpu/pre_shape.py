"""A Cast of which only the shape is asked.

Runtime's condition: all readers are Shape of version 13 on; the Cast is removable.
Basic level, versions 1.20 to 1.32.

    before  Cast -> Shape
    after   Shape
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import removable, take_out


def _apply(work: Work, node: WorkNode) -> bool:
    readers = work.readers(node.output)
    if node.domain or not readers or not removable(work, node):
        return False
    if not all(work.is_op(r, "Shape", 13, 15, 19, 21, 23, 24, 25) for r in readers):
        return False
    return take_out(work, node)


RULE = LoweringRule("PreShapeNodeElimination", ("Cast",), _apply)
