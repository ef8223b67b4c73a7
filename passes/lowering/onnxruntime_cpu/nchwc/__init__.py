"""The blocked layout: channels in blocks, as the fast kernels want them."""

from __future__ import annotations

from collections.abc import Callable

from ...node import WorkNode
from ...rule import Sweep
from ...work import Work
from ..conditions import MS, assigned
from . import elementwise, shapes, windows
from .state import NAME, State

_Rule = Callable[[State, WorkNode], bool]
# What takes the layout wherever it stands, and what only takes it on.
_ANYWHERE: dict[tuple[str, str], _Rule] = {
    ("", "Conv"): windows.convolution,
    (MS, "FusedConv"): windows.convolution,
    ("", "MaxPool"): windows.pool,
    ("", "AveragePool"): windows.pool,
}
_ONWARD: dict[tuple[str, str], _Rule] = {
    ("", "Add"): elementwise.binary,
    ("", "Sum"): elementwise.binary,
    ("", "Mul"): elementwise.binary,
    ("", "Sub"): elementwise.binary,
    ("", "Div"): elementwise.binary,
    ("", "BatchNormalization"): elementwise.normalisation,
    ("", "Relu"): elementwise.activation,
    ("", "Sigmoid"): elementwise.activation,
    ("", "Tanh"): elementwise.activation,
    ("", "HardSigmoid"): elementwise.activation,
    ("", "Gelu"): elementwise.activation,
    (MS, "Gelu"): elementwise.activation,
    (MS, "QuickGelu"): elementwise.activation,
    ("", "Concat"): shapes.concat,
    ("", "Upsample"): shapes.resize,
    ("", "Resize"): shapes.resize,
    ("", "Transpose"): shapes.transpose,
    ("", "GlobalMaxPool"): windows.pool,
    ("", "GlobalAveragePool"): windows.pool,
    ("", "ReduceMean"): windows.mean,
}


def _apply(work: Work) -> bool:
    if not work.target.block:
        return False
    state = State(work, work.target.block)
    for node in list(work.order()):
        if work.nodes.get(node.index) is not node or not assigned(work, node):
            continue
        rule = _ANYWHERE.get((node.domain, node.op))
        if rule is None:
            rule = _ONWARD.get((node.domain, node.op))
            if rule is None or work.input_edges(node) or not node.inputs:
                continue
        rule(state, node)
    state.finish()
    return bool(state.blocked)


SWEEP = Sweep(NAME, tuple({op for _, op in (*_ANYWHERE, *_ONWARD)}), _apply)
