"""A Gemm takes the activation behind it.

Runtime's condition, extended level: single precision, read only by one of the activations. 1.20 to
1.32; LeakyRelu of version 16 since 1.26.

    before  Gemm -> Relu
    after   com.microsoft::FusedGemm(activation="Relu")
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..node import WorkNode
from ..rule import Rule
from ..work import Work
from .conditions import MS

_ACTIVATIONS = (
    "Elu",
    "HardSigmoid",
    "LeakyRelu",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "ThresholdedRelu",
)


def _apply(work: Work, node: WorkNode) -> bool:
    if not work.is_op(node, "Gemm", 7, 9, 11, 13) or work.dtype(node.output) != FLOAT:
        return False
    behind = work.next(node, *_ACTIVATIONS)
    if behind is None:
        return False
    if work.is_op(behind, "LeakyRelu", 16) and work.target.version < (1, 26):
        return False
    work.absorb(node, behind)
    work.set_op(node, "FusedGemm", MS)
    values = {f"activation_{k}": v.f for k, v in behind.attributes.items()}
    node.set(activation=behind.op, **values)
    return True


RULE = Rule("GemmActivationFusion", ("Gemm",), _apply)
