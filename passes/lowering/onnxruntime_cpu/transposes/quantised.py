"""How a Transpose is pushed through quantised nodes, and through those of the extended level.

MaxPool of 8 bits becomes com.microsoft::NhwcMaxPool, and quantised pools keep channels last.
Resize; the runtime's own quantised elementwise nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...node import WorkNode
from ...work import Work
from ..conditions import MS
from ..quantisation import EIGHT_BIT
from .handlers import HANDLERS, first, quantise, resize, simple
from .moves import Handler, Push


def _channels_last(push: Push) -> bool:
    rank = len(push.perm)
    return push.perm == (0, rank - 1, *range(1, rank - 1))


def _max_pool(push: Push) -> bool:
    node, work = push.node, push.work
    if not _channels_last(push) or any(node.outputs[1:]):
        return False
    if work.dtype(node.inputs[0]) not in EIGHT_BIT:
        return False
    simple(push)
    work.set_op(node, "NhwcMaxPool", MS)
    node.attributes = {k: v for k, v in node.attributes.items() if k != "storage_order"}
    return True


def _pool(push: Push) -> bool:
    """QLinearAveragePool and QLinearGlobalAveragePool."""
    if push.node.int("channels_last", 0) or not _channels_last(push):
        return False
    push.node.set(channels_last=1)
    return simple(push)


def _pairs(_work: Work, _node: WorkNode) -> Sequence[int]:
    """The two operands of QLinearAdd and QLinearMul."""
    return (0, 3)


def _operands(work: Work, node: WorkNode) -> Sequence[int]:
    return [s for s in _pairs(work, node) if work.rank(node.inputs[s]) != 0]


def _binary(push: Push) -> bool:
    if not push.ranks(len(push.perm)):
        return False
    return simple(push)


def _parts(_work: Work, node: WorkNode) -> Sequence[int]:
    """The tensors that a QLinearConcat joins."""
    return range(2, len(node.inputs), 3)


def _concat(push: Push) -> bool:
    push.node.set(axis=push.perm[push.node.int("axis", 0) % len(push.perm)])
    return simple(push)


def _softmax(push: Push) -> bool:
    node = push.node
    if node.int("opset", 13) < 13:
        return False
    node.set(axis=push.perm[node.int("axis", -1) % len(push.perm)])
    return simple(push)


EXTENDED: dict[tuple[str, str], Handler] = {
    **HANDLERS,
    ("", "MaxPool"): Handler(first, _max_pool),
    ("", "Resize"): Handler(first, resize),
    (MS, "QuantizeLinear"): Handler(first, quantise),
    (MS, "DequantizeLinear"): Handler(first, quantise),
    (MS, "QLinearAdd"): Handler(_operands, _binary),
    (MS, "QLinearMul"): Handler(_operands, _binary),
    (MS, "QLinearConcat"): Handler(_parts, _concat),
    (MS, "QLinearSigmoid"): Handler(first, simple),
    (MS, "QLinearLeakyRelu"): Handler(first, simple),
    (MS, "QLinearSoftmax"): Handler(first, _softmax),
    (MS, "QLinearAveragePool"): Handler(first, _pool),
    (MS, "QLinearGlobalAveragePool"): Handler(first, _pool),
}
