"""QuantizeLinear moves up, and DequantizeLinear down, over nodes that only move data.

Runtime's condition, basic level: MaxPool of version 12 on, Reshape, Transpose, Squeeze, Unsqueeze,
Slice; parameters constant and one a tensor; what is moved over, and what it reads, is read once.
Not of a constant's DequantizeLinear. 1.20 to 1.32.

    before  DQ -> MaxPool -> Sigmoid
    after   DQ -> MaxPool -> Q -> DQ -> Sigmoid
"""

from __future__ import annotations

from collections.abc import Sequence

from ..node import WorkNode
from ..rule import Sweep
from ..work import Type, Work
from .quantisation import DQ, Q, is_dq, is_q, per_tensor, quantised_type

_OVER = ("MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice")


def _moves(work: Work, node: WorkNode | None) -> bool:
    if node is None or node.domain or node.op not in _OVER:
        return False
    return node.op != "MaxPool" or (work.since(node) >= 12 and not any(node.outputs[1:]))


def _apply(work: Work) -> bool:
    changed = False
    for node in work.visit((Q,)):
        changed |= _up(work, node)
    for node in work.visit((DQ,)):
        changed |= _down(work, node)
    return changed


def _up(work: Work, node: WorkNode) -> bool:
    changed = False
    below = node
    while per_tensor(work, node):
        over = work.maker(below.inputs[0])
        if over is None or not _moves(work, over) or not work.single(over):
            break
        source = over.inputs[0]
        maker = work.maker(source)
        if is_dq(maker) or work.constant(source) is not None:
            break
        shared = len(work.readers(source)) != 1 or work.is_output(source)
        if maker is not None and shared:
            break
        made = _pair(work, source, node, over)
        work.set_input(over, 0, made)
        below = work.maker(made) or over
        below = work.maker(below.inputs[0]) or below
        changed = True
    return changed


def _down(work: Work, node: WorkNode) -> bool:
    changed = False
    if not is_dq(node) or not per_tensor(work, node) or work.constant(node.inputs[0]) is not None:
        return False
    above = node
    while True:
        over = work.next(above)
        if over is None or not _moves(work, over) or over.inputs[0] != above.output:
            break
        readers = list(work.readers(over.output))
        if any(is_q(r) for r in readers) or not (readers or work.is_output(over.output)):
            break
        above = _behind(work, over, node, readers)
        changed = True
    return changed


def _behind(work: Work, over: WorkNode, like: WorkNode, readers: Sequence[WorkNode]) -> WorkNode:
    """Put a pair behind a node; answers the DequantizeLinear."""
    del readers
    old = over.output
    raw = work.tensor(f"{old}_pre_q", work.type(old))
    work.set_outputs(over, [raw, *over.outputs[1:]])
    made = _pair(work, raw, like, over, output=old)
    maker = work.maker(made)
    assert maker is not None
    return maker


def _pair(work: Work, source: str, like: WorkNode, near: WorkNode, output: str = "") -> str:
    """Put in a Q and a DQ with the parameters of another; answers what they make."""
    kind = work.type(source)
    integer = Type(quantised_type(work, like), kind.dims)
    middle = work.tensor(f"{source}_q", integer)
    made = output or work.tensor(f"{source}_dq", kind)
    parameters = list(like.inputs[1:])
    for op, inputs, out in (
        (Q, [source, *parameters], middle),
        (DQ, [middle, *parameters], made),
    ):
        node = work.add(op, inputs, out, domain=like.domain, name=f"{out}_{op}")
        node.glue, node.covers = True, near.covers
    return made


SWEEP = Sweep("QDQPropagationTransformer", (Q, DQ), _apply)
