"""MatMul and Add become a Gemm.

Runtime's condition: only the Add reads the MatMul; single, half or bfloat precision. Two dims: the
other operand, constant or not, is (N), (1, N), (M, 1) or (M, N), its dims known equal. Since 1.22
also for A of another rank with all dims fixed, B of two and the other operand exactly (N): then
Reshapes stand around the Gemm. At the basic level, since 1.23, projections of attention stay:
MatMul behind a LayerNormalization that three of them and an Add read. 1.20 to 1.32.

    before  Add(MatMul(a, w), b)
    after   Gemm(a, w, b), or Reshape(Gemm(Reshape(a), w, b))
"""

from __future__ import annotations

from math import prod

import numpy as np

from ....graph.dtypes import BFLOAT16, FLOAT, FLOAT16, INT64
from ..node import WorkNode
from ..rule import Rule
from ..work import Type, Work, union
from .conditions import other
from .gemm_sum import spreads

_TYPES = (FLOAT, FLOAT16, BFLOAT16)
_RESHAPED = (1, 22)
_ATTENTION = (1, 23)


def _apply(work: Work, node: WorkNode, *, keeping: bool) -> bool:
    add = work.next(node, "Add")
    if add is None or not work.is_op(node, "MatMul", 1, 9, 13) or work.since(add) < 7:
        return False
    bias = other(add, node.output)
    a, b = work.dims(node.inputs[0]), work.dims(node.inputs[1])
    if bias is None or a is None or b is None or work.dtype(node.inputs[0]) not in _TYPES:
        return False
    if len(b) != 2 or work.dtype(bias) != work.dtype(node.inputs[0]):
        return False
    flat = len(a) == 2
    if flat and not spreads(work, node.output, bias):
        return False
    if not flat and not _reshapes(work, node, bias):
        if work.shape(node.inputs[0]) is None:
            work.decline("MatMulAddFusion", (node, add), "a size of the first operand is open")
        return False
    if keeping and work.target.version >= _ATTENTION and _projects(work, node, add):
        return False
    name = f"{node.name}/MatMulAddFusion"
    inputs = [*node.inputs, bias]
    if flat:
        work.replace([node, add], "Gemm", inputs, add.outputs, name=name)
    else:
        _around(work, node, add, inputs, name)
    return True


def _reshapes(work: Work, node: WorkNode, bias: str) -> bool:
    a, b = work.shape(node.inputs[0]), work.shape(node.inputs[1])
    if work.target.version < _RESHAPED or a is None or b is None or len(a) < 2:
        return False
    return a[-1] == b[0] and work.dims(bias) == (b[1],)


def _around(work: Work, node: WorkNode, add: WorkNode, inputs: list[str], name: str) -> None:
    a, b = work.shape(inputs[0]), work.shape(inputs[1])
    assert a is not None
    assert b is not None
    dtype = work.dtype(inputs[0])
    rows = prod(a[:-1])
    for part in (node, add):
        work.detach(part)
    covers = union((node, add))
    before = work.tensor("gemm_input_reshape_arg", Type(dtype, (rows, a[-1])))
    behind = work.tensor("gemm_output_reshape_arg", Type(dtype, (rows, b[1])))
    reshape(work, inputs[0], before, (rows, a[-1]), covers)
    gemm = work.add("Gemm", [before, *inputs[1:]], behind, name=name)
    gemm.covers = covers
    reshape(work, behind, add.output, (*a[:-1], b[1]), covers)


def reshape(
    work: Work, tensor: str, output: str, shape: tuple[int, ...], covers: tuple[str, ...]
) -> WorkNode:
    """Put in a Reshape that does the work of no original."""
    target = work.store("shape", INT64, (len(shape),), np.array(shape, np.int64))
    made = work.add("Reshape", [tensor, target], output, name="Reshape")
    made.glue, made.covers = True, covers
    return made


def _projects(work: Work, node: WorkNode, add: WorkNode) -> bool:
    """Whether it is one of the projections of an attention, in front of it or behind it."""
    norm = work.made_by(node.inputs[0], "LayerNormalization")
    if norm is not None and _attends(work, norm):
        return True
    for residual in work.readers(add.output):
        back = other(residual, add.output) if residual.op == "Add" else None
        norm = None if back is None else work.made_by(back, "LayerNormalization")
        if norm is not None and _attends(work, norm):
            return True
    return False


def _attends(work: Work, norm: WorkNode) -> bool:
    """Whether three MatMuls, one Add of another sum, and else only Shapes read it."""
    readers = work.readers(norm.output)
    count = {op: sum(r.op == op for r in readers) for op in ("MatMul", "Add", "Shape")}
    if count["MatMul"] != 3 or count["Add"] != 1 or count["Shape"] != len(readers) - 4:
        return False
    add = next(r for r in readers if r.op == "Add")
    back = other(add, norm.output)
    return back is not None and work.made_by(back, "Add") is not None


def _first(work: Work, node: WorkNode) -> bool:
    return _apply(work, node, keeping=True)


def _second(work: Work, node: WorkNode) -> bool:
    return _apply(work, node, keeping=False)


BASIC = Rule("MatMulAddFusion", ("MatMul",), _first)
EXTENDED = Rule("MatMulAddFusion", ("MatMul",), _second, since=_ATTENTION)
