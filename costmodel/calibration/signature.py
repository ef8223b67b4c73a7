"""What makes two executed nodes take the same time: a short name for all of it."""

from __future__ import annotations

import hashlib
from math import log2

from ...graph.shapes import Info
from ..cost import Costed
from ..kinds import KernelKind

_NOTHING = (KernelKind.CONSTANT, KernelKind.CALL)


def measurable(costed: Costed) -> bool:
    """Whether a node takes time of its own that can be measured: it is executed by rules."""
    return costed.executed and costed.cost.kind not in _NOTHING


def signature(costed: Costed) -> str:
    """A node's signature: operator, types, shapes, attributes, and where its inputs lie.

    Two nodes of one signature are taken to cost the same. Distances of inputs count by their
    power of two. Small constants that decide what a node does (axes, sizes, an exponent) count,
    weights don't. Of bodies their operators count.
    """
    node = costed.node
    parts = [node.domain, node.op_type]
    for name in node.inputs:
        info = costed.scope.get(name) if name else None
        parts.append(_type(info))
        if info is None:
            continue
        near = costed.distances.get(name, 0)
        parts.append(f"{'c' if info.constant else 'a'}{int(log2(max(near, 1)))}")
        if info.value is not None and (info.value.dtype.kind in "iub" or info.value.size == 1):
            parts.append(hashlib.sha256(info.value.tobytes()).hexdigest()[:8])
    parts += [_type(costed.scope.get(name) if name else None) for name in node.outputs]
    parts += [
        f"{name}={attribute.SerializeToString(deterministic=True).hex()}"
        for name, attribute in sorted(node.attributes.items())
        if not attribute.HasField("g") and not attribute.HasField("t")
    ]
    for name, body in sorted(costed.scope.graph.subgraphs(node).items()):
        parts.append(f"{name}:{','.join(inner.op_type for inner in body)}")
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _type(info: Info | None) -> str:
    if info is None:
        return "-"
    return f"{info.dtype}{info.type or ''}{info.resolved}"
