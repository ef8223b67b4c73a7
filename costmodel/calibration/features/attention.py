"""Fused attention: projection, scores, Softmax, and the product with the values."""

from __future__ import annotations

from ...cost import Costed
from ...work import Call
from ..machine import Machine
from .general import general, qualified
from .register import Features, features, log, types

_PROJECTED = ("Attention", "QAttention")
_ALIKE = ("Attention", "MultiHeadAttention")  # but for the projection


@features("Attention")
@features(
    *(*_PROJECTED, "MultiHeadAttention", "GroupQueryAttention", "DecoderMaskedMultiHeadAttention"),
    domain="com.microsoft",
)
def attention(costed: Costed, call: Call, machine: Machine) -> Features | None:
    """By heads, queries and keys."""
    node, macs = costed.node, (costed.cost.macs or 0) / costed.cost.trips
    query, made = call.input(0).shape, call.output().shape
    heads = node.int("num_heads", 0) or node.int("q_num_heads", 0)
    heads = heads or (query[1] if len(query) == 4 else 1)
    batch, queries = query[0], query[2] if len(query) == 4 else query[1]
    hidden = made[-1] * (heads if len(made) == 4 else 1)
    projected = 0.0
    if node.domain and node.op_type in _PROJECTED:
        projected = float(batch * queries * call.input(1).size)
    inner = max(0.0, macs - projected)
    # scores and values take about as many: batch x queries x keys x hidden each
    scores = heads * inner / max(1, 2 * hidden)
    terms = dict(general(costed, call, machine).terms)
    terms["projected"] = projected
    terms["multiply-adds"] = inner
    terms["scores"] = scores
    terms["rows"] = float(batch * heads * queries)
    terms["heads"] = float(batch * heads)
    coordinates = {
        "batch": log(batch),
        "heads": log(heads),
        "queries": log(queries),
        "keys": log(scores / max(1, batch * heads * queries)),
        "head": log(hidden / max(1, heads)),
        "multiply-adds": log(macs),
    }
    name = "attention" if node.op_type in _ALIKE and node.domain else qualified(costed)
    one = ", one row" if queries == 1 else ""
    return Features(f"{name}{one}{types(call)}", terms, coordinates)
