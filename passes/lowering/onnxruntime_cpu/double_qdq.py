"""Two pairs of QuantizeLinear and DequantizeLinear in a row become one.

Runtime's condition, basic level: constants of one element, zero points of one type, each node read
once. 1.20 to 1.32.

    before  Q -> DQ -> Q -> DQ
    after   Q -> DQ, with another scale
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..node import WorkNode
from ..rule import Rule
from ..work import Work
from .quantisation import is_dq, is_q, per_tensor, quantised_type


def _apply(work: Work, node: WorkNode) -> bool:
    row = [node]
    for check in (is_dq, is_q, is_dq):
        behind = work.next(row[-1])
        if behind is None or not check(behind):
            return False
        row.append(behind)
    if not is_q(node) or not all(per_tensor(work, n) and n.has_input(2) for n in row):
        return False
    if len({quantised_type(work, n) for n in row}) != 1:
        return False
    first, second, third, last = row
    work.set_input(last, 0, first.output)
    work.drop(second, "cse")
    work.drop(third, "cse")
    scale = work.store("DoubleQDQRemoved_scale", FLOAT, ())
    zero = work.store("DoubleQDQRemoved_zp", quantised_type(work, first), ())
    for kept in (first, last):
        work.set_inputs(kept, [kept.inputs[0], scale, zero])
    return True


RULE = Rule("DoubleQDQPairsRemover", ("QuantizeLinear",), _apply)
