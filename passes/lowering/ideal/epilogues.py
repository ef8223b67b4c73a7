"""Products, convolutions and pools take what follows element by element.

Condition: from the node on, up to one tensor, everything that reads what the kernel makes works
element by element on all of it, gives it another shape, or writes its rows elsewhere. Operands
from outside may be of any size: biases, factors, a residual branch. Of two convolutions that an
Add reads the later one takes it.

    before  Relu(Add(BatchNormalization(Conv(x)), h))
    after   FusedConv(x, h), with the four nodes as its body
"""

from __future__ import annotations

from ..fusable import is_pointwise, is_view, keeps_rows
from ..growth import grow, places
from ..node import WorkNode
from ..onnxruntime_cpu.conditions import same_dims
from ..rule import Sweep
from ..work import Work

ANCHORS = frozenset(
    {"AveragePool", "Conv", "ConvInteger", "ConvTranspose", "Einsum", "Gemm", "GlobalAveragePool"}
    | {"GlobalMaxPool", "LpPool", "MatMul", "MatMulInteger", "MaxPool"}
)


def _apply(work: Work) -> bool:
    place = places(work)
    changed = False
    for node in reversed(work.order()):
        if node.index not in work.nodes or not _starts(node):
            continue
        group = grow(work, node, lambda reader, tensor: _accepts(work, reader, tensor), place)
        if len(group) > 1:
            op = node.op if node.parts else f"Fused{node.op}"
            work.fuse(group, op, node.name)
            changed = True
    return changed


def _starts(node: WorkNode) -> bool:
    if node.parts:
        return True  # an attention
    return not node.domain and node.op in ANCHORS and not any(node.outputs[1:])


def _accepts(work: Work, node: WorkNode, tensor: str) -> bool:
    if tensor not in node.inputs:
        return False  # a body reads it
    if is_view(work, node, tensor) or keeps_rows(node):
        return True
    return is_pointwise(work, node, tensor) and same_dims(work, tensor, node.output)


SWEEP = Sweep("Epilogues", (), _apply)
