"""A convolution or a Gemm takes a BatchNormalization, a bias and an activation.

Condition: what follows reads it alone: BatchNormalizations, additions and products with a
constant, then one activation. The sum of two branches runs apart.

    before  Relu(Add(BatchNormalization(Conv(x)), h))
    after   Relu(Add(FusedConv(x), h))
"""

from __future__ import annotations

from ..fusable import is_pointwise
from ..growth import grow, places
from ..node import WorkNode
from ..onnxruntime_cpu.conditions import other, same_dims
from ..rule import Sweep
from ..work import Work

_ANCHORS = ("Conv", "ConvTranspose", "Gemm")
_ACTIVATIONS = frozenset(
    {"Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Tanh"}
)


def _apply(work: Work) -> bool:
    place = places(work)
    changed = False
    for node in list(work.visit(_ANCHORS)):
        if node.domain:
            continue
        group = grow(work, node, lambda reader, tensor: _accepts(work, reader, tensor), place)
        if len(group) > 1:
            work.fuse(group, f"Fused{node.op}", node.name)
            changed = True
    return changed


def _accepts(work: Work, node: WorkNode, tensor: str) -> bool:
    if tensor not in node.inputs or not is_pointwise(work, node, tensor):
        return False
    maker = work.maker(tensor)
    if maker is None or maker.op in _ACTIVATIONS or not same_dims(work, tensor, node.output):
        return False
    if node.op in ("Add", "Mul"):
        return work.constant(other(node, tensor) or "") is not None
    return node.op in _ACTIVATIONS or node.op == "BatchNormalization"


SWEEP = Sweep("Epilogues", _ANCHORS, _apply)
