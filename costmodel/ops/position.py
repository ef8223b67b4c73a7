"""Where a token stands: rotary embeddings and relative position biases."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from ..kinds import KernelKind
from ..work import Call, Work, formula

ROTARY_FLOPS = 3  # cos * x1 - sin * x2 or sin * x1 + cos * x2, an element


def table_reads(call: Call, slots: Iterable[int], rows: int) -> dict[int, int]:
    """Elements read of tables of which ``rows`` rows are looked up, at most all, by slot."""
    tables = {slot: call.input(slot) for slot in slots}
    return {slot: min(t.size, rows * t.shape[-1]) for slot, t in tables.items()}


def _rotate(call: Call, tables: tuple[int, int]) -> Work:
    """3 a rotated element of X [B, L, heads x size] or [B, heads, L, size].

    The tables of cosines and sines are half as wide as what is rotated of a head; of them, the
    rows of the tokens are read.
    """
    x, heads = call.input(0), call.node.int("num_heads", 0)
    rotated = 2 * call.input(tables[0]).shape[-1]
    if len(x.shape) == 4:
        head, tokens = x.shape[-1], x.shape[0] * x.shape[2]
    else:
        head, tokens = x.shape[-1] // heads if heads else rotated, prod(x.shape[:-1])
    flops = ROTARY_FLOPS * x.size // head * rotated
    return Work(KernelKind.ELEMENTWISE, flops=flops, reads=table_reads(call, tables, tokens))


@formula("RotaryEmbedding")
def rotary_embedding(call: Call) -> Work:
    """3 a rotated element; cosines and sines in slots 1 and 2, with or without position ids."""
    return _rotate(call, (1, 2))


@formula("RotaryEmbedding", domain="com.microsoft")
def microsoft_rotary_embedding(call: Call) -> Work:
    """3 a rotated element; cosines and sines in slots 2 and 3."""
    return _rotate(call, (2, 3))


@formula("RelativePositionBias", domain="com.microsoft", weights=(0,))
def relative_position_bias(call: Call) -> Work:
    """A pair of positions, all heads together: 12, or 14 if bidirectional; then a look-up.

    T5's buckets. Subtract; Min, negate (bidirectional: compare, multiply, add, Abs); compare,
    divide, Log, divide, multiply, add, Min, choose, add.
    """
    each = 14 if call.node.int("is_bidirectional", 0) else 12
    return Work(KernelKind.INDEXING, flops=each * prod(call.output().shape[2:]))


@formula("GatedRelativePositionBias", domain="com.microsoft", weights=(1, 3, 4, 5))
def gated_relative_position_bias(call: Call) -> Work:
    """Positions [1, heads, L, L] times a gate for each query, computed from the query itself.

    An element of the query [..., heads x size]: its bias. A query and head: a product with the
    weight [size, D] in slot 3 and its bias; the sum of two halves to a gate each; two Sigmoids;
    u * (r * a - 1) + 2, four operations. An output element: one multiplication.
    """
    batch, heads, queries, _ = call.output().shape
    query, (size, width) = call.input(0).size, call.input(3).shape
    rows = batch * heads * queries
    macs = rows * size * width
    gates = rows * (width + (width - 2) + 2 + 4)
    return Work(
        KernelKind.ELEMENTWISE, macs=macs, flops=2 * macs + query + gates + call.output().size
    )
