"""A constant bias behind MatMulNBits goes into it.

Runtime's condition, extended level: read only by an Add of a constant with one dim of N.
Since 1.26.

    before  Add(MatMulNBits(x, w, s), b)
    after   MatMulNBits(x, w, s, , , b)
"""

from __future__ import annotations

from ..mends import reshape_constant
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import MS, other


def _apply(work: Work, node: WorkNode) -> bool:
    add = work.next(node, "Add")
    bias = None if add is None or node.has_input(5) else other(add, node.output)
    constant = None if bias is None else work.constant(bias)
    if add is None or bias is None or constant is None or node.domain != MS:
        return False
    columns, slot = node.int("N", 0), add.inputs.index(bias)
    if constant.shape != (columns,):
        if constant.size != columns or constant.shape[-1:] != (columns,):
            return False
        if not work.decline(
            "MatMulNBitsFusion",
            (node, add),
            f"the bias '{bias}' is of shape {list(constant.shape)}",
            f"write '{bias}' as [{columns}]",
            lambda: reshape_constant(work, add, slot, (columns,)),
            kind="the bias of quantised weights is no vector",
        ):
            return False
        bias = add.inputs[slot]
    work.absorb(node, add)
    work.set_input(node, 5, bias)
    return True


BIAS = LoweringRule("MatMulNBitsFusion", ("MatMulNBits",), _apply)
