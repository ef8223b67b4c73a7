"""Two pairs of QuantizeLinear and DequantizeLinear in a row become one.

Runtime's condition, basic level: constants of one element, zero points of one type; the first
DequantizeLinear is read once, the second QuantizeLinear by DequantizeLinears alone, and the first
one by others too only where all parameters are equal and the second by one. 1.20 to 1.32.

    before  Q -> DQ -> Q -> DQ
    after   Q -> DQ, with another scale
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .quantisation import equal_parameters, is_dq, is_q, per_tensor, quantised_type


def _apply(work: Work, node: WorkNode) -> bool:
    """At the first DequantizeLinear."""
    first, third = work.maker(node.inputs[0]), work.next(node)
    if not is_dq(node) or first is None or third is None or not (is_q(first) and is_q(third)):
        return False
    lasts = list(work.readers(third.output))
    if not lasts or work.is_output(third.output) or not all(is_dq(n) for n in lasts):
        return False
    row = [first, node, third, *lasts]
    if not all(per_tensor(work, n) and n.has_input(2) for n in row):
        return False
    if len({quantised_type(work, n) for n in row}) != 1:
        return False
    equal = all(equal_parameters(work, node, n) for n in row)
    if not work.single(first) and (not equal or len(lasts) > 1):
        return False
    for last in lasts:
        work.set_input(last, 0, first.output)
    work.drop(third, "cse")
    work.drop(node, "cse")
    if not equal:
        scale = work.store("DoubleQDQRemoved_scale", FLOAT, ())
        zero = work.store("DoubleQDQRemoved_zp", quantised_type(work, first), ())
        for kept in (first, *lasts):
            work.set_inputs(kept, [kept.inputs[0], scale, zero])
    return True


RULE = LoweringRule("DoubleQDQPairsRemover", ("DequantizeLinear",), _apply)
