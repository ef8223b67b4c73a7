"""com.microsoft attention that shares heads of K and V, and what adds positions."""

from __future__ import annotations

from collections.abc import Sequence

from ..info import Info, Quality, ShapeCall, shape_rule
from ._common import MICROSOFT, Shape, contents, like


def _grouped(call: ShapeCall) -> tuple[Shape, int]:
    """The output's shape and the head size of grouped-query attention."""
    batch, sequence, width = call.shape(0)
    heads = call.node.int("num_heads", 1)
    if call.get(1) is not None:
        return (batch, sequence, width), width // heads
    head = width // (heads + 2 * call.node.int("kv_num_heads", 1))  # Q, K and V side by side
    return (batch, sequence, heads * head), head


@shape_rule("GroupQueryAttention", domain=MICROSOFT)
def group_query_attention(call: ShapeCall) -> Sequence[Info]:
    """Output, present key, present value, products of query and key.

    States are [batch, heads of K and V, length, head size]. Input 6 holds the total length; the
    past one (input 3) is at least as long where it is a shared buffer.
    """
    shape, head = _grouped(call)
    batch, sequence, _ = shape
    dtype, past = call.input(0).dtype, call.get(3)
    before = 0 if past is None else call.shape(3)[2]
    given = call.value(6)
    total = before + sequence if given is None else int(given.reshape(-1)[0])
    quality = Quality.BOUND if given is None and before else Quality.EXACT
    length = max(before, total)
    if call.node.int("sliding_window_cache", 0) and past is not None:
        length, quality = before, Quality.EXACT
    heads = call.node.int("kv_num_heads", 1)
    size = head if past is None else call.shape(3)[3]
    state = Info(dtype if past is None else past.dtype, (batch, heads, length, size), quality)
    products = Info(dtype, (batch, call.node.int("num_heads", 1), sequence, total), quality)
    return [Info(dtype, shape), state, state, products]


@shape_rule("SparseAttention", domain=MICROSOFT)
def sparse_attention(call: ShapeCall) -> Sequence[Info]:
    """The states are buffers shared with the past ones, inputs 3 and 4."""
    shape, _ = _grouped(call)
    return [Info(call.input(0).dtype, shape), like(call, 3), like(call, 4)]


@shape_rule("RotaryEmbedding", domain=MICROSOFT)
def rotary_embedding(call: ShapeCall) -> Sequence[Info]:
    """The input's shape."""
    return [like(call)]


@shape_rule("RelativePositionBias", domain=MICROSOFT)
def relative_position_bias(call: ShapeCall) -> Sequence[Info]:
    """[1, heads, query length, key length]; the lengths are inputs' contents."""
    query, key = int(contents(call, 1)[0]), int(contents(call, 2)[0])
    return [Info(call.input(0).dtype, (1, call.shape(0)[1], query, key))]


@shape_rule("GatedRelativePositionBias", domain=MICROSOFT)
def gated_relative_position_bias(call: ShapeCall) -> Sequence[Info]:
    """[batch, heads, sequence, sequence]; batch and sequence lie in input 6 without padding."""
    batch, sequence, *_ = call.shape(0 if call.get(6) is None else 6)
    heads = call.node.int("num_heads", 1)
    return [Info(call.input(0).dtype, (batch, heads, sequence, sequence))]
