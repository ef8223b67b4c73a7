"""Scores, Softmax and the product with the values in one kernel, which keeps no scores.

Condition: a MatMul of two tensors that are computed; what makes its first operand is read by it
alone, up to another such MatMul: a Softmax over the last dim, and else what works element by
element on all scores (a scale, a mask, a choice).

    before  MatMul(Softmax(MatMul(q, k) * c + mask), v)
    after   FusedAttention(q, k, c, mask, v)
"""

from __future__ import annotations

from ..fusable import is_pointwise, row_dims
from ..growth import places
from ..node import WorkNode
from ..onnxruntime_cpu.conditions import same_dims
from ..rule import Sweep
from ..work import Work

_MOST = 16  # nodes from the scores to the values


def _apply(work: Work) -> bool:
    place = places(work)
    changed = False
    for last in list(work.visit(("MatMul",))):
        if last.index in work.nodes and last.index in place and _is_product(work, last):
            group = _before(work, last, place)
            if group:
                work.fuse(group, "FusedAttention", last.name)
                changed = True
    return changed


def _is_product(work: Work, node: WorkNode) -> bool:
    if node.domain or node.op != "MatMul" or (work.rank(node.output) or 0) < 3:
        return False
    return all(work.constant(tensor) is None for tensor in node.inputs)


def _before(work: Work, last: WorkNode, place: dict[int, int]) -> list[WorkNode]:
    """The nodes of the kernel that ends with a product; none if it is no attention."""
    scores = last.inputs[0]
    group = {last.index: last}
    found: set[str] = set()
    waiting = [scores]
    while waiting and len(group) < _MOST:
        node = work.maker(waiting.pop())
        if node is None or node.index in group or not _fits(work, node, scores, group):
            continue
        if _is_product(work, node):
            if "MatMul" in found:
                continue
        elif node.op == "Softmax":
            if "Softmax" in found or row_dims(work, node) != 1:
                return []
        elif not is_pointwise(work, node):
            continue
        found.add(node.op)
        group[node.index] = node
        if node.op != "MatMul":
            waiting += node.inputs
    if not {"MatMul", "Softmax"} <= found:
        return []
    return sorted(group.values(), key=lambda node: place[node.index])


def _fits(work: Work, node: WorkNode, scores: str, group: dict[int, WorkNode]) -> bool:
    """Whether a node makes scores that only the kernel reads, as what it works on."""
    if any(node.outputs[1:]) or work.is_output(node.output):
        return False
    if not same_dims(work, node.output, scores):
        return False
    readers = work.readers(node.output)
    last = next(iter(group.values()))
    return all(
        r.index in group and (r is not last or node.output not in last.inputs[1:]) for r in readers
    )


SWEEP = Sweep("Attention", ("Softmax",), _apply)
