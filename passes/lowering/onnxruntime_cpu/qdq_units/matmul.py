"""Quantised products.

Runtime's condition, extended level. MatMul: both inputs of 8 bits from DequantizeLinears, A
unsigned on x86; without a QuantizeLinear behind it the result is float. Gemm: the same, A signed
only where B is; both with zero points since 1.28; the bias left out or int32, alpha 1 and beta 1.
1.20 to 1.32.

    before  DQ, DQ -> MatMul -> Q
    after   QLinearMatMul, or com.microsoft::MatMulIntegerToFloat without the Q
"""

from __future__ import annotations

from .....graph.dtypes import INT8
from ...near import called
from ...node import WorkNode
from ...rule import LoweringRule
from ...work import Work
from ..conditions import MS
from ..quantisation import EIGHT_BIT, INT32, quantised_type
from . import near
from .unit import unit

_POINTS = (1, 28)


def _matmul(work: Work, node: WorkNode) -> bool:
    found = None if node.domain else unit(work, node, without_q=True)
    if found is None or not found.full() or any(t not in EIGHT_BIT for t in found.into()):
        return False
    a, b = found.inputs
    if quantised_type(work, a) == INT8 and work.target.block:  # x86
        return False
    if found.qs:
        q = found.qs[0]
        if quantised_type(work, q) != quantised_type(work, a) and not near.types(
            work, node, [a, q]
        ):
            return False
        inputs = [a.inputs[0], *found.parameters(a), b.inputs[0], *found.parameters(b)]
        return found.replace("QLinearMatMul", [*inputs, *found.parameters(q)], domain="")
    first, second = found.parameters(a), found.parameters(b)
    inputs = [a.inputs[0], b.inputs[0], first[0], second[0], first[1], second[1]]
    return found.replace("MatMulIntegerToFloat", inputs, domain=MS)


def _gemm(work: Work, node: WorkNode) -> bool:
    found = None if node.domain else unit(work, node, without_q=True)
    if found is None or not found.full():
        return False
    a, b, *rest = found.inputs
    types = quantised_type(work, a), quantised_type(work, b)
    if any(t not in EIGHT_BIT for t in types) or (types[0] == INT8 and types[1] != INT8):
        return False
    if any(quantised_type(work, n) != INT32 for n in rest):
        return False
    given = a.has_input(2) and b.has_input(2)
    if work.target.version >= _POINTS and not given and not _points(work, node):
        return False
    if rest and not node.float("alpha", 1.0) == node.float("beta", 1.0) == 1.0:
        return False
    alike = not found.qs or quantised_type(work, found.qs[0]) == types[0]
    if not alike and not near.types(work, node, [a, *found.qs]):
        return False
    inputs = [a.inputs[0], *found.parameters(a), b.inputs[0], *found.parameters(b)]
    inputs.append(rest[0].inputs[0] if rest else "")
    if found.qs:
        inputs += found.parameters(found.qs[0])
    while not inputs[-1]:
        inputs.pop()
    attributes = {k: v for k, v in node.attributes.items() if k != "beta"}
    return found.replace("QGemm", inputs, domain=MS, attributes=attributes)


def _points(work: Work, node: WorkNode) -> bool:
    return work.decline(
        near.NAME,
        (node,),
        f"a zero point in front of {called(node)} is left out",
        f"write out the zero points in front of {called(node)}, though they are 0",
        lambda: None,
        kind="a zero point in front of a Gemm is left out",
    )


MATMUL = LoweringRule("QDQSelectorActionTransformer", ("MatMul",), _matmul)
GEMM = LoweringRule("QDQSelectorActionTransformer", ("Gemm",), _gemm)
