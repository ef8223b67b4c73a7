import pytest

from ocost.costmodel.kinds import KernelKind

MS = {"domain": "com.microsoft"}


@pytest.mark.parametrize(
    ("x", "half", "heads", "flops"),
    [
        ((2, 5, 24), 4, 0, 720),  # all 240 elements x 3
        ((2, 5, 24), 4, 3, 720),
        ((2, 3, 5, 8), 4, 0, 720),
        ((2, 5, 24), 2, 3, 360),  # half of each head
        ((2, 3, 5, 8), 2, 3, 360),
    ],
)
def test_rotary_embedding(work, x, half, heads, flops):
    inputs = [x, (2, 5), (100, half), (100, half)]
    done = work("RotaryEmbedding", inputs, [x], num_heads=heads, **MS)
    assert (done.macs, done.flops) == (0, flops)
    assert done.reads == {2: 10 * half, 3: 10 * half}  # 2 x 5 tokens


@pytest.mark.parametrize("ids", [None, (2, 5)])
def test_rotary_embedding_of_ai_onnx(work, ids):
    # half of each head of 8: 120 of 240 elements x 3; 10 tokens, with a table or row for row
    table = (100, 2) if ids else (2, 5, 2)
    done = work("RotaryEmbedding", [(2, 3, 5, 8), table, table, ids], [(2, 3, 5, 8)])
    assert (done.flops, done.reads) == (360, {1: 20, 2: 20})


def test_rotary_tables_are_read_at_most_whole(work):
    inputs = [(8, 5, 24), (8, 5), (6, 4), (6, 4)]
    done = work("RotaryEmbedding", inputs, [(8, 5, 24)], **MS)
    assert done.reads == {2: 24, 3: 24}


@pytest.mark.parametrize(("bidirectional", "flops"), [(0, 192), (1, 224)])
def test_relative_position_bias(work, bidirectional, flops):
    # 4 x 4 pairs x 12 or 14
    done = work(
        "RelativePositionBias",
        [(32, 3), (), ()],
        [(1, 3, 4, 4)],
        is_bidirectional=bidirectional,
        max_distance=128,
        **MS,
    )
    assert (done.flops, done.kind) == (flops, KernelKind.INDEXING)


def test_gated_relative_position_bias(work):
    # batch 2, 3 heads of 8, 4 positions: 24 rows x 8 x 6 = 1152 macs
    # bias of 192 query elements; a row: 6 biases, 4 additions, 2 Sigmoids, 4 operations; 96 outputs
    # 2304 + 192 + 24 x 16 + 96
    inputs = [(2, 4, 24), (24,), (1, 3, 4, 4), (8, 6), (6,), (1, 3, 1, 1)]
    done = work("GatedRelativePositionBias", inputs, [(2, 3, 4, 4)], num_heads=3, **MS)
    assert (done.macs, done.flops) == (1_152, 2_976)
