"""A constant bias behind MatMulNBits goes into it.

Runtime's condition, extended level: read only by an Add of a constant with one dim of N.
Since 1.26.

    before  Add(MatMulNBits(x, w, s), b)
    after   MatMulNBits(x, w, s, , , b)
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import Rule
from ..work import Work
from .conditions import MS, other


def _apply(work: Work, node: WorkNode) -> bool:
    add = work.next(node, "Add")
    bias = None if add is None or node.has_input(5) else other(add, node.output)
    constant = None if bias is None else work.constant(bias)
    if add is None or bias is None or constant is None or node.domain != MS:
        return False
    if constant.shape != (node.int("N", 0),):
        return False
    work.absorb(node, add)
    work.set_input(node, 5, bias)
    return True


BIAS = Rule("MatMulNBitsFusion", ("MatMulNBits",), _apply)
