import pytest
from onnx import TensorProto

from ocost.costmodel.work import rules

MS = {"domain": "com.microsoft"}
INT64, UINT8 = TensorProto.INT64, TensorProto.UINT8


def test_torch_embedding_reads_the_rows_it_returns(work):
    done = work("TorchEmbedding", [(30_000, 16), (INT64, (2, 5))], [(2, 5, 16)], **MS)
    assert (done.flops, done.reads) == (0, {0: 160})


@pytest.mark.parametrize(
    ("dtype", "bits", "table", "read"),
    [
        # 3 rows of 32 values: 96 outputs x 2; packed two to a byte they are 48 bytes
        (UINT8, 4, (1000, 16), 48),
        (UINT8, 8, (1000, 32), 96),
        (TensorProto.UINT4, 4, (1000, 32), 96),
    ],
)
def test_gather_block_quantized(work, dtype, bits, table, read):
    # two blocks a row: 3 x 2 scales and zero points
    tensors = [(dtype, table), (INT64, (3,)), (1000, 2), (dtype, (1000, 2))]
    done = work("GatherBlockQuantized", tensors, [(3, 32)], bits=bits, block_size=16, **MS)
    assert (done.flops, done.reads) == (192, {0: read, 2: 6, 3: 6})


def test_parameters_are_what_the_packed_bytes_stand_for(call):
    given = call("GatherBlockQuantized", [(UINT8, (1000, 16))], [(3, 32)], bits=4, **MS)
    assert rules()["com.microsoft", "GatherBlockQuantized"].parameters(given, 0) == 32_000


# 10 tokens of 8: 80 elements. LayerNormalization: 80 x 7 + 10 x 2 = 580.
IDS, TABLES, AFFINE = (INT64, (2, 5)), [(100, 8), (50, 8)], [(8,), (8,)]


def test_embed_layer_normalization(work):
    # + 80 for the sum of two tables; words: 10 rows, positions: 5 rows
    inputs = [IDS, None, *TABLES, None, *AFFINE]
    done = work("EmbedLayerNormalization", inputs, [(2, 5, 8), (2,)], **MS)
    assert (done.flops, done.reads) == (660, {2: 80, 3: 40})
    # a third table of two rows: + 80; a mask: + 10; positions of their own: 10 rows
    inputs = [IDS, IDS, *TABLES, (2, 8), *AFFINE, IDS, IDS]
    done = work("EmbedLayerNormalization", inputs, [(2, 5, 8), (2,)], **MS)
    assert (done.flops, done.reads) == (750, {2: 80, 3: 80, 4: 16})


def test_quantised_embed_layer_normalization(work):
    # 660 as above; dequantised: 2 x 80 looked up and 16 of scale and bias, 2 each
    tables = [(UINT8, table) for table in TABLES]
    inputs = [IDS, None, *tables, None, *AFFINE, None, (), ()]
    done = work("QEmbedLayerNormalization", inputs, [(2, 5, 8), (2,)], **MS)
    assert (done.flops, done.reads) == (1_012, {2: 80, 3: 40})
