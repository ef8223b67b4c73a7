"""Signed quantised activations become unsigned: x86 has the faster kernels for those.

Runtime's condition, extended level: a QuantizeLinear of int8 with a constant zero point of one
element, read once, by such a DequantizeLinear; one that two read stays signed. 1.20 to 1.32, x86.

    before  Q(int8, zero point z) -> DQ
    after   Q(uint8, zero point z + 128) -> DQ
"""

from __future__ import annotations

import numpy as np

from ....graph.dtypes import INT8, UINT8
from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Type, Work
from .quantisation import is_dq, is_q, point, quantised_type


def _apply(work: Work, node: WorkNode) -> bool:
    readers = work.readers(node.output)
    if not is_q(node) or quantised_type(work, node) != INT8 or work.is_output(node.output):
        return False
    if not readers or not all(is_dq(r) for r in readers):
        return False
    if any(point(work, n) is None or not n.has_input(2) for n in (node, *readers)):
        return False
    if len(readers) > 1 and not work.decline(
        "QDQS8ToU8Transformer",
        (node,),
        f"what {called(node)} makes, of int8, is read by {len(readers)} DequantizeLinears",
        "quantise activations as uint8 (on x86)",
        lambda: None,
        kind="int8 that several nodes read stays signed",
    ):
        return False
    for part in (node, *readers):
        value = int(point(work, part) or 0) + 128
        shape = work.type(part.inputs[2]).dims or ()
        array = np.full(tuple(d for d in shape if type(d) is int), value, np.uint8)
        work.set_input(part, 2, work.store("u8_zero_point", UINT8, array.shape, array))
    work.types[node.output] = Type(UINT8, work.dims(node.output))
    return True


RULE = LoweringRule("QDQS8ToU8Transformer", ("QuantizeLinear",), _apply)
