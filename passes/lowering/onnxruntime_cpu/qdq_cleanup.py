"""A DequantizeLinear and a QuantizeLinear of equal parameters behind it go.

Runtime's condition, end of the extended level: each read once, constants equal. Between an input
and an output of the graph an Identity stays. 1.20 to 1.32.

    before  x -> DQ -> Q -> y
    after   x -> y
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, union
from .quantisation import equal_parameters, is_dq, is_q


def _apply(work: Work, node: WorkNode) -> bool:
    behind = work.next(node)
    if not is_dq(node) or behind is None or not is_q(behind):
        return False
    if not equal_parameters(work, node, behind):
        return False
    if len(work.readers(behind.output)) + work.is_output(behind.output) > 1:
        return False
    source, output = node.inputs[0], behind.output
    maker = work.maker(source)
    if not work.is_output(output):
        for gone in (node, behind):
            work.drop(gone, "cse")
        work.rewire(output, source)
    elif maker is None or work.is_output(source) or len(work.readers(source)) != 1:
        for gone in (node, behind):
            work.detach(gone)
        kept = work.add("Identity", [source], output, name="Identity")
        kept.covers = union((node, behind))
    else:
        for gone in (node, behind):
            work.drop(gone, "cse")
        work.rename(source, output)
    return True


RULE = LoweringRule("QDQFinalCleanupTransformer", ("DequantizeLinear",), _apply)
