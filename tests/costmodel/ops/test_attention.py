import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown

# Batch 2, 3 heads, 4 queries, 5 keys, heads of 8: 120 scores.
# macs: 120 x (8 + 8) = 1920. A score: scale 1, Softmax 5.
Q, K, Y = (2, 3, 4, 8), (2, 3, 5, 8), (2, 3, 4, 8)


@pytest.mark.parametrize(
    ("inputs", "attributes", "flops"),
    [
        ([Q, K, K], {}, 4_560),  # 3840 + 120 x 6
        ([Q, K, K, (4, 5)], {}, 4_680),  # + 120 for the mask
        ([Q, K, K], {"is_causal": 1}, 4_680),
        ([Q, K, K, (4, 5)], {"is_causal": 1}, 4_680),  # masked once, whatever masks
        ([Q, K, K], {"left_window_size": 2}, 4_680),
        ([Q, K, K, None, None, None, (2,)], {}, 4_680),
        ([Q, K, K], {"softcap": 30.0}, 4_920),  # + 120 x 3
        # 3-D, the heads packed
        ([(2, 4, 24), (2, 5, 24), (2, 5, 24)], {"q_num_heads": 3, "kv_num_heads": 3}, 4_560),
        # one key head for all three query heads: the arithmetic is the same
        ([Q, (2, 1, 5, 8), (2, 1, 5, 8)], {}, 4_560),
        ([(2, 4, 24), (2, 5, 8), (2, 5, 8)], {"q_num_heads": 3, "kv_num_heads": 1}, 4_560),
    ],
)
def test_attention(work, inputs, attributes, flops):
    done = work("Attention", inputs, [Y], **attributes)
    assert (done.macs, done.flops, done.kind) == (1_920, flops, KernelKind.ATTENTION)


def test_past_and_value_heads_of_another_size(work):
    # 7 past + 5 keys: 288 scores x (8 + 6) = 4032 macs; 8064 + 288 x 5 + 192 of Q;
    # a mode for QK is free
    past, v = [(2, 3, 7, 8), (2, 3, 7, 6)], (2, 3, 5, 6)
    outputs = [(2, 3, 4, 6), (2, 3, 12, 8), (2, 3, 12, 6), (2, 3, 4, 12)]
    done = work("Attention", [Q, K, v, None, *past], outputs)
    assert (done.macs, done.flops) == (4_032, 9_696)
    assert not done.reads
    assert not done.writes


def test_packed_heads_must_be_counted(work):
    with pytest.raises(Unknown, match="q_num_heads"):
        work("Attention", [(2, 4, 24)] * 3, [(2, 4, 24)])


def test_flex_attention(work):
    done = work("FlexAttention", [Q, K, K], [Y], domain="ai.onnx.preview")
    assert (done.macs, done.flops) == (1_920, 4_560)


@pytest.mark.parametrize(
    ("rule", "decay", "macs", "flops"),
    [
        # 10 tokens; 4 query heads, 2 key heads, d_k 3, d_v 5: state 15
        # linear: 10 x 15 x (4 + 2) = 900; scale 10 x 4 x 5 = 200
        ("linear", None, 900, 2_000),
        # + Exp of 10 x 2 decays + 10 x 2 x 15 products
        ("gated", (2, 5, 2), 900, 2_320),
        # 10 x 15 x (4 + 2 x 2) = 1200; scale 200; 10 x 2 heads x 2 x 5
        ("delta", None, 1_200, 2_800),
        # + Exp of 10 x 2 x 3 decays + 300
        ("gated_delta", (2, 5, 6), 1_200, 3_160),
    ],
)
def test_linear_attention(work, rule, decay, macs, flops):
    inputs = [(2, 5, 12), (2, 5, 6), (2, 5, 10), None, decay, (2, 5, 2)]
    done = work(
        "LinearAttention",
        inputs,
        [(2, 5, 20), (2, 2, 3, 5)],
        q_num_heads=4,
        kv_num_heads=2,
        update_rule=rule,
    )
    assert (done.macs, done.flops) == (macs, flops)
