"""Float weights between quantised activations are quantised too.

Runtime's condition, basic level, since 1.22: Conv, ConvTranspose or Gemm whose first input is a
DequantizeLinear of one scale and which only a QuantizeLinear reads, maybe behind Relu or Clip.
Constant float weights get a DequantizeLinear of int8, a constant float bias one of int32.

    before  Conv(DQ(x), w, b) -> Q
    after   Conv(DQ(x), DQ(w'), DQ(b')) -> Q
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT, INT8
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Constant, Type, Work
from .quantisation import DQ, INT32, dq_of, is_q, per_tensor


def _apply(work: Work, node: WorkNode) -> bool:
    source = dq_of(work, node.inputs[0])
    if node.domain or source is None or not per_tensor(work, source):
        return False
    behind = work.next(node)
    if behind is not None and behind.op in ("Relu", "Clip"):
        behind = work.next(behind)
    if behind is None or not is_q(behind):
        return False
    weights = work.constant(node.inputs[1])
    changed = False
    if weights is not None and weights.dtype == FLOAT:
        _quantise(work, node, 1, weights, INT8, "weight")
        changed = True
    elif dq_of(work, node.inputs[1]) is None:
        return False
    bias = work.constant(node.inputs[2]) if node.has_input(2) else None
    if bias is not None and bias.dtype == FLOAT:
        _quantise(work, node, 2, bias, INT32, "bias")
        changed = True
    return changed


def _quantise(
    work: Work, node: WorkNode, slot: int, constant: Constant, dtype: int, what: str
) -> None:
    """Put a DequantizeLinear of a new constant in front of an input."""
    integers = work.store(f"{node.name}_{what}_q", dtype, constant.shape)
    scale = work.store(f"{node.name}_{what}_scale", FLOAT, ())
    zero = work.store(f"{node.name}_{what}_zp", dtype, ())
    made = work.tensor(f"{node.name}_{what}_dq", Type(FLOAT, constant.shape))
    dq = work.add(DQ, [integers, scale, zero], made, name=f"{node.name}_{what}_dq")
    dq.glue, dq.covers = True, node.covers
    work.set_input(node, slot, made)


RULE = LoweringRule(
    "WeightBiasQuantization", ("Conv", "ConvTranspose", "Gemm"), _apply, since=(1, 22)
)
