"""A Relu or Clip that the quantisation behind it makes needless.

Runtime's condition, extended level: read only by a QuantizeLinear of constants. Relu: its zero
point is the least value of its type, of 8 or 16 bits. Clip: the bounds, constant, contain what it
can hold. 1.20 to 1.32.

    before  Relu -> QuantizeLinear(zero point 0, uint8)
    after   QuantizeLinear
"""

from __future__ import annotations

from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover
from .quantisation import is_lowest, is_q, limits

_SLACK = 1e-5


def _relu(work: Work, node: WorkNode) -> bool:
    behind = work.next(node)
    if node.domain or behind is None or not is_q(behind):
        return False
    if not is_lowest(work, behind) and not work.decline(
        "ReluQuantRewrite",
        (node, behind),
        f"the zero point of {called(behind)} is not the least of its type, so that it could hold "
        "less than 0",
        f"quantise {called(behind)} from 0 on: its zero point the least of its type",
        lambda: None,
        kind="the zero point is not the least of its type",
    ):
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
    inside = found[0] >= bounds[0] - slack and found[1] <= bounds[1] + slack
    if not inside and not work.decline(
        "ClipQuantRewrite",
        (node, behind),
        f"{called(behind)} holds {found[0]:.4g} to {found[1]:.4g}, which goes beyond "
        f"{bounds[0]:.4g} to {bounds[1]:.4g} of {called(node)}",
        f"choose scale and zero point of {called(behind)} so that it holds no more than "
        f"{called(node)} lets through",
        lambda: None,
        kind="what the quantisation holds goes beyond the Clip",
    ):
        return False
    return _out(work, node, behind)


def _out(work: Work, node: WorkNode, behind: WorkNode) -> bool:
    work.detach(node)
    cover(behind, node)
    work.set_input(behind, 0, node.inputs[0])
    return True


RELU = LoweringRule("ReluQuantRewrite", ("Relu",), _relu)
CLIP = LoweringRule("ClipQuantRewrite", ("Clip",), _clip)
