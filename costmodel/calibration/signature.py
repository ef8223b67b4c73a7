"""What makes two executed nodes take the same time: a short name for all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from math import log2

import numpy as np
from onnx import AttributeProto

from ...graph.node import Node
from ...graph.schemas import defaults, schema
from ...graph.shapes import Info
from ..cost import Costed
from ..kinds import KernelKind

_GRAPHS = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
_CONTENTS = (AttributeProto.TENSOR, AttributeProto.TENSORS)
_NEWEST = 1 << 20
_EXPONENT = "Pow", 1  # the one operand of floats whose contents choose a kernel's loop
_NOTHING = (KernelKind.CONSTANT, KernelKind.CALL)


def measurable(costed: Costed) -> bool:
    """Whether a node takes time of its own that can be measured: it is executed by rules."""
    return costed.executed and costed.cost.kind not in _NOTHING


def signature(costed: Costed) -> str:
    """A node's signature: operator, types, shapes, attributes, and where its inputs lie.

    Two nodes of one signature are taken to cost the same. Distances of inputs count by their
    power of two. Whole numbers that decide what a node does (axes, sizes, indices) and an exponent
    count, weights, scales and zero points don't; nor do attributes that are at their default. Of
    bodies their operators count.
    """
    node = costed.node
    parts = [node.domain, node.op_type]
    for slot, name in enumerate(node.inputs):
        info = costed.scope.get(name) if name else None
        parts.append(_type(info))
        if info is None:
            continue
        near = costed.distances.get(name, 0)
        parts.append(f"{'c' if info.constant else 'a'}{int(log2(max(near, 1)))}")
        parts += _values(info, exponent=(node.op_type, slot) == _EXPONENT)
    parts += [_type(costed.scope.get(name) if name else None) for name in node.outputs]
    parts += _attributes(node, costed.scope.graph.opset.get(node.domain, 1))
    for name, body in sorted(costed.scope.graph.subgraphs(node).items()):
        parts.append(f"{name}:{','.join(inner.op_type for inner in body)}")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _type(info: Info | None) -> str:
    if info is None:
        return "-"
    return f"{info.dtype}{info.type or ''}{info.resolved}"


def _values(info: Info, *, exponent: bool) -> Iterator[str]:
    value = info.value
    if value is not None and (value.dtype == np.int64 or exponent):
        yield hashlib.sha256(value.tobytes()).hexdigest()[:8]


def _attributes(node: Node, opset: int) -> Iterator[str]:
    """Those that are not at their default: a saved graph has them written out, rules don't."""
    if schema(node.op_type, opset, node.domain) is None:
        opset = _NEWEST  # a runtime puts in what the model's own opset doesn't have yet
    usual = defaults(node.op_type, opset, node.domain)
    foreign = schema(node.op_type, opset, node.domain) is None
    for name, attribute in sorted(node.attributes.items()):
        if attribute.type in (*_GRAPHS, *_CONTENTS) or (foreign and _neutral(attribute)):
            continue
        known = usual.get(name)
        if known is None or _value(known) != _value(attribute):
            yield f"{name}={_value(attribute)}"


def _value(attribute: AttributeProto) -> str:
    """Its value alone: a name and a doc string say nothing."""
    bare = AttributeProto()
    bare.CopyFrom(attribute)
    for field in ("name", "doc_string", "ref_attr_name"):
        bare.ClearField(field)
    return bare.SerializeToString(deterministic=True).hex()


def _neutral(attribute: AttributeProto) -> bool:
    """Whether an attribute of a runtime's own operator, of no known default, changes nothing."""
    if attribute.type == AttributeProto.INT:
        return attribute.i == 0
    if attribute.type == AttributeProto.FLOAT:
        return attribute.f == 1.0
    return attribute.type == AttributeProto.STRING and attribute.s in (b"", b"NOTSET")
