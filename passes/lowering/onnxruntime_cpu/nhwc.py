"""Quantised convolutions run with the channels last.

Runtime's condition, layout level: QLinearConv of known rank. A Transpose stands before and behind,
and the transpose optimiser then moves and cancels them. 1.20 to 1.32.

    before  QLinearConv -> QLinearConv
    after   Transpose -> com.microsoft::QLinearConv(channels_last=1) twice -> Transpose
"""

from __future__ import annotations

from ..rule import Sweep
from ..work import Work
from .conditions import MS
from .transposes import optimise
from .transposes.moves import inverse, swapped, transposed
from .transposes.quantised import EXTENDED


def _apply(work: Work) -> bool:
    changed = False
    for node in work.visit(("QLinearConv",)):
        rank = work.rank(node.inputs[0])
        if node.domain or rank is None or rank < 3:
            continue
        last = (0, *range(2, rank), 1)
        first = inverse(last)
        source, output = node.inputs[0], node.output
        behind = work.tensor(node.name or output, transposed(work.type(output), last))
        work.set_input(node, 0, swapped(work, source, last, node))
        work.set_outputs(node, [behind])
        node.set(channels_last=1)
        work.set_op(node, "QLinearConv", MS)
        work.call(node, node.name or output)
        work.glue("Transpose", behind, output, (node,), perm=list(first))
        changed = True
    if changed:
        optimise(work, EXTENDED)
    return changed


SWEEP = Sweep("NhwcTransformer", ("QLinearConv",), _apply)
