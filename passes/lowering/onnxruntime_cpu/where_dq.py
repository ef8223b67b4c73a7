"""A scalar constant branch of a Where between quantised tensors is quantised too.

Runtime's condition, basic level, since 1.24: the other branch is a DequantizeLinear, and the
constant has one element.

    before  Where(c, DQ(x), 0.5)
    after   Where(c, DQ(x), DQ(0.5'))
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Type, Work
from .quantisation import DQ, dq_of, is_q, quantised_type


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain or not is_q(work.next(node)):
        return False
    for slot in (1, 2):
        other = dq_of(work, node.inputs[3 - slot])
        constant = work.constant(node.inputs[slot])
        if other is None or constant is None or constant.size != 1 or constant.dtype != FLOAT:
            continue
        dtype = quantised_type(work, other)
        integer = work.store("dummy_data", dtype, constant.shape)
        scale = work.store("dummy_scale", FLOAT, ())
        zero = work.store("dummy_zp", dtype, ())
        made = work.tensor("dummy_dq", Type(FLOAT, constant.shape))
        dq = work.add(DQ, [integer, scale, zero], made, name="DequantizeLinear")
        dq.glue, dq.covers = True, node.covers
        work.set_input(node, slot, made)
        return True
    return False


RULE = LoweringRule("WhereDummyDq", ("Where",), _apply, since=(1, 24))
