"""Fused attention, and what comes with it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case, Operand, activation, cases, value, weight
from ..sizes import Random, size

_MOST_MACS = 3e8
_MOST = 3e6
_MS = "com.microsoft"


@cases("attention", 4)
def attention(random: Random, block: int) -> Case | None:
    """Of projected queries, keys and values for the most part, or with its projection."""
    del block
    heads, head = size(random, 1, 16), int(random.choice([8, 16, 24, 32, 32, 48, 64, 64, 64, 128]))
    hidden, batch = heads * head, 1 if random.random() < 0.8 else size(random, 2, 8)
    queries = 1 if random.random() < 0.15 else size(random, 2, 512)
    crosswise = random.random() < 0.2
    keys = size(random, 2, 512) if crosswise or queries == 1 else queries
    attributes: dict[str, Any] = {"num_heads": heads}
    macs = 2 * batch * queries * keys * hidden
    if random.random() < 0.5 and not crosswise and queries > 1:
        macs += batch * queries * 3 * hidden**2
        if macs > _MOST_MACS or 3 * hidden**2 > _MOST:
            return None
        operands: tuple[Operand | None, ...] = (
            activation(batch, queries, hidden),
            weight(hidden, 3 * hidden),
            weight(3 * hidden),
        )
        if random.random() < 0.5:
            operands = (*operands, value(np.full((batch,), queries), np.int32))
        if random.random() < 0.3:
            attributes["unidirectional"] = 1
        return Case("Attention", operands, _MS, attributes=attributes)
    if macs > _MOST_MACS or batch * heads * queries * keys > _MOST:
        return None
    source = activation(batch, queries, hidden)
    operands = (source, *(activation(batch, keys, hidden) for _ in range(2)))
    if random.random() < 0.3:
        bias = activation(1, heads, queries, keys)
        operands = (*operands, None, None, bias)
    return Case("MultiHeadAttention", operands, _MS, attributes=attributes)


@cases("embeddings and positions", 1.5)
def embedding(random: Random, block: int) -> Case | None:
    """EmbedLayerNormalization, RotaryEmbedding, GroupQueryAttention."""
    del block
    batch, length = 1 if random.random() < 0.8 else size(random, 2, 8), size(random, 1, 512)
    if random.random() < 0.4:
        hidden = 8 * size(random, 4, 96)
        words = weight(size(random, 100, 4000), hidden)
        if words.shape[0] * hidden > _MOST / 3:
            return None
        ids = random.integers(0, words.shape[0], (batch, length))
        operands: tuple[Operand | None, ...] = (
            value(ids, np.int32),
            value(np.zeros((batch, length)), np.int32),
            *(words, weight(512, hidden), weight(2, hidden), weight(hidden), weight(hidden)),
        )
        return Case("EmbedLayerNormalization", operands, _MS, outputs=2)
    heads, head = size(random, 1, 16), int(random.choice([32, 64, 64, 128]))
    places = value(np.tile(np.arange(length), (batch, 1)))
    table = weight(512, head // 2)
    shape = (batch, heads, length, head) if random.random() < 0.5 else (batch, length, heads * head)
    operands = (activation(*shape), places, table, table)
    return Case("RotaryEmbedding", operands, _MS)


@cases("attention with a past", 1.5)
def with_past(random: Random, block: int) -> Case | None:
    """GroupQueryAttention: a step, or the first of many, with fewer heads of keys."""
    del block
    shared, fewer = int(random.choice([1, 1, 2, 4])), size(random, 1, 8)
    heads, head = shared * fewer, int(random.choice([32, 64, 64, 128]))
    step = random.random() < 0.6
    past = size(random, 8, 512) if step else 0
    queries = 1 if step else size(random, 2, 256)
    total = past + queries
    if 2 * queries * total * heads * head > _MOST_MACS:
        return None
    keys = (1, queries, fewer * head)
    kept = (1, fewer, past, head)
    operands = (
        *(activation(1, queries, heads * head), activation(*keys), activation(*keys)),
        *((activation(*kept), activation(*kept)) if past else (None, None)),
        *(value([total - 1], np.int32), value(total, np.int32)),
    )
    attributes = {"num_heads": heads, "kv_num_heads": fewer}
    return Case("GroupQueryAttention", operands, _MS, outputs=3, attributes=attributes)
