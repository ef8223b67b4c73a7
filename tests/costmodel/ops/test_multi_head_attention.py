import pytest

MS = {"domain": "com.microsoft"}
# Batch 2, 3 heads of 8, 4 queries, 5 keys: 120 scores.
# macs: 120 x (8 + 8) = 1920. A score: scale 1, Softmax 5: 3840 + 720 = 4560.
Y = [(2, 4, 24)]


@pytest.mark.parametrize(
    ("inputs", "attributes", "flops"),
    [
        ([(2, 4, 24), (2, 5, 24), (2, 5, 24)], {}, 4_560),
        ([(2, 4, 24), (2, 5, 3, 2, 8)], {}, 4_560),  # keys and values packed
        ([(2, 4, 24), (2, 3, 5, 8), (2, 3, 5, 8)], {}, 4_560),  # those of an encoder
        # bias: 2 x 4 x 24 queries, 2 x 5 x 24 keys and as many values: 192 + 480
        ([(2, 4, 24), (2, 5, 24), (2, 5, 24), (72,)], {}, 5_232),
        # an encoder's have theirs: 192
        ([(2, 4, 24), (2, 3, 5, 8), (2, 3, 5, 8), (72,)], {}, 4_752),
        # a padding mask, a bias of the scores, causality: 120 each
        (
            [(2, 4, 24), (2, 5, 24), (2, 5, 24), None, (2, 5), (1, 3, 4, 5)],
            {"unidirectional": 1},
            4_920,
        ),
    ],
)
def test_multi_head_attention(work, inputs, attributes, flops):
    done = work("MultiHeadAttention", inputs, Y, num_heads=3, **attributes, **MS)
    assert (done.macs, done.flops) == (1_920, flops)


def test_query_key_and_value_in_one(work):
    # 4 keys: 96 scores x 16 = 1536 macs; 3072 + 96 x 6
    done = work("MultiHeadAttention", [(2, 4, 3, 3, 8)], Y, num_heads=3, **MS)
    assert (done.macs, done.flops) == (1_536, 3_648)


def test_past(work):
    # 7 + 5 keys: 288 scores x 16 = 4608 macs; 9216 + 288 x 5 + 192 of the query
    new = [(2, 4, 24), (2, 5, 24), (2, 5, 24), None, None, None]
    inputs = [*new, (2, 3, 7, 8), (2, 3, 7, 8)]
    done = work("MultiHeadAttention", inputs, Y, num_heads=3, **MS)
    assert (done.macs, done.flops) == (4_608, 10_848)


@pytest.mark.parametrize(("known", "keys"), [({8: [7]}, 12), (None, 64)])
def test_a_shared_cache_counts_what_is_used_of_it_if_known(work, known, keys):
    new = [(2, 4, 24), (2, 5, 24), (2, 5, 24), None, None, None]
    inputs = [*new, (2, 3, 64, 8), (2, 3, 64, 8), (1,)]
    done = work("MultiHeadAttention", inputs, Y, num_heads=3, values=known, **MS)
    assert done.macs == 2 * 3 * 4 * keys * 16


def test_decoder_masked_multi_head_attention(work):
    # one query, 7 + 1 keys: 2 x 3 x 8 = 48 scores x 16 = 768 macs; 1536 + 48 x (6 + 1 mask)
    inputs = [(2, 1, 24)] * 3 + [(2, 8), None, (2, 3, 7, 8), (2, 3, 7, 8)]
    done = work("DecoderMaskedMultiHeadAttention", inputs, [(2, 1, 24)], num_heads=3, **MS)
    assert (done.macs, done.flops) == (768, 1_872)
    # packed into one of 3 x 24, with a bias on 2 x 72, no past: 6 scores; 96 macs, 192 + 36 + 144
    inputs = [(2, 1, 72)] + [None] * 9 + [(72,)]
    done = work("DecoderMaskedMultiHeadAttention", inputs, [(2, 1, 24)], num_heads=3, **MS)
    assert (done.macs, done.flops) == (96, 372)


@pytest.mark.parametrize("query", [(6, 24), (6, 3, 3, 8)])
def test_packed_multi_head_attention(work, query):
    # 6 tokens of a batch [2, 4]: 2 x 3 x 4 x 4 = 96 scores x 16 = 1536 macs
    # 3072 + 96 x (6 + 1 bias of the scores) + 6 x 72 bias
    key = (6, 24) if len(query) == 2 else None
    inputs = [query, key, key, (72,), (2, 4), (3,), (1, 3, 4, 4)]
    done = work("PackedMultiHeadAttention", inputs, [(6, 24)], num_heads=3, **MS)
    assert (done.macs, done.flops) == (1_536, 4_176)


def group_query(query, key, past, *more):
    return [query, key, key, past, past, (2,), (), *more]


HEADS = {"num_heads": 4, "kv_num_heads": 2}


def test_group_query_attention(work):
    # batch 2, 4 query heads of 8, 2 key heads, 3 new tokens after 7: 10 keys
    # 2 x 4 x 3 x 10 = 240 scores x 16 = 3840 macs; 7680 + 240 x (5 + 1 causal) + 192 of the query
    inputs = group_query((2, 3, 32), (2, 3, 16), (2, 2, 7, 8))
    outputs = [(2, 3, 32), (2, 2, 10, 8), (2, 2, 10, 8)]
    done = work("GroupQueryAttention", inputs, outputs, **HEADS, **MS)
    assert (done.macs, done.flops) == (3_840, 9_312)
    # the same from a packed query of 32 + 2 x 16, not causal, capped: 7680 + 240 x (5 + 3) + 192
    inputs = group_query((2, 3, 64), None, (2, 2, 7, 8))
    done = work("GroupQueryAttention", inputs, outputs, causal=0, softcap=50.0, **HEADS, **MS)
    assert (done.macs, done.flops) == (3_840, 9_792)


def test_group_query_attention_within_a_shared_cache(work):
    inputs = group_query((2, 3, 32), (2, 3, 16), (2, 2, 64, 8))
    outputs = [(2, 3, 32), (2, 2, 64, 8), (2, 2, 64, 8)]
    # the total length is known: 10 keys; else all 64: 2 x 4 x 3 x 64 x 16
    done = work("GroupQueryAttention", inputs, outputs, values={6: 10}, **HEADS, **MS)
    assert done.macs == 3_840
    done = work("GroupQueryAttention", inputs, outputs, **HEADS, **MS)
    assert done.macs == 24_576


def test_group_query_attention_rotates_and_normalises(work):
    # rows of queries and keys: 2 x (4 x 3 + 2 x 3) = 36, of 8 elements
    # RMS norms: 36 x 8 x 4 + 36 x 2 = 1224; rotary 36 x 8 x 3 = 864; a bias of 240 scores
    tables = [(100, 4), (100, 4), None, (1, 1, 3, 10), None, None, None, (8,), (8,)]
    inputs = group_query((2, 3, 32), (2, 3, 16), (2, 2, 7, 8), *tables)
    outputs = [(2, 3, 32), (2, 2, 10, 8), (2, 2, 10, 8)]
    done = work("GroupQueryAttention", inputs, outputs, do_rotary=1, **HEADS, **MS)
    assert (done.macs, done.flops) == (3_840, 9_312 + 1_224 + 864 + 240)
    # 6 tokens: as many rows of 4 of each table
    assert done.reads == {7: 24, 8: 24}
