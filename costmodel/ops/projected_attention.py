"""com.microsoft's attention that projects its input to queries, keys and values first.

The weights [width, hidden + hidden + v_hidden] are in slot 1 and the bias in slot 2.
"""

from __future__ import annotations

from math import prod

from ...graph.dtypes import INT8
from ..work import Call, Work, formula
from .attention import attend
from .attributes import required_int
from .multi_head_attention import keys_with_past
from .position import ROTARY_FLOPS


def _projected(call: Call, batch: int, queries: int, keys: int, extra: int) -> Work:
    """The projection of all tokens (macs = tokens x weights, plus bias), then attention."""
    weights, heads = call.input(1), required_int(call, "num_heads")
    columns = weights.shape[1]
    hidden, _, v_hidden = call.node.ints("qkv_hidden_sizes") or (columns // 3,) * 3
    rows = prod(call.input(0).shape[:-1])
    work = attend(call, batch * heads * queries, keys, hidden // heads, v_hidden // heads, extra)
    macs = rows * weights.size
    flops = 2 * macs + (rows * columns if call.has_input(2) else 0)
    if call.node.int("do_rotary", 0):
        size = call.node.int("rotary_embedding_dim", 0) or hidden // heads
        flops += ROTARY_FLOPS * rows * 2 * heads * size
    return work._replace(macs=work.macs + macs, flops=work.flops + flops)


@formula("Attention", domain="com.microsoft", weights=(1, 2))
def attention(call: Call) -> Work:
    """Input [B, L, width]; masks in slots 3 and 5, past in 4, its length in 6."""
    batch, length, _ = call.input(0).shape
    keys = keys_with_past(call, length, past=4, axis=3, length=6)
    extra = call.has_input(3) + call.has_input(5) + call.node.int("unidirectional", 0)
    return _projected(call, batch, length, keys, extra)


@formula("PackedAttention", domain="com.microsoft", weights=(1, 2))
def packed_attention(call: Call) -> Work:
    """Tokens [T, width] without padding, whose place in the padded [B, L] stands in slot 3.

    The lengths of the sequences depend on data, so each counts as the longest, L: an upper bound.
    """
    batch, length = call.input(3).shape
    return _projected(call, batch, length, length, 1 if call.has_input(5) else 0)


@formula("QAttention", domain="com.microsoft", weights=(1, 2))
def qattention(call: Call) -> Work:
    """Attention whose projection runs on 8-bit integers; mask in slot 5, past in slot 8.

    The int32 sums are multiplied by the product of the scales in slots 3 and 4; attention itself
    is float, though the whole counts as integer work.
    """
    batch, length, _ = call.input(0).shape
    keys = length + (call.input(8).shape[3] if call.has_input(8) else 0)
    extra = (1 if call.has_input(5) else 0) + call.node.int("unidirectional", 0)
    work = _projected(call, batch, length, keys, extra)
    scale = batch * length * call.input(1).shape[1] + call.input(4).size
    return work._replace(flops=work.flops + scale, dtype=INT8)
