"""A product with a reciprocal is a quotient.

Runtime's condition: Div of a constant 1 of one element, read by one Mul alone.
Basic level, versions 1.20 to 1.32.

    before  Mul(Div(1, x), y)
    after   Div(y, x)
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work


def _apply(work: Work, node: WorkNode) -> bool:
    if not work.is_op(node, "Div", 7, 13, 14) or work.number(node.inputs[0]) != 1:
        return False
    mul = work.next(node, "Mul")
    if mul is None or not work.is_op(mul, "Mul", 7, 13, 14):
        return False
    factor = mul.inputs[1] if mul.inputs[0] == node.output else mul.inputs[0]
    work.absorb(node, mul)
    work.set_input(node, 0, factor)
    return True


RULE = LoweringRule("DivMulFusion", ("Div",), _apply)
