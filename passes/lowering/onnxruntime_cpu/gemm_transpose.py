"""Transposes before and behind a Gemm become its flags.

Runtime's condition: a Transpose that feeds A or B, all of whose readers are Gemms and which is no
output of the graph; or one behind a Gemm without C. Basic and extended level, 1.20 to 1.32.

    before  Gemm(Transpose(a), b)
    after   Gemm(a, b, transA=1)
"""

from __future__ import annotations

from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work, cover


def _apply(work: Work, node: WorkNode) -> bool:
    if not work.is_op(node, "Gemm") or work.edges(node) > 1:
        return False
    changed = False
    for slot, flag in ((0, "transA"), (1, "transB")):
        swap = work.made_by(node.inputs[slot], "Transpose")
        if swap is None or not _swaps(work, swap) or work.gives_output(swap):
            continue
        if not all(r.op == "Gemm" and not r.domain for r in work.readers(swap.output)):
            continue
        node.set(**{flag: 1 - node.int(flag, 0)})
        work.set_input(node, slot, swap.inputs[0])
        cover(node, swap)
        if not work.readers(swap.output):
            work.detach(swap)
        changed = True
    behind = work.next(node, "Transpose")
    if (
        behind is not None
        and not node.has_input(2)
        and work.since(node) >= 11
        and _swaps(work, behind)
    ):
        flags = node.int("transA", 0), node.int("transB", 0)
        work.absorb(node, behind)
        work.set_inputs(node, [node.inputs[1], node.inputs[0]])
        node.set(transA=1 - flags[1], transB=1 - flags[0])
        changed = True
    return changed


def _swaps(work: Work, node: WorkNode) -> bool:
    perm = node.ints("perm")
    return perm == (1, 0) or (perm is None and work.rank(node.inputs[0]) == 2)


RULE = LoweringRule("GemmTransposeFusion", ("Gemm",), _apply)
