"""Units of one, two or several inputs that have an integer kernel.

Runtime's condition, extended level: all inputs come from DequantizeLinears and a QuantizeLinear is
behind, types of 8 bits and equal. Where: the condition has none. 1.20 to 1.32.

    before  DQ, DQ -> Add -> Q
    after   com.microsoft::QLinearAdd
"""

from __future__ import annotations

from ...node import WorkNode
from ...rule import LoweringRule
from ...work import Work
from ..conditions import MS
from ..quantisation import EIGHT_BIT
from . import near
from .unit import Unit, unit

_UNARY = ("AveragePool", "GlobalAveragePool", "Sigmoid", "LeakyRelu", "Softmax")
_BINARY = ("Add", "Mul")


def _typed(found: Unit) -> bool:
    types = {*found.into(), *found.out_of()}
    return len(types) == 1 and types <= set(EIGHT_BIT)


def _fitting(work: Work, node: WorkNode) -> Unit | None:
    """The unit around a node, of one integer type; tells what it lacks."""
    found = None if node.domain else unit(work, node)
    if found is None and not node.domain and near.outputs(work, node):
        found = unit(work, node)
    if found is None:
        return None
    if not found.full() and found.inputs and near.inputs(work, node):
        found = unit(work, node)
    if found is None or not found.full():
        return None
    if _typed(found) or near.types(work, node, [*found.inputs, *found.qs]):
        return found
    return None


def _unary(work: Work, node: WorkNode) -> bool:
    found = _fitting(work, node)
    if found is None or len(found.inputs) != 1:
        return False
    attributes = dict(node.attributes)
    if node.op == "Softmax":
        attributes.pop("axis", None)
        made = {**attributes, "axis": node.int("axis", -1), "opset": work.opset.get("", 1)}
    else:
        made = dict(attributes)
    dq, q = found.inputs[0], found.qs[0]
    inputs = [dq.inputs[0], *found.parameters(dq), *found.parameters(q)]
    return found.replace(f"QLinear{node.op}", inputs, domain=MS, attributes=made)


def _binary(work: Work, node: WorkNode) -> bool:
    found = _fitting(work, node)
    if found is None or len(found.inputs) != 2:
        return False
    inputs = [t for dq in found.inputs for t in (dq.inputs[0], *found.parameters(dq))]
    inputs += found.parameters(found.qs[0])
    return found.replace(f"QLinear{node.op}", inputs, domain=MS)


def _several(work: Work, node: WorkNode) -> bool:
    where = node.op == "Where"
    found = (None if node.domain else unit(work, node)) if where else _fitting(work, node)
    if found is None or not _typed(found):
        return False
    if len(found.inputs) != len(node.inputs) - where or (where and found.dqs[0] is not None):
        return False
    parts = [t for dq in found.inputs for t in (dq.inputs[0], *found.parameters(dq))]
    out = found.parameters(found.qs[0])
    inputs = [node.inputs[0], *parts, *out] if where else [*out, *parts]
    return found.replace(f"QLinear{node.op}", inputs, domain=MS)


UNARY = LoweringRule("QDQSelectorActionTransformer", _UNARY, _unary)
BINARY = LoweringRule("QDQSelectorActionTransformer", _BINARY, _binary)
SEVERAL = LoweringRule("QDQSelectorActionTransformer", ("Concat", "Where"), _several)
