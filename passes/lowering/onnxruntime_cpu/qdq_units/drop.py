"""Units that only move or compare data run on the integers as they are.

Runtime's condition, extended level: scale, zero point and type are equal, constant and given on
both sides; of 8 or 16 bits, some of 8 alone. ArgMax needs no QuantizeLinear behind it. DepthToSpace
since 1.22; Resize by nearest alone since 1.28. 1.20 to 1.32.

    before  DQ -> Reshape -> Q
    after   Reshape
"""

from __future__ import annotations

from ...node import WorkNode
from ...rule import LoweringRule
from ...work import Work, cover
from ..quantisation import EIGHT_BIT, SIXTEEN_BIT, equal_parameters
from . import near
from .unit import Unit, unit

_WIDE = (
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Slice",
    "Gather",
    "GatherElements",
    "Expand",
    "Flatten",
    "Tile",
)
_NARROW = ("MaxPool", "ReduceMax", "ReduceMin", "DepthToSpace", "Resize", "Split")


def _apply(work: Work, node: WorkNode) -> bool:
    if node.domain:
        return False
    found = unit(work, node)
    if found is None or found.dqs[0] is None or len(found.inputs) != 1:
        return False
    dq = found.dqs[0]
    types = EIGHT_BIT + (SIXTEEN_BIT if node.op in _WIDE else ())
    if found.into()[0] not in types:
        return False
    if node.op == "MaxPool" and (work.since(node) < 12 or any(node.outputs[1:])):
        return False
    if node.op == "DepthToSpace" and work.target.version < (1, 22):
        return False
    linear = node.op == "Resize" and node.string("mode", "nearest") != "nearest"
    if linear and work.target.version >= (1, 28):
        return False
    equal = all(equal_parameters(work, dq, q) for q in found.qs)
    if not equal and not near.parameters(work, node):
        return False
    _drop(found)
    return True


def _drop(found: Unit) -> None:
    """Let the target read and make the integers."""
    work, node, dq = found.work, found.target, found.dqs[0]
    assert dq is not None
    for part in (dq, *found.qs):
        work.detach(part)
        cover(node, part)
    work.set_input(node, 0, dq.inputs[0])
    if found.qs:
        names = iter([q.output for q in found.qs])
        work.set_outputs(node, [next(names) if o else "" for o in node.outputs])


def _arg_max(work: Work, node: WorkNode) -> bool:
    found = None if node.domain else unit(work, node, without_q=True)
    if found is None or found.qs or found.dqs[0] is None or found.into()[0] not in EIGHT_BIT:
        return False
    if not found.dqs[0].has_input(2):
        return False
    _drop(found)
    return True


SAME = LoweringRule("QDQSelectorActionTransformer", (*_WIDE, *_NARROW), _apply)
ARG_MAX = LoweringRule("QDQSelectorActionTransformer", ("ArgMax",), _arg_max)
