from onnx import TensorProto

MS = {"domain": "com.microsoft"}
# Input [2, 4, 16], weights [16, 72]: 8 tokens x 16 x 72 = 9216 macs. 3 heads of 8, 4 keys:
# 96 scores x 16 = 1536 macs.
X, W, B, Y = (2, 4, 16), (16, 72), (72,), [(2, 4, 24)]


def test_attention(work):
    # 2 x 10,752 + 96 x 6
    done = work("Attention", [X, W], Y, num_heads=3, **MS)
    assert (done.macs, done.flops) == (10_752, 22_080)
    # + 8 x 72 bias + 96 each for the mask, the bias of the scores and causality
    inputs = [X, W, B, (2, 4), None, (1, 3, 4, 4)]
    done = work("Attention", inputs, Y, num_heads=3, unidirectional=1, **MS)
    assert (done.macs, done.flops) == (10_752, 22_944)


def test_attention_with_a_past(work):
    # 6 + 4 keys: 240 scores x 16 = 3840 macs; 2 x 13,056 + 240 x 5 + 192 queries
    past = (2, 2, 3, 6, 8)
    done = work("Attention", [X, W, None, None, past], Y, num_heads=3, **MS)
    assert (done.macs, done.flops) == (13_056, 27_504)


def test_attention_with_values_of_another_size(work):
    # 24 + 24 + 12 columns: 8 x 16 x 60 = 7680 macs; 96 scores x (8 + 4) = 1152
    sizes = {"qkv_hidden_sizes": [24, 24, 12]}
    done = work("Attention", [X, (16, 60)], [(2, 4, 12)], num_heads=3, **sizes, **MS)
    assert (done.macs, done.flops) == (8_832, 18_240)


def test_attention_that_rotates(work):
    # + 8 tokens x 3 heads x 8 of query and of key x 3 = 1152; of half of each head: 576
    done = work("Attention", [X, W], Y, num_heads=3, do_rotary=1, **MS)
    assert done.flops == 22_080 + 1_152
    done = work("Attention", [X, W], Y, num_heads=3, do_rotary=1, rotary_embedding_dim=4, **MS)
    assert done.flops == 22_080 + 576


def test_packed_attention(work):
    # 6 tokens of a batch [2, 4]: 6 x 16 x 72 = 6912 macs + 1536; bias 6 x 72; 96 x 6
    done = work("PackedAttention", [(6, 16), W, B, (2, 4), (3,)], [(6, 24)], num_heads=3, **MS)
    assert (done.macs, done.flops) == (8_448, 17_904)


def test_qattention(work):
    # 22,080 + 576 bias + 96 mask; 576 sums times the product of the scales, itself 72
    inputs = [X, W, B, (), (72,), (2, 4)]
    done = work("QAttention", inputs, Y, num_heads=3, **MS)
    assert (done.macs, done.flops, done.dtype) == (10_752, 23_400, TensorProto.INT8)
