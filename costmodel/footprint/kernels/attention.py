"""Attention: projections, probabilities and the result before its heads are put together.

``Attention`` projects by itself, from packed weights, and keeps all probabilities.
``MultiHeadAttention`` transposes its three inputs and goes over blocks of the keys, a buffer a
thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...work import Call
from ..register import packed, scratch
from .matmul import packed_bytes

_FLOAT = 4
_CACHE = 2 * 1024 * 1024  # of a core's second level, which sets how long a block is


@scratch("Attention", domain="com.microsoft")
def projected(call: Call, threads: int) -> Sequence[int]:
    """Queries, keys and values; probabilities; the result."""
    batch, length, _ = call.input(0).shape
    heads = call.node.int("num_heads", 1)
    made = call.output(0).size
    width = call.input(1).shape[1]
    return (
        batch * length * width * _FLOAT,
        batch * heads * length * length * _FLOAT,
        made * _FLOAT,
    )


@packed("Attention", domain="com.microsoft")
def weights(call: Call) -> Mapping[int, Sequence[int]]:
    """Of each head apart."""
    depth, width = call.input(1).shape
    heads = 3 * call.node.int("num_heads", 1)
    return {1: (heads * packed_bytes(width // heads, depth),)}


@scratch("MultiHeadAttention", domain="com.microsoft")
def blocks(call: Call, threads: int) -> Sequence[int]:
    """The inputs with their heads apart, and a block of products a thread."""
    found = [t.size * _FLOAT for t in call.inputs[:3] if t is not None and len(t.shape) == 3]
    if len(found) < 3:
        return found
    heads = call.node.int("num_heads", 1)
    queries, keys, values = (call.input(slot).shape for slot in range(3))
    one, other = queries[2] // heads, values[2] // heads
    long = min(_CACHE // (4 * _FLOAT * (one + other)), keys[1])
    wide = min(long, one + other, queries[1])
    return [*found, threads * (2 + long + other) * wide * _FLOAT]
