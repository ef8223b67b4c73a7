"""An attention whose queries, keys and values are one product, as MobileCLIP has it.

Runtime's condition, extended level: a MatMul with a constant [width, 3 width], Reshape to five
dims (.., .., 3, heads, size), Split on dim 2 into three (version 13 or 18). Queries and values:
Transpose (2, 0, 3, 1, 4), Squeeze of dim 0; queries then times a constant. Keys: Squeeze of dim 2,
Transpose (0, 2, 3, 1). MatMul, Softmax on the last dim, MatMul, Transpose (0, 2, 1, 3), Reshape,
then the projection, by then a Gemm with a bias, or MatMul and Add. Each is read by the next alone.
1.26 to 1.32.

    before  Gemm(Reshape(Transpose(MatMul(Softmax(MatMul(q * c, k)), v))))
    after   Reshape(Gemm(Reshape(com.microsoft::MultiHeadAttention(Split(MatMul(x, w))))))
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT, INT64
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Type, Work
from .conditions import MS, constant_side

_FRONT, _KEYS, _BACK = (2, 0, 3, 1, 4), (0, 2, 3, 1), (0, 2, 1, 3)


def _apply(work: Work, node: WorkNode) -> bool:
    """At the Softmax."""
    scores, last = work.made_by(node.inputs[0], "MatMul"), work.next(node, "MatMul")
    rank = work.rank(node.output)
    if scores is None or last is None or rank != 4 or work.dtype(node.output) != FLOAT:
        return False
    if node.domain or node.int("axis", -1) not in (-1, 3) or last.inputs[0] != node.output:
        return False
    scale = work.made_by(scores.inputs[0], "Mul")
    sides = None if scale is None else constant_side(work, scale)
    if scale is None or sides is None or work.number(sides[1]) is None:
        return False
    queries, keys, values = (
        _way(work, sides[0]),
        _keys(work, scores.inputs[1]),
        _way(work, last.inputs[1]),
    )
    swap = work.next(last, "Transpose")
    flat = None if swap is None else work.next(swap, "Reshape")
    if queries is None or keys is None or values is None or swap is None or flat is None:
        return False
    sources = [way[0].inputs[0] for way in (queries, keys, values)]
    split = work.made_by(sources[0], "Split")
    if split is None or split.outputs != sources or swap.ints("perm") != _BACK:
        return False
    parts = [*queries, *keys, *values, scale, scores, node, last, swap, flat]
    wide = work.made_by(split.inputs[0], "Reshape")
    if wide is None or not _splits(work, split, wide) or not all(map(work.single, parts[:-1])):
        return False
    return _replace(work, wide, split, parts)


def _way(work: Work, tensor: str) -> list[WorkNode] | None:
    """From the Split to queries or values."""
    squeeze = work.made_by(tensor, "Squeeze")
    swap = None if squeeze is None else work.made_by(squeeze.inputs[0], "Transpose")
    if squeeze is None or swap is None or swap.ints("perm") != _FRONT:
        return None
    return [swap, squeeze] if work.numbers(squeeze.input(1)) == (0,) else None


def _keys(work: Work, tensor: str) -> list[WorkNode] | None:
    swap = work.made_by(tensor, "Transpose")
    squeeze = None if swap is None else work.made_by(swap.inputs[0], "Squeeze")
    if squeeze is None or swap is None or swap.ints("perm") != _KEYS:
        return None
    return [squeeze, swap] if work.numbers(squeeze.input(1)) == (2,) else None


def _splits(work: Work, split: WorkNode, wide: WorkNode) -> bool:
    """Whether a product of three times its width is split in three."""
    product = work.made_by(wide.inputs[0], "MatMul")
    weights = None if product is None else work.constant(product.inputs[1])
    dims = work.numbers(wide.inputs[1])
    if product is None or weights is None or len(weights.shape) != 2 or dims is None:
        return False
    if len(dims) != 5 or dims[2] != 3 or weights.shape[1] != 3 * dims[3] * dims[4]:
        return False
    alone = work.single(product) and work.single(wide) and work.edges(split) == 3
    versions = work.since(split) in (13, 18) and split.int("axis", 0) == 2
    return alone and versions and not work.gives_output(split)


def _replace(work: Work, wide: WorkNode, split: WorkNode, parts: list[WorkNode]) -> bool:
    flat = parts[-1]
    behind = work.readers(flat.output)
    first = behind[0] if len(behind) == 1 else None
    chain = first
    while chain is not None and chain.op == "Reshape" and work.single(chain):
        chain = work.next(chain)
    if chain is None or chain.domain or chain.op not in ("Gemm", "MatMul"):
        return False
    dims = work.numbers(wide.inputs[1]) or ()
    width = dims[3] * dims[4]
    product = wide.inputs[0]
    kind = work.type(product)
    outer = (None, None) if kind.dims is None else kind.dims[:2]
    names = [work.tensor(f"mobileclip_mha_{n}", Type(FLOAT, (*outer, width))) for n in "qkv"]
    sizes = work.store("mobileclip_mha_split_sizes", INT64, (3,))
    output = flat.output
    work.replace(
        [wide, split],
        "Split",
        [product, sizes],
        names,
        name="MobileClipSplitForMHA",
        attributes={"axis": 2},
    )
    made = work.tensor("mobileclip_mha_output", Type(FLOAT, (*outer, width)))
    attention = work.replace(
        parts,
        "MultiHeadAttention",
        names,
        made,
        domain=MS,
        name="MobileClipMultiHeadAttention",
        attributes={"num_heads": dims[3]},
    )
    if chain.op == "MatMul":
        work.rewire(output, made)
        return True
    gemm_in = chain.inputs[0]
    shaped = work.tensor("mobileclip_proj_gemm_input", work.type(gemm_in))
    source = made if gemm_in == output else gemm_in
    if source != made:
        work.rewire(output, made)
    _reshape(work, source, shaped, attention, "MobileClipProjGemmInputReshape")
    work.set_input(chain, 0, shaped)
    answer = chain.output
    flat_answer = work.tensor("mobileclip_proj_gemm_output", work.type(answer))
    work.set_outputs(chain, [flat_answer])
    _reshape(work, flat_answer, answer, chain, "MobileClipProjGemmOutputReshape")
    return True


def _reshape(work: Work, source: str, made: str, near: WorkNode, name: str) -> None:
    shape = work.store(f"{name}_shape", INT64, (work.rank(made) or 2,))
    node = work.add("Reshape", [source, shape], made, name=name)
    node.glue, node.covers = True, near.covers


RULE = LoweringRule("AttentionFusion", ("Softmax",), _apply, since=(1, 26))
