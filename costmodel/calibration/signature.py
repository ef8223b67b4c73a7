"""What makes two executed nodes take the same time: a short name for all of it."""

from __future__ import annotations

import hashlib
from math import log2

from ..cost import Costed


def signature(costed: Costed) -> str:
    """A node's signature: operator, types, shapes, attributes, and where its inputs lie.

    Two nodes of one signature are taken to cost the same. Distances of inputs count by their
    power of two. Small constants that decide what a node does (axes, sizes) count, weights don't.
    """
    node, call = costed.node, costed.call
    parts = [node.domain, node.op_type]
    if call is not None:
        for slot, kind in enumerate(call.inputs):
            if kind is None:
                parts.append("-")
                continue
            name = node.inputs[slot]
            info = costed.scope.get(name)
            constant = info is not None and info.constant
            near = costed.distances.get(name, 0)
            parts.append(
                f"{kind.dtype}{kind.shape}{'c' if constant else 'a'}{int(log2(max(near, 1)))}"
            )
            if slot in call.values:
                parts.append(hashlib.sha256(call.values[slot].tobytes()).hexdigest()[:8])
        parts += [f"{kind.dtype}{kind.shape}" if kind else "-" for kind in call.outputs]
    parts += [
        f"{name}={attribute.SerializeToString(deterministic=True).hex()}"
        for name, attribute in sorted(node.attributes.items())
        if not attribute.HasField("g") and not attribute.HasField("t")
    ]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]
