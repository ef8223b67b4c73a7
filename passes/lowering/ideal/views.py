"""A node makes what it makes in the shape in which it is read.

Condition: only a Reshape, Squeeze, Unsqueeze, Flatten reads what the node makes.

    before  Reshape(Transpose(x)) that several nodes read
    after   FusedTranspose(x)
"""

from __future__ import annotations

from ..fusable import SAME, is_view
from ..rule import Sweep
from ..work import Work


def _apply(work: Work) -> bool:
    changed = False
    for node in list(work.visit(SAME)):
        maker = work.maker(node.inputs[0])
        if maker is None or maker.bodies or any(maker.outputs[1:]) or not is_view(work, node):
            continue
        if work.next(maker) is node and not is_view(work, maker):
            op = maker.op if maker.parts else f"Fused{maker.op}"
            work.fuse([maker, node], op, maker.name)
            changed = True
    return changed


SWEEP = Sweep("Views", tuple(SAME), _apply)
