"""A quantised convolution.

Runtime's condition, extended level: input and weights come from DequantizeLinears, a QuantizeLinear
is behind; input and output of one type of 8 bits, unsigned on x86; weights of 8 bits, by tensor or
channel; the bias left out, or a DequantizeLinear of int32, whose scale is that of input times
weights since 1.28 (relative 0.01). 1.20 to 1.32.

    before  Conv(DQ(x), DQ(w), DQ(b)) -> Q
    after   QLinearConv
"""

from __future__ import annotations

import numpy as np

from .....graph.dtypes import INT8
from ...node import WorkNode
from ...rule import LoweringRule
from ...work import Work
from ..quantisation import EIGHT_BIT, INT32, point, quantised_type, scales
from . import near
from .unit import Unit, unit

_SCALES = (1, 28)


def _apply(work: Work, node: WorkNode) -> bool:
    found = None if node.domain else unit(work, node)
    if found is None and not node.domain and near.outputs(work, node):
        found = unit(work, node)
    if found is None or not found.full() or len(found.inputs) < 2:
        return False
    x, w, *rest = found.inputs
    q = found.qs[0]
    types = quantised_type(work, x), quantised_type(work, w), quantised_type(work, q)
    if types[1] not in EIGHT_BIT or types[0] not in EIGHT_BIT:
        return False
    if types[0] != types[2] and not near.types(work, node, [x, q]):
        return False
    if types[0] == INT8 and work.target.block:  # x86
        return False
    if rest and not _bias(found) and not near.bias(work, node, rest[0]):
        return False
    inputs = [x.inputs[0], *found.parameters(x), w.inputs[0], *found.parameters(w)]
    inputs += [*found.parameters(q), *(b.inputs[0] for b in rest)]
    return found.replace("QLinearConv", inputs, domain="")


def _bias(found: Unit) -> bool:
    work = found.work
    x, w, b = found.inputs
    if quantised_type(work, b) != INT32:
        return False
    if b.glue or work.target.version < _SCALES:  # made from the two scales
        return True
    first, second, third = scales(work, x), scales(work, w), scales(work, b)
    if first is None or second is None or third is None:
        return first is None and x.glue
    if not np.allclose(third, first * second, rtol=1e-2, atol=1e-6):
        return False
    zero = point(work, b)
    return zero in (None, 0.0)


RULE = LoweringRule("QDQSelectorActionTransformer", ("Conv",), _apply)
