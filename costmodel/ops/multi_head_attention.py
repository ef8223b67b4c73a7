"""com.microsoft's attention over queries, keys and values that are projected already."""

from __future__ import annotations

from ..work import Call, Work, formula
from .attention import attend, softcap
from .attributes import required_int
from .normalisation import rms_norm_flops
from .position import ROTARY_FLOPS, table_reads


def keys_with_past(call: Call, new: int, past: int, axis: int, length: int) -> int:
    """Key positions: the new ones and those of the past, which has them along ``axis``.

    A cache that past and present share has room for all steps. How much of it is in use stands
    in the slot ``length``; where that is not known before the run, all of it counts.
    """
    if not call.has_input(past):
        return new
    room = call.input(past).shape[axis]
    if not call.has_input(length):
        return room + new
    used = call.values.get(length)
    return room if used is None else int(used.item()) + new


def _multi_head(call: Call, bias: int, masks: tuple[int, int], past: int, length: int) -> Work:
    """Query [B, L, heads x size], key and value in one of their layouts, output [B, L, ...].

    Key and value: [B, S, heads x size] each; [B, heads, S, size] each (a past to attend to
    crosswise); packed into the key [B, S, heads, 2, size]; all three packed into the query
    [B, L, heads, 3, size] or [B, L, hidden + hidden + v_hidden]. The bias is added to what is
    new of all three. A mask, a bias of the scores and causality are one operation a score each.
    """
    batch, queries, *rest = call.input(0).shape
    heads = required_int(call, "num_heads")
    v_head = call.output().shape[-1] // heads
    key = call.input(1).shape if call.has_input(1) else None
    if len(rest) == 3:
        head = rest[2]
    else:
        head = rest[0] // heads if key else (rest[0] // heads - v_head) // 2
    new = queries if key is None else key[2 if len(key) == 4 else 1]
    keys = keys_with_past(call, new, past, 2, length)
    extra = sum(call.has_input(slot) for slot in masks) + call.node.int("unidirectional", 0)
    work = attend(call, batch * heads * queries, keys, head, v_head, extra)
    if not call.has_input(bias):
        return work
    projected = 0 if key is not None and len(key) == 4 else new * (head + v_head)
    return work._replace(flops=work.flops + batch * heads * (queries * head + projected))


@formula("MultiHeadAttention", domain="com.microsoft", weights=(3,))
def multi_head_attention(call: Call) -> Work:
    """Bias in slot 3, masks in 4 and 5, past in 6 and 7, the past's length in 8."""
    return _multi_head(call, bias=3, masks=(4, 5), past=6, length=8)


@formula("DecoderMaskedMultiHeadAttention", domain="com.microsoft", weights=(10,))
def decoder_attention(call: Call) -> Work:
    """One new token; masks in slots 3 and 4, past in 5 and 6, its length in 7, bias in 10."""
    return _multi_head(call, bias=10, masks=(3, 4), past=5, length=7)


@formula("PackedMultiHeadAttention", domain="com.microsoft", weights=(3,))
def packed_multi_head_attention(call: Call) -> Work:
    """Tokens without padding, whose place in the padded batch [B, L] stands in slot 4.

    The lengths of the sequences depend on data, so each counts as the longest, L: an upper bound.
    """
    tokens, *rest = call.input(0).shape
    batch, length = call.input(4).shape
    heads = required_int(call, "num_heads")
    head = rest[2] if len(rest) == 3 else rest[0] // heads
    v_head = call.output().shape[-1] // heads
    work = attend(call, batch * heads * length, length, head, v_head, 1 if call.has_input(6) else 0)
    bias = tokens * call.input(3).size if call.has_input(3) else 0
    return work._replace(flops=work.flops + bias)


@formula("GroupQueryAttention", domain="com.microsoft", weights=(11, 14, 15))
def group_query_attention(call: Call) -> Work:
    """Query heads that share keys and values; packed into the query if there is no key.

    The positions to attend to are the total length in slot 6 if known before the run, else all
    that the present cache has room for. Rotary embedding of query and key, their RMS norms
    (slots 14, 15), a bias (slot 10) and a soft cap count; dequantising a cache does not.
    """
    batch, queries, width = call.input(0).shape
    heads, kv_heads = required_int(call, "num_heads"), required_int(call, "kv_num_heads")
    head = width // (heads if call.has_input(1) else heads + 2 * kv_heads)
    new = call.input(1).shape[1] if call.has_input(1) else queries
    if 6 in call.values:
        keys = int(call.values[6].item())
    elif call.has_output(1):
        keys = call.output(1).shape[2]
    else:
        keys = new + (call.input(3).shape[2] if call.has_input(3) else 0)
    extra = softcap(call) + call.node.int("causal", 1) + (1 if call.has_input(10) else 0)
    work = attend(call, batch * heads * queries, keys, head, head, extra)
    flops, rows = work.flops, batch * (heads * queries + kv_heads * new)
    if call.has_input(14):
        flops += rms_norm_flops(rows * head, rows, scale=True)
    if not call.node.int("do_rotary", 0):
        return work._replace(flops=flops)
    flops += ROTARY_FLOPS * rows * 2 * call.input(7).shape[-1]
    return work._replace(flops=flops, reads=table_reads(call, (7, 8), batch * queries))
