"""A Gemm takes the activation behind it.

Runtime's condition, extended level: single precision, read only by one of the activations. 1.20 to
1.32; LeakyRelu of version 16 since 1.26.

    before  Gemm -> Relu
    after   com.microsoft::FusedGemm(activation="Relu")
"""

from __future__ import annotations

from ....graph.dtypes import FLOAT
from ..mends import exchange
from ..near import called
from ..node import WorkNode
from ..rule import LoweringRule
from ..work import Work
from .conditions import MS, stands_apart

_NAME = "GemmActivationFusion"
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
    if node.op == "MatMul" and not _product(work, node):
        return False
    if not work.is_op(node, "Gemm", 7, 9, 11, 13) or work.dtype(node.output) != FLOAT:
        return False
    behind = work.next(node, *_ACTIVATIONS) or _nearly(work, node)
    if behind is None:
        return False
    if work.is_op(behind, "LeakyRelu", 16) and work.target.version < (1, 26):
        return False
    work.absorb(node, behind)
    work.set_op(node, "FusedGemm", MS)
    values = {f"activation_{k}": v.f for k, v in behind.attributes.items()}
    node.set(activation=behind.op, **values)
    return True


def _product(work: Work, node: WorkNode) -> bool:
    """Tell of a MatMul of two matrices in front of an activation; whether it is a Gemm now."""
    behind = work.next(node, *_ACTIVATIONS)
    if behind is None or any(work.rank(t) != 2 for t in node.inputs):
        return False
    return work.decline(
        _NAME,
        (node, behind),
        f"{called(node)} is a MatMul, and the runtime takes a Gemm alone",
        f"write {called(node)} as a Gemm",
        lambda: work.set_op(node, "Gemm"),
        kind="a MatMul stands in front of an activation where a Gemm would be taken",
    )


def _nearly(work: Work, node: WorkNode) -> WorkNode | None:
    """Tell of an activation that a Gemm nearly takes; answers it once that is mended."""
    found = [r for r in work.readers(node.output) if r.op in _ACTIVATIONS and not r.domain]
    if found:
        return found[0] if stands_apart(work, _NAME, node, found[0]) else None
    view = work.next(node, "Reshape")
    behind = None if view is None else work.next(view, *_ACTIVATIONS)
    if view is None or behind is None:
        return None
    mended = work.decline(
        _NAME,
        (node, behind),
        f"a Reshape stands between the Gemm of {called(node)} and {called(behind)}",
        f"compute {called(node)} and {called(behind)} on 2 dims: a Reshape before and behind both",
        lambda: exchange(work, view, behind),
        kind="a Reshape stands between the Gemm and the activation",
    )
    return behind if mended else None


RULE = LoweringRule(_NAME, ("Gemm", "MatMul"), _apply)
