"""MatMul and BatchNormalization become a Gemm.

Runtime's condition: A has two dims, B is a constant of two; between them a chain of Reshape and
Transpose, each read once; the BatchNormalization is of constants. Basic level, 1.20 to 1.32.

    before  MatMul(a, w) -> Reshape -> BatchNormalization
    after   Gemm(a, w', b') -> Reshape
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover
from .conv_affine import batch_norm_behind


def _apply(work: Work, node: WorkNode) -> bool:
    weights = work.constant(node.inputs[1])
    if weights is None or len(weights.shape) != 2 or work.rank(node.inputs[0]) != 2:
        return False
    if not work.is_op(node, "MatMul", 1, 9, 13):
        return False
    last = node
    norm = batch_norm_behind(work, last)
    while norm is None:
        view = work.next(last, "Reshape") or work.next(last, "Transpose")
        if view is None:
            return False
        last, norm = view, batch_norm_behind(work, view)
    bias = work.store("MatMulBnFusion_B", weights.dtype, (weights.shape[1],))
    made = work.store("MatMulBnFusion_W", weights.dtype, weights.shape)
    work.detach(norm)
    inputs, outputs = [node.inputs[0], made, bias], node.outputs
    if last is node:
        outputs = norm.outputs
    else:
        work.set_outputs(last, norm.outputs)
    gemm = work.replace([node], "Gemm", inputs, outputs, name="MatMulBnFusion_Gemm")
    cover(gemm, norm)
    return True


RULE = LoweringRule("MatMul_BatchNormalization_Fusion", ("MatMul",), _apply)
