"""Each reader of a DequantizeLinear gets one of its own.

Runtime's condition: at every level before all other rules, and again at the basic level; readers
in bodies aside. One that makes an output of the graph keeps that for itself. 1.20 to 1.32.

    before  d = DequantizeLinear(x), Sigmoid(d), Softmax(d)
    after   Sigmoid(DequantizeLinear(x)), Softmax(DequantizeLinear(x))
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .quantisation import is_dq


def _apply(work: Work, node: WorkNode) -> bool:
    if not is_dq(node):
        return False
    places = [
        (reader, slot)
        for reader in dict.fromkeys(work.readers(node.output))
        for slot, tensor in enumerate(reader.inputs)
        if tensor == node.output
    ]
    if not work.is_output(node.output):
        places = places[1:]
    for reader, slot in places:
        made = work.tensor(f"{node.output}/duplicated", work.type(node.output))
        copy = work.add(
            node.op,
            list(node.inputs),
            made,
            covers=(node,),
            domain=node.domain,
            name=f"{node.name}/duplicated",
            attributes=dict(node.attributes),
        )
        copy.glue = node.glue
        if node.glue:
            copy.covers = node.covers
        work.set_input(reader, slot, made)
    return bool(places)


RULE = LoweringRule("EnsureUniqueDQForNodeUnit", ("DequantizeLinear",), _apply)
