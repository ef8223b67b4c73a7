"""Scaled dot-product attention, as ai.onnx has it.

Every query meets every key: what a causal mask, a window or the valid length of a padded cache
would let a kernel leave out is counted, as published figures do. The caches of keys and values
are read and written whole.
"""

from __future__ import annotations

from ..kinds import KernelKind
from ..work import Call, Work, formula
from .attributes import required_int
from .softmax import SOFTMAX_FLOPS

SOFTCAP_FLOPS = 3  # divide, Tanh, multiply


def attend(call: Call, rows: int, keys: int, head: int, v_head: int, extra: int = 0) -> Work:
    """Scores, Softmax, and the weighted sum of the values.

    The scale is multiplied where that is least: into the queries or into the scores. One of 1
    costs nothing.

    Parameters
    ----------
    call
        The node.
    rows
        Batch x query heads x query positions. That several of these heads share the keys of one
        (grouped-query attention) saves traffic, not arithmetic.
    keys
        Key positions that a query meets, those of the cache included.
    head, v_head
        Head sizes of keys and of values.
    extra
        Flops a score beyond its Softmax: masks, biases, a soft cap.
    """
    scores = rows * keys
    macs = scores * (head + v_head)
    scaled = 0 if call.node.float("scale", 0.0) == 1.0 else rows * min(head, keys)
    flops = 2 * macs + scaled + scores * (SOFTMAX_FLOPS + extra)
    return Work(KernelKind.ATTENTION, macs=macs, flops=flops)


def softcap(call: Call) -> int:
    """Flops a score for the soft cap, if there is one."""
    return SOFTCAP_FLOPS if call.node.float("softcap", 0.0) > 0 else 0


@formula("Attention")
def attention(call: Call) -> Work:
    """Q, K, V as [B, heads, L, size] or [B, L, heads x size]; mask in slot 3, past in 4 and 5.

    A score costs one addition if anything masks it (mask, causality, window, valid lengths),
    however many of these there are.
    """
    q, k, v, node = call.input(0).shape, call.input(1).shape, call.input(2).shape, call.node
    if len(q) == 4:
        rows, keys, head, v_head = q[0] * q[1] * q[2], k[2], q[3], v[3]
    else:
        heads = required_int(call, "q_num_heads")
        rows, keys, head = q[0] * q[1] * heads, k[1], q[2] // heads
        v_head = v[2] // required_int(call, "kv_num_heads")
    if call.has_input(4):
        keys += call.input(4).shape[2]
    masked = (
        call.has_input(3)
        or call.has_input(6)
        or node.int("is_causal", 0) != 0
        or max(node.int("left_window_size", -1), node.int("right_window_size", -1)) >= 0
    )
    return attend(call, rows, keys, head, v_head, (1 if masked else 0) + softcap(call))


@formula("FlexAttention", domain="ai.onnx.preview")
def flex_attention(call: Call) -> Work:
    """Q, K, V [B, heads, L, size]; what ``score_mod`` and ``prob_mod`` do is not counted."""
    batch, heads, queries, head = call.input(0).shape
    keys, v_head = call.input(1).shape[2], call.input(2).shape[3]
    return attend(call, batch * heads * queries, keys, head, v_head)


@formula("LinearAttention")
def linear_attention(call: Call) -> Work:
    """Attention through a recurrent state [d_k, d_v] a key head, one token after the other.

    A token takes, for each query head, a product of its query and the state (d_k x d_v macs) and
    its scale (d_v); for each key head, the outer product of key and value into the state
    (d_k x d_v macs). A gate adds Exp of the decay and its product with the state; the delta rule
    a product of state and key (d_k x d_v macs), a subtraction and a multiplication by beta
    (d_v each). Chunked kernels do more arithmetic for fewer steps.
    """
    query_heads = required_int(call, "q_num_heads")
    heads = required_int(call, "kv_num_heads")
    batch, length, width = call.input(0).shape
    d_k, d_v = width // query_heads, call.input(2).shape[2] // heads
    rule = call.node.string("update_rule", "gated_delta")
    tokens, state = batch * length, d_k * d_v
    delta = rule in ("delta", "gated_delta")
    macs = tokens * state * (query_heads + heads * (2 if delta else 1))
    flops = 2 * macs + tokens * query_heads * d_v
    flops += tokens * heads * 2 * d_v if delta else 0
    if rule in ("gated", "gated_delta"):
        flops += call.input(4).size + tokens * heads * state
    return Work(KernelKind.ATTENTION, macs=macs, flops=flops)
