"""Products whose weights alone are quantised.

Runtime's condition, extended level: MatMul, or Gemm with alpha 1 and no flags, whose B is a
DequantizeLinear of a constant of 2, 4 or 8 bits, by blocks of 16 to 256 (a power of two) on axis 0,
by tensor or by column; the constant is not read elsewhere since 1.28. By tensor, by column, of 8
bits, with scales of half precision, and Gemm since 1.26. 1.20 to 1.32.

    before  MatMul(x, DQ(w))
    after   com.microsoft::MatMulNBits(x, w')
"""

from __future__ import annotations

from .....graph import dtypes
from .....graph.dtypes import FLOAT, FLOAT16, UINT8
from ...near import called
from ...node import WorkNode
from ...rule import LoweringRule
from ...work import Constant, Type, Work
from ..conditions import MS
from ..quantisation import dq_of
from . import near

_WIDER = (1, 26)
_UNSHARED = (1, 28)
_BITS = {"int4": 4, "uint4": 4, "int8": 8, "uint8": 8, "int2": 2, "uint2": 2}
_BLOCK = 32


def _apply(work: Work, node: WorkNode) -> bool:
    dq = dq_of(work, node.inputs[1])
    if node.domain or dq is None or work.edges(dq) != 1 or work.gives_output(dq):
        return False
    if dq_of(work, node.inputs[0]) is not None:
        return False
    weights = work.constant(dq.inputs[0])
    if weights is None or len(weights.shape) != 2:
        return False
    bits = _BITS.get(dtypes.name(weights.dtype))
    if bits is None or work.dtype(dq.inputs[1]) not in (FLOAT, FLOAT16):
        return False
    if work.target.version >= _UNSHARED and len(work.readers(dq.inputs[0])) != 1:
        return False
    if node.op == "Gemm" and node.int("transB", 0):
        return _flipped(work, node, dq, weights) and _apply(work, node)
    block = _block(work, dq, weights.shape) or _other_block(work, node, dq, weights.shape)
    if not block:
        return False
    whole = not dq.int("block_size", 0) or work.dtype(dq.inputs[1]) == FLOAT16
    if work.target.version < _WIDER and (whole or bits == 8 or node.op == "Gemm"):
        return False
    bias = node.input(2)
    if node.op == "Gemm":
        if node.float("alpha", 1.0) != 1 or node.int("transA", 0) or node.int("transB", 0):
            return False
        if bias and node.float("beta", 1.0) != 1:
            return False
    _replace(work, node, dq, weights.shape, bits, block)
    return True


def _block(work: Work, dq: WorkNode, shape: tuple[int, ...]) -> int:
    """Elements of a column that share a scale; 0 where the runtime can't."""
    scales = work.constant(dq.inputs[1])
    block, axis = dq.int("block_size", 0), dq.int("axis", 1)
    if scales is None:
        return 0
    if block:
        fits = axis in (0, -2) and 16 <= block <= 256 and not block & (block - 1)
        return block if fits else 0
    if scales.size == 1:
        return _BLOCK
    return _BLOCK if axis in (1, -1) and scales.shape == (shape[1],) else 0


def _flipped(work: Work, node: WorkNode, dq: WorkNode, weights: Constant) -> bool:
    """Tell of weights that lie the other way round; whether they were turned."""
    if node.float("alpha", 1.0) != 1 or node.int("transA", 0):
        return False
    if node.has_input(2) and node.float("beta", 1.0) != 1:
        return False
    scales = work.constant(dq.inputs[1])
    per_column = scales is not None and scales.shape == weights.shape[:1]
    if scales is None or not (scales.size == 1 or (per_column and dq.int("axis", 1) in (0, -2))):
        return False

    def mend() -> None:
        turned = work.store(dq.inputs[0], weights.dtype, weights.shape[::-1])
        work.set_input(dq, 0, turned)
        work.types[dq.output] = Type(work.dtype(dq.output), weights.shape[::-1])
        dq.set(axis=1)
        node.set(transB=0)

    return work.decline(
        near.NAME,
        (dq, node),
        f"{called(node)} has transB, and its quantised weights '{dq.inputs[0]}' lie as "
        f"{list(weights.shape)}",
        f"store '{dq.inputs[0]}' as {list(weights.shape[::-1])}, and take transB out",
        mend,
        kind="quantised weights are read with transB",
    )


def _other_block(work: Work, node: WorkNode, dq: WorkNode, shape: tuple[int, ...]) -> int:
    """Tell of scales that the runtime can't take; a block that it takes once that is mended."""
    if node.op == "Gemm" and (node.float("alpha", 1.0) != 1 or node.int("transA", 0)):
        return 0
    scales, size = work.constant(dq.inputs[1]), dq.int("block_size", 0)
    if scales is None:
        return 0
    what = f"by blocks of {size} on axis {dq.int('axis', 1)}" if size else "by row"
    mended = work.decline(
        near.NAME,
        (dq, node),
        f"the weights '{dq.inputs[0]}' of {called(node)} are quantised {what}",
        f"quantise '{dq.inputs[0]}' by blocks of {_BLOCK} on axis 0",
        lambda: None,
        kind="weights are quantised by blocks or rows that have no kernel",
    )
    return _BLOCK if mended and len(shape) == 2 else 0


def _replace(
    work: Work, node: WorkNode, dq: WorkNode, shape: tuple[int, ...], bits: int, block: int
) -> None:
    depth, columns = shape
    blocks = -(-depth // block)
    packed = work.store(f"{dq.inputs[0]}_T", UINT8, (columns, blocks, block * bits // 8))
    kind = work.dtype(dq.inputs[1])
    scales = work.store(f"{dq.inputs[1]}_T", kind, (columns * blocks,))
    zero = ""
    if dq.has_input(2):
        zero = work.store(f"{dq.inputs[2]}_T", UINT8, (columns * -(-blocks * bits // 8),))
    inputs = [node.inputs[0], packed, scales, zero, "", node.input(2)]
    while not inputs[-1]:
        inputs.pop()
    work.replace(
        [dq, node],
        "MatMulNBits",
        inputs,
        node.outputs,
        domain=MS,
        name=node.name,
        attributes={
            "K": depth,
            "N": columns,
            "bits": bits,
            "block_size": block,
            "accuracy_level": 4,
        },
    )


RULE = LoweringRule("QDQSelectorActionTransformer", ("MatMul", "Gemm"), _apply)
