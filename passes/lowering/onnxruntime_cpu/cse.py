"""Equal nodes that read the same become one.

Runtime's condition, basic level: same operator of ONNX, same attributes with defaults filled in,
same inputs; no body, nothing random, no DequantizeLinear. The first in the runtime's order stays;
one that makes an output of the graph is not taken out. 1.20 to 1.32.

    before  Neg(Relu(x)), Abs(Relu(x))
    after   r = Relu(x), Neg(r), Abs(r)
"""

from __future__ import annotations

from collections.abc import Hashable

from onnx import AttributeProto

from ....graph.dataflow import RANDOM
from ....graph.schemas import defaults
from ..node import WorkNode
from ..rule import Sweep
from ..work import Work
from .conditions import MS

_NEVER = RANDOM | {"DequantizeLinear", "Dropout"}


def _apply(work: Work) -> bool:
    first: dict[Hashable, WorkNode] = {}
    changed = False
    for node in list(work.order()):
        key = _key(work, node)
        if key is None:
            continue
        kept = first.setdefault(key, node)
        if kept is node or work.gives_output(node):
            continue
        work.drop(node, "cse")
        for old, new in zip(node.outputs, kept.outputs, strict=True):
            if old:
                work.rewire(old, new)
        changed = True
    return changed


def _key(work: Work, node: WorkNode) -> Hashable:
    if node.domain and not (node.domain == MS and node.op == "QuantizeLinear"):
        return None
    if node.bodies or node.op in _NEVER:
        return None
    attributes: dict[str, Hashable] = {}
    filled = {**defaults(node.op, work.opset.get(node.domain, 1), node.domain), **node.attributes}
    for name, attribute in filled.items():
        value = _plain(attribute)
        if value is None:
            return None
        attributes[name] = value
    made = tuple(map(bool, node.outputs))
    return (node.domain, node.op, tuple(node.inputs), frozenset(attributes.items()), made)


def _plain(attribute: AttributeProto) -> Hashable:
    kind = attribute.type
    if kind == AttributeProto.INT:
        return attribute.i
    if kind == AttributeProto.FLOAT:
        return attribute.f
    if kind == AttributeProto.STRING:
        return attribute.s
    if kind == AttributeProto.INTS:
        return tuple(attribute.ints)
    if kind == AttributeProto.FLOATS:
        return tuple(attribute.floats)
    if kind == AttributeProto.STRINGS:
        return tuple(attribute.strings)
    if kind == AttributeProto.TENSOR and list(attribute.t.dims) in ([], [1]):
        return attribute.t.SerializeToString(deterministic=True)
    return None


SWEEP = Sweep("CommonSubexpressionElimination", (), _apply)
