"""An encoder's attention, as BERT is exported below opset 13.

Runtime's condition, extended level: a LayerNormalization with a bias is read by three MatMuls of
constants, one Add and else Shapes. Each MatMul: Add of a constant vector, Reshape to constant
(0, 0, heads, size), Transpose. Scores: MatMul, Div by a constant, Add of a mask, Softmax on axis 3,
MatMul, Transpose, Reshape to constant (0, 0, width). The mask: Unsqueeze on axes 1 and 2, maybe a
Cast, Sub from 1, Mul. 1.20 to 1.32.

    before  Reshape(Transpose(MatMul(Softmax(MatMul(q, k) / c + mask), v)))
    after   com.microsoft::Attention(x, w, b, Cast(mask))
"""

from __future__ import annotations

from typing import NamedTuple

from ....graph.dtypes import FLOAT, INT32
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Constant, Type, Work, cover
from .conditions import MS

_HEADS_FIRST, _KEYS = (0, 2, 1, 3), (0, 2, 3, 1)


class _Projection(NamedTuple):
    """From the normalised tensor to one of queries, keys and values."""

    nodes: list[WorkNode]
    weights: Constant
    heads: int
    output: str


def _apply(work: Work, node: WorkNode) -> bool:
    """At the Softmax."""
    if node.domain or node.int("axis", 1) != 3 or work.dtype(node.output) != FLOAT:
        return False
    add, last = work.made_by(node.inputs[0], "Add"), work.next(node, "MatMul")
    if add is None or last is None or not work.single(add) or last.inputs[0] != node.output:
        return False
    for slot in (0, 1):
        div = work.made_by(add.inputs[slot], "Div")
        scores = None if div is None else work.made_by(div.inputs[0], "MatMul")
        if div is not None and scores is not None:
            return _around(work, [scores, div, add, node, last], add.inputs[1 - slot])
    return False


def _around(work: Work, row: list[WorkNode], mask: str) -> bool:
    scores, div, _, _, last = row
    swap = work.next(last, "Transpose")
    merge = None if swap is None else work.next(swap, "Reshape")
    if swap is None or merge is None or swap.ints("perm") != _HEADS_FIRST:
        return False
    if work.number(div.inputs[1]) is None or not (work.single(scores) and work.single(div)):
        return False
    parts = [
        _projection(work, scores.inputs[0], _HEADS_FIRST),
        _projection(work, scores.inputs[1], _KEYS),
        _projection(work, last.inputs[1], _HEADS_FIRST),
    ]
    found = [p for p in parts if p is not None]
    width = work.numbers(merge.inputs[1])
    if len(found) != 3 or width is None or width[:2] != (0, 0) or len(width) != 3:
        return False
    sources = {p.nodes[0].inputs[0] for p in found}
    norm = work.made_by(found[0].nodes[0].inputs[0], "LayerNormalization")
    masking = _mask(work, mask)
    if len(sources) != 1 or norm is None or not _normalises(work, norm) or masking is None:
        return False
    nodes = [n for p in found for n in p.nodes] + [*row, swap, merge]
    _replace(work, nodes, found, norm.output, masking)
    return True


def _projection(work: Work, tensor: str, perm: tuple[int, ...]) -> _Projection | None:
    swap = work.made_by(tensor, "Transpose")
    split = None if swap is None else work.made_by(swap.inputs[0], "Reshape")
    add = None if split is None else work.made_by(split.inputs[0], "Add")
    if swap is None or split is None or add is None or swap.ints("perm") != perm:
        return None
    product = work.made_by(add.inputs[0], "MatMul")
    bias, shape = work.constant(add.inputs[1]), work.numbers(split.inputs[1])
    weights = None if product is None else work.constant(product.inputs[1])
    if product is None or weights is None or bias is None or shape is None:
        return None
    nodes = [product, add, split, swap]
    if not all(work.single(n) for n in nodes) or len(shape) != 4 or shape[:2] != (0, 0):
        return None
    if len(weights.shape) != 2 or bias.shape != weights.shape[1:]:
        return None
    return _Projection(nodes, weights, shape[2], tensor)


def _normalises(work: Work, norm: WorkNode) -> bool:
    """Whether what it makes is read as the runtime wants it."""
    readers = [r.op for r in work.readers(norm.output)]
    shapes = readers.count("Shape")
    wanted = readers.count("MatMul") == 3 and readers.count("Add") == 1
    return wanted and norm.has_input(2) and len(readers) == 4 + shapes and shapes <= 2


def _mask(work: Work, tensor: str) -> list[WorkNode] | None:
    """The nodes that make the added mask of one of zeros and ones, the last one first."""
    scaled = work.made_by(tensor, "Mul")
    sub = None if scaled is None else work.made_by(scaled.inputs[0], "Sub")
    if scaled is None or sub is None or work.number(scaled.inputs[1]) is None:
        return None
    if work.number(sub.inputs[0]) != 1:
        return None
    cast = work.made_by(sub.inputs[1], "Cast")
    source = sub.inputs[1] if cast is None else cast.inputs[0]
    nodes = [scaled, sub, *([] if cast is None else [cast])]
    for axis in (2, 1):
        wide = work.made_by(source, "Unsqueeze")
        if wide is None or wide.ints("axes") != (axis,):
            return None
        nodes.append(wide)
        source = wide.inputs[0]
    return nodes if work.rank(source) == 2 else None


def _replace(
    work: Work,
    nodes: list[WorkNode],
    parts: list[_Projection],
    source: str,
    masking: list[WorkNode],
) -> None:
    depth = parts[0].weights.shape[0]
    width = sum(p.weights.shape[1] for p in parts)
    weights = work.store("qkv_weights", FLOAT, (depth, width))
    bias = work.store("qkv_bias", FLOAT, (width,))
    outputs, ids = nodes[-1].outputs, masking[-1].inputs[0]
    made = work.replace(
        nodes,
        "Attention",
        [source, weights, bias, _integers(work, ids, nodes[0])],
        outputs,
        domain=MS,
        name="Attention",
        attributes={"num_heads": parts[0].heads},
    )
    for node in masking:  # they stand for every layer; the last one leaves them unread
        cover(made, node)
        if not work.edges(node) and not work.gives_output(node):
            work.detach(node)


def _integers(work: Work, tensor: str, reader: WorkNode) -> str:
    """A mask in 32 bits: one Cast for all layers."""
    if work.dtype(tensor) == INT32:
        return tensor
    for node in work.readers(tensor):
        if node.op == "Cast" and node.glue and node.int("to", 0) == INT32:
            return node.output
    made = work.tensor("mask_int32", Type(INT32, work.dims(tensor)))
    cast = work.glue("Cast", tensor, made, (reader,), to=INT32)
    work.call(cast, "MaskCast")
    return made


RULE = LoweringRule("AttentionFusion", ("Softmax",), _apply)
