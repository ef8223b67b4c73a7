"""A Where by a negated condition swaps its branches.

Runtime's condition: all readers of the Not are Where. Basic level, versions 1.20 to 1.32; Where of
version 16 since 1.26.

    before  Where(Not(c), x, y)
    after   Where(c, y, x)
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover

_WHERE_16 = (1, 26)


def _apply(work: Work, node: WorkNode) -> bool:
    negation = work.made_by(node.inputs[0], "Not")
    if node.domain or negation is None or work.gives_output(negation):
        return False
    if work.since(node) >= 16 and work.target.version < _WHERE_16:
        return False
    readers = work.readers(negation.output)
    if not all(
        r.op == "Where" and not r.domain and r.inputs[0] == negation.output for r in readers
    ):
        return False
    for where in list(readers):
        work.set_inputs(where, [negation.inputs[0], where.inputs[2], where.inputs[1]])
        cover(where, negation)
    work.detach(negation)
    return True


RULE = LoweringRule("NotWhereFusion", ("Where",), _apply)
