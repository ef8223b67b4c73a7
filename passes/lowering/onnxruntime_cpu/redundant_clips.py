"""A Relu or Clip that the quantisation behind it makes needless.

Runtime's condition, extended level: read only by a QuantizeLinear of constants. Relu: its zero
point is the least value of its type, of 8 or 16 bits. Clip: the bounds, constant, contain what it
can hold. 1.20 to 1.32.

    before  Relu -> QuantizeLinear(zero point 0, uint8)
    after   QuantizeLinear
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import Rule
from ..work import Work, cover
from .quantisation import is_lowest, is_q, limits

_SLACK = 1e-5


def _relu(work: Work, node: WorkNode) -> bool:
    behind = work.next(node)
    if node.domain or behind is None or not is_q(behind):
        return False
    if not is_lowest(work, behind):
        work.decline(
            "ReluQuantRewrite", (node, behind), "the zero point is not the least of its type"
        )
        return False
    return _out(work, node, behind)


def _clip(work: Work, node: WorkNode) -> bool:
    behind = work.next(node)
    if node.domain or behind is None or not is_q(behind):
        return False
    found = limits(work, behind)
    low, high = node.float("min", -float("inf")), node.float("max", float("inf"))
    bounds: list[float | None] = [low, high]
    for slot in (1, 2):
        if node.has_input(slot):
            bounds[slot - 1] = work.number(node.inputs[slot])
    if found is None or bounds[0] is None or bounds[1] is None:
        return False
    slack = _SLACK * (found[1] - found[0])
    if found[0] < bounds[0] - slack or found[1] > bounds[1] + slack:
        return False
    return _out(work, node, behind)


def _out(work: Work, node: WorkNode, behind: WorkNode) -> bool:
    work.detach(node)
    cover(behind, node)
    work.set_input(behind, 0, node.inputs[0])
    return True


RELU = Rule("ReluQuantRewrite", ("Relu",), _relu)
CLIP = Rule("ClipQuantRewrite", ("Clip",), _clip)
