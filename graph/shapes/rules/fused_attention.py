"""com.microsoft attention with as many heads of K and V as of Q.

The present state holds the past one and what this call adds, unless both share a buffer.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..info import Info, ShapeCall, shape_rule
from ._common import MICROSOFT, like


def _value_hidden(call: ShapeCall) -> int:
    """Width of V in merged Q, K and V weights: an attribute, or a third."""
    sizes = call.node.ints("qkv_hidden_sizes")
    return sizes[2] if sizes else call.shape(1)[-1] // 3


def _attention(call: ShapeCall, past: int, dtype: int) -> Sequence[Info]:
    """Input [batch, sequence, hidden]; states are [2, batch, heads, length, head size]."""
    batch, sequence, _ = call.shape(0)
    hidden = _value_hidden(call)
    heads = call.node.int("num_heads", 1)
    output = Info(dtype, (batch, sequence, hidden))
    if call.get(past) is None:
        return [output, Info(dtype, (2, batch, heads, sequence, hidden // heads))]
    state = list(call.shape(past))
    if not call.node.int("past_present_share_buffer", 0):
        state[3] += sequence
    return [output, Info(dtype, tuple(state))]


@shape_rule("Attention", "DecoderMaskedSelfAttention", domain=MICROSOFT)
def attention(call: ShapeCall) -> Sequence[Info]:
    """Input 4 is the past state."""
    return _attention(call, 4, call.input(0).dtype)


@shape_rule("QAttention", domain=MICROSOFT)
def q_attention(call: ShapeCall) -> Sequence[Info]:
    """Quantised input and weights; the output has the scales' type. Input 8 is the past state."""
    return _attention(call, 8, call.input(3).dtype)


@shape_rule("PackedAttention", domain=MICROSOFT)
def packed_attention(call: ShapeCall) -> Sequence[Info]:
    """Input [tokens, hidden], without padding."""
    return [Info(call.input(0).dtype, (call.shape(0)[0], _value_hidden(call)))]


@shape_rule("PackedMultiHeadAttention", domain=MICROSOFT)
def packed_multi_head_attention(call: ShapeCall) -> Sequence[Info]:
    """Query [tokens, hidden], or Q, K and V as [tokens, heads, 3, head size]."""
    query = call.shape(0)
    hidden = query[1] * query[3] if call.get(2) is None else call.shape(2)[1]
    return [Info(call.input(0).dtype, (query[0], hidden))]


@shape_rule("LongformerAttention", domain=MICROSOFT)
def longformer_attention(call: ShapeCall) -> Sequence[Info]:
    """The input's shape."""
    return [like(call)]


def _key_length(call: ShapeCall, sequence: int) -> int:
    """Tokens that the key input brings; none of its own where Q, K and V are packed."""
    if call.get(1) is None:
        return sequence
    key = call.shape(1)
    return key[2] if len(key) == 4 else key[1]  # [batch, heads, length, size] is a past key


@shape_rule("MultiHeadAttention", domain=MICROSOFT)
def multi_head_attention(call: ShapeCall) -> Sequence[Info]:
    """Output, present key, present value, products of query and key.

    Query [batch, sequence, hidden], or Q, K and V as [batch, sequence, heads, 3, head size];
    value [batch, length, hidden] or [batch, heads, length, head size]. Input 6 is the past key;
    with input 8, its length in use, the states share a buffer.
    """
    query, dtype = call.shape(0), call.input(0).dtype
    batch, sequence = query[:2]
    heads = call.node.int("num_heads", 1)
    head = query[4] if len(query) == 5 else query[2] // heads
    value_head = head
    if call.get(2) is not None:
        value = call.shape(2)
        value_head = value[3] if len(value) == 4 else value[2] // heads
    total = _key_length(call, sequence)
    length = total
    if call.get(6) is not None:
        past = call.shape(6)[2]
        shared = call.get(8) is not None
        length = past if shared else past + total
        total = length
    return [
        Info(dtype, (batch, sequence, heads * value_head)),
        Info(dtype, (batch, heads, length, head)),
        Info(dtype, (batch, heads, length, value_head)),
        Info(dtype, (batch, heads, sequence, total)),
    ]


@shape_rule("DecoderMaskedMultiHeadAttention", domain=MICROSOFT)
def decoder_masked_multi_head_attention(call: ShapeCall) -> Sequence[Info]:
    """One new token: output, present key, present value, products of query and key.

    Query [batch, 1, hidden], or Q, K and V side by side in it. Input 5 is the past key.
    """
    query, dtype = call.shape(0), call.input(0).dtype
    batch, sequence = query[:2]
    heads = call.node.int("num_heads", 1)
    hidden = query[2] if call.get(1) is not None else query[2] // 3
    value_hidden = hidden
    if call.get(2) is not None:
        value = call.shape(2)
        value_hidden = value[1] * value[3] if len(value) == 4 else value[2]
    length = _key_length(call, sequence)
    if call.get(5) is not None:
        past = call.shape(5)[2]
        length = past if call.node.int("past_present_share_buffer", 0) else past + length
    return [
        Info(dtype, (batch, sequence, value_hidden)),
        Info(dtype, (batch, heads, length, hidden // heads)),
        Info(dtype, (batch, heads, length, value_hidden // heads)),
        Info(dtype, (batch, heads, sequence, length)),
    ]
