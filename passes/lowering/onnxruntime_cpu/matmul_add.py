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
from ..mends import reshape_constant
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Type, Work, union
from .conditions import open_sizes, other, stands_apart
from .gemm_sum import spreads

_NAME = "MatMulAddFusion"
_TYPES = (FLOAT, FLOAT16, BFLOAT16)
_RESHAPED = (1, 22)
_ATTENTION = (1, 23)


def _apply(work: Work, node: WorkNode, *, keeping: bool) -> bool:
    add = work.next(node, "Add") or _apart(work, node)
    if add is None or not work.is_op(node, "MatMul", 1, 9, 13) or work.since(add) < 7:
        return False
    bias = other(add, node.output)
    a, b = work.dims(node.inputs[0]), work.dims(node.inputs[1])
    if bias is None or a is None or b is None or work.dtype(node.inputs[0]) not in _TYPES:
        return False
    if len(b) != 2 or work.dtype(bias) != work.dtype(node.inputs[0]):
        return False
    flat = len(a) == 2
    fits = spreads(work, node.output, bias) if flat else _reshapes(work, node, bias)
    if not fits and not _nearly(work, node, add, bias, flat=flat):
        return False
    bias = other(add, node.output) or bias
    if keeping and work.target.version >= _ATTENTION and _projects(work, node, add):
        return False
    name = f"{node.name}/MatMulAddFusion"
    inputs = [*node.inputs, bias]
    if flat:
        work.replace([node, add], "Gemm", inputs, add.outputs, name=name)
    else:
        _around(work, node, add, inputs, name)
    return True


def _apart(work: Work, node: WorkNode) -> WorkNode | None:
    """The Add of a constant behind a MatMul that is an output of the graph; tells of that."""
    if not work.gives_output(node) or work.rank(node.inputs[1]) != 2:
        return None
    for add in work.readers(node.output):
        bias = other(add, node.output) if add.op == "Add" else None
        if bias is not None and work.constant(bias) is not None:
            return add if stands_apart(work, _NAME, node, add) else None
    return None


def _nearly(work: Work, node: WorkNode, add: WorkNode, bias: str, *, flat: bool) -> bool:
    """Tell why what is added is no bias; whether that was mended."""
    weights, constant = work.shape(node.inputs[1]), work.constant(bias)
    if constant is None or weights is None:
        return False
    if constant.size not in (1, weights[1]) or any(d != 1 for d in constant.shape[:-1]):
        return False
    if not flat and constant.shape == weights[1:]:
        if work.target.version < _RESHAPED or work.shape(node.inputs[0]) is not None:
            return False
        return open_sizes(
            work, _NAME, (node, add), f"a size of '{node.inputs[0]}' is open, with more than 2 dims"
        )
    if not flat and work.target.version < _RESHAPED:
        return False
    return work.decline(
        _NAME,
        (node, add),
        f"'{bias}' is of shape {list(constant.shape)}, and not [{weights[1]}]",
        f"write '{bias}' as [{weights[1]}]",
        lambda: reshape_constant(work, add, add.inputs.index(bias), weights[1:]),
        kind="the bias is no vector of as many numbers as the MatMul has columns",
    ) and (flat or _reshapes(work, node, other(add, node.output) or bias))


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


BASIC = LoweringRule(_NAME, ("MatMul",), _first)
EXTENDED = LoweringRule(_NAME, ("MatMul",), _second, since=_ATTENTION)
