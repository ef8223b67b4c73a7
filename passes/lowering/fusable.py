"""What of a graph one kernel may run together, whatever the runtime: facts about single nodes.

Each operator here makes an element, or a row of them, from the elements or the row at the same
place of what it reads, and always the same: so a kernel may go on with them before it writes.
"""

from __future__ import annotations

from math import prod

from ...costmodel.ops.elementwise import FLOPS
from ...graph.operators import VIEWS
from .node import WorkNode
from .work import Dims, Work

MS = "com.microsoft"
_POINTWISE = (frozenset(FLOPS) - {"SwiGLU"}) | frozenset(
    {"Cast", "Clip", "DequantizeLinear", "Max", "Mean", "Min", "PRelu", "QuantizeLinear", "Sum"}
)
_POINTWISE_MS = frozenset({"BiasGelu", "FastGelu", "Gelu", "QuickGelu"})
SAME = VIEWS | {"Dropout", "Identity"}  # the same elements, maybe in another shape
_REDUCTIONS = frozenset(
    {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean"}
    | {"ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare"}
)
_POOLED = frozenset({"GlobalAveragePool", "GlobalMaxPool"})  # over all dims of space
_ROW = 1 << 14  # elements that a kernel keeps at hand: 64 KiB in single precision


def is_pointwise(work: Work, node: WorkNode, tensor: str = "") -> bool:
    """Whether a node makes each element from those at the same place.

    ``tensor`` is one that it reads as what it works on, and not as one of its parameters.
    """
    if node.bodies or any(node.outputs[1:]):
        return False
    if node.domain:
        return node.domain == MS and node.op in _POINTWISE_MS
    if node.op == "BatchNormalization":
        return not node.int("training_mode", 0) and tensor in ("", node.inputs[0])
    if node.op in ("QuantizeLinear", "DequantizeLinear", "Clip"):
        return tensor in ("", node.inputs[0])
    return node.op in _POINTWISE


def is_view(work: Work, node: WorkNode, tensor: str = "") -> bool:
    """Whether a node only gives its first input, in the same order, another shape."""
    if node.domain or node.op not in SAME or any(node.outputs[1:]):
        return False
    if node.op == "Dropout" and (node.has_input(2) and work.number(node.input(2)) != 0):
        return False
    fixed = all(not t or work.constant(t) is not None for t in node.inputs[1:])
    return fixed and tensor in ("", node.inputs[0])


def row_dims(work: Work, node: WorkNode) -> int | None:
    """Of a node that makes a row or a number of each row: how many of the last dims a row has.

    None if it is no such node, or a row is more than a kernel keeps at hand.
    """
    if node.bodies or any(node.outputs[1:]) or not node.inputs:
        return None
    dims = work.dims(node.inputs[0])
    if dims is None:
        return None
    count = _last_dims(work, node, dims)
    row = () if not count else dims[len(dims) - count :]
    if not count or not all(type(d) is int for d in row) or prod(row) > _ROW:  # type: ignore[arg-type] # all are integers
        return None
    return count


def _last_dims(work: Work, node: WorkNode, dims: Dims) -> int:
    """The number of dims of a row, 0 if it isn't of the last ones."""
    rank = len(dims)
    if node.domain:
        return 0
    if node.op in ("Softmax", "LogSoftmax"):
        axis = node.int("axis", -1 if work.since(node) >= 13 else 1)
        return int(axis in (-1, rank - 1))
    if node.op in ("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"):
        axis = node.int("axis", -1)
        return -axis if axis < 0 else rank - axis
    if node.op == "InstanceNormalization" or node.op in _POOLED:
        return rank - 2
    if node.op not in _REDUCTIONS:
        return 0
    axes = node.ints("axes")
    if axes is None and node.has_input(1):
        axes = work.numbers(node.input(1))
        if axes is None:
            return 0
    if not axes:
        return 0 if node.int("noop_with_empty_axes", 0) else rank
    found = sorted(axis % rank for axis in axes) if rank else []
    return len(found) if found == list(range(rank - len(found), rank)) else 0


def reduces(node: WorkNode) -> bool:
    """Whether a node makes one number of each row."""
    return node.op in _REDUCTIONS or node.op in _POOLED


def keeps_rows(node: WorkNode) -> bool:
    """Whether a Transpose leaves the last dim where it is: it only writes rows elsewhere."""
    perm = node.ints("perm")
    if node.op != "Transpose" or node.domain or not perm:
        return False
    return perm[-1] == len(perm) - 1
