"""Rules of com.microsoft that onnxruntime's CPU provider can't check: derived by hand.

These operators run on GPUs only, or their shape is a bound or stays open.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper

from ocost.graph.node import Node
from ocost.graph.shapes.info import Info, Quality, ShapeCall, Unresolved, shape_rules

FLOAT, FLOAT16 = TensorProto.FLOAT, TensorProto.FLOAT16
INT32, UINT32 = TensorProto.INT32, TensorProto.UINT32
INT8, UINT8 = TensorProto.INT8, TensorProto.UINT8
BOOL = TensorProto.BOOL


def t(*dims, dtype=FLOAT):
    """A tensor whose contents are not known."""
    return Info(dtype, dims)


def q(*dims):
    return t(*dims, dtype=UINT8)


def known(*values, dtype=np.int64):
    array = np.array(values, dtype)
    return Info(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, value=array)


def answer(op_type, *inputs, **attributes):
    names = ["" if x is None else f"i{n}" for n, x in enumerate(inputs)]
    node = Node.make(op_type, names, ["y"], domain="com.microsoft", **attributes)
    return shape_rules()["com.microsoft", op_type](ShapeCall(node, inputs))


HEADS = {"num_heads": 2}

# (operator, inputs, attributes, (dtype, shape) of each output)
CASES = [
    # pads 1 + 0 of the 9 rows, a kernel of 3, stride 2: (9 + 2 - 3) // 2 + 1 = 5; 8 - 3 + 1 = 6
    *[
        (
            op,
            [t(1, 9, 8, 4), t(6, 4, 3, 3)],
            {"pads": [1, 0, 1, 0], "strides": [2, 1]},
            [(FLOAT, (1, 5, 6, 6))],
        )
        for op in ("NhwcConv", "NhwcFusedConv")
    ],
    ("BiasAdd", [t(2, 9, 4), t(4), t(2, 9, 4)], {}, [(FLOAT, (2, 9, 4))]),
    ("BiasSoftmax", [t(2, 3, 4), t(4)], {"axis": 2}, [(FLOAT, (2, 3, 4))]),
    ("BiasSplitGelu", [t(2, 9, 8, dtype=FLOAT16), t(8)], {}, [(FLOAT16, (2, 9, 4))]),
    ("BiasDropout", [t(2, 40), t(40)], {}, [(FLOAT, (2, 40)), (BOOL, (2, 40))]),
    # 2 x 40 = 80 bits fill 3 words of 32
    ("BitmaskDropout", [t(2, 40)], {}, [(FLOAT, (2, 40)), (UINT32, (3,))]),
    ("BitmaskBiasDropout", [t(2, 32), t(32)], {}, [(FLOAT, (2, 32)), (UINT32, (2,))]),
    ("QMoE", [t(6, 8), t(6, 2)], {}, [(FLOAT, (6, 8))]),
    ("ComplexMul", [t(3, 1, 2), t(4, 2)], {}, [(FLOAT, (3, 4, 2))]),
    ("ComplexMulConj", [t(3, 4, 2), t(3, 4, 2)], {}, [(FLOAT, (3, 4, 2))]),
    ("MulInteger", [q(2, 3), q(), q(3), q()], {}, [(INT32, (2, 3))]),
    ("GemmFloat8", [t(3, 4), t(5, 4)], {"transB": 1, "dtype": FLOAT16}, [(FLOAT16, (3, 5))]),
    ("GemmFastGelu", [t(2, 3, 4), t(4, 5), t(5)], {}, [(FLOAT, (2, 3, 5))]),
    (
        "FusedMatMulActivation",
        [t(2, 4, 3), t(4, 5)],
        {"transA": 1, "activation": "Relu"},
        [(FLOAT, (2, 3, 5))],
    ),
    # B's dim 0 goes behind the other batch dim: [3, 2, 6, 5] becomes [2, 6, 3, 5]
    ("FusedMatMul", [t(2, 6, 4, 3), t(3, 2, 6, 5)], {"transBatchB": 1}, [(FLOAT, (2, 6, 4, 5))]),
    ("MatMulFpQ4", [t(3, 32), q(80), known(32, 5)], {}, [(FLOAT, (3, 5))]),
    (
        "MatMulInteger16",
        [t(3, 4, dtype=TensorProto.UINT16), t(4, 5, dtype=TensorProto.UINT16)],
        {},
        [(UINT32, (3, 5))],
    ),
    ("GroupNorm", [t(1, 9, 8, 4), t(4), t(4)], {"groups": 2}, [(FLOAT, (1, 9, 8, 4))]),
    (
        "SkipGroupNorm",
        [t(1, 9, 8, 4), t(4), t(4), t(1, 4)],
        {"groups": 2},
        [(FLOAT, (1, 9, 8, 4))] * 2,
    ),
    (
        "SkipLayerNormalization",
        [t(2, 3, 4, dtype=FLOAT16), t(2, 3, 4, dtype=FLOAT16), t(4, dtype=FLOAT16)],
        {},
        [(FLOAT16, (2, 3, 4)), (FLOAT, (2, 3, 1)), (FLOAT, (2, 3, 1)), (FLOAT16, (2, 3, 4))],
    ),
    # 8 reals have 8 / 2 + 1 = 5 bins, and 5 bins came of 2 x (5 - 1) = 8 reals
    ("Rfft", [t(2, 8)], {"signal_ndim": 1}, [(FLOAT, (2, 5, 2))]),
    ("Irfft", [t(2, 5, 2)], {"signal_ndim": 1}, [(FLOAT, (2, 8))]),
    # windows of 3 in steps of 2 over 9: (9 - 3) // 2 + 1 = 4
    ("UnfoldTensor", [t(9, 5)], {"dim": 0, "size": 3, "step": 2}, [(FLOAT, (4, 5, 3))]),
    ("TorchEmbedding", [t(9, 4), t(2, 3)], {}, [(FLOAT, (2, 3, 4))]),
    ("QLinearReduceMean", [q(2, 3, 4), t(), q(), t(), q()], {"axes": [-1]}, [(UINT8, (2, 3, 1))]),
    ("ReduceSumInteger", [q(2, 3)], {"axes": [1], "keepdims": 0}, [(UINT32, (2,))]),
    ("ReduceSumInteger", [t(2, 3, dtype=INT8)], {"keepdims": 0}, [(INT32, ())]),
    (
        "DynamicQuantizeLSTM",
        # both directions, 16 = 4 gates of hidden size 4
        [t(5, 2, 3), q(2, 3, 16), q(2, 4, 16)],
        {"hidden_size": 4, "direction": "bidirectional"},
        [(FLOAT, (5, 2, 2, 4)), (FLOAT, (2, 2, 4)), (FLOAT, (2, 2, 4))],
    ),
    # a buffer shared with the past state keeps its length
    (
        "DecoderMaskedSelfAttention",
        [t(2, 1, 8), t(8, 24), t(24), None, t(2, 2, 2, 9, 4)],
        {**HEADS, "past_present_share_buffer": 1},
        [(FLOAT, (2, 1, 8)), (FLOAT, (2, 2, 2, 9, 4))],
    ),
    (
        "QAttention",
        # 6 past tokens and 3 new ones; the scales are of 16 bits
        [
            *(q(2, 3, 8), q(8, 24), t(24, dtype=FLOAT16), t(dtype=FLOAT16), t(dtype=FLOAT16)),
            *(None, None, None, t(2, 2, 2, 6, 4, dtype=FLOAT16)),
        ],
        HEADS,
        [(FLOAT16, (2, 3, 8)), (FLOAT16, (2, 2, 2, 9, 4))],
    ),
    ("PackedAttention", [t(7, 8), t(8, 24), t(24)], HEADS, [(FLOAT, (7, 8))]),
    ("PackedMultiHeadAttention", [t(7, 8), t(7, 8), t(7, 6)], HEADS, [(FLOAT, (7, 6))]),
    ("PackedMultiHeadAttention", [t(7, 2, 3, 4)], HEADS, [(FLOAT, (7, 8))]),
    ("LongformerAttention", [t(1, 4, 8)], {**HEADS, "window": 2}, [(FLOAT, (1, 4, 8))]),
    (
        "MultiHeadAttention",
        # Q, K and V packed: 5 tokens, 2 heads of 4
        [t(2, 5, 2, 3, 4)],
        HEADS,
        [(FLOAT, (2, 5, 8)), *[(FLOAT, (2, 2, 5, 4))] * 2, (FLOAT, (2, 2, 5, 5))],
    ),
    (
        "MultiHeadAttention",
        # K and V packed: 7 tokens
        [t(2, 3, 8), t(2, 7, 2, 2, 4)],
        HEADS,
        [(FLOAT, (2, 3, 8)), *[(FLOAT, (2, 2, 7, 4))] * 2, (FLOAT, (2, 2, 3, 7))],
    ),
    (
        "MultiHeadAttention",
        # past and present share a buffer of 9
        [
            *(t(2, 1, 8), t(2, 1, 8), t(2, 1, 8), None, None, None),
            *(t(2, 2, 9, 4), t(2, 2, 9, 4), t(1, dtype=INT32)),
        ],
        HEADS,
        [(FLOAT, (2, 1, 8)), *[(FLOAT, (2, 2, 9, 4))] * 2, (FLOAT, (2, 2, 1, 9))],
    ),
    (
        "DecoderMaskedMultiHeadAttention",
        # Q, K and V of 8 side by side; 5 past tokens and the new one
        [t(2, 1, 24), None, None, None, None, t(2, 2, 5, 4), t(2, 2, 5, 4)],
        HEADS,
        [(FLOAT, (2, 1, 8)), *[(FLOAT, (2, 2, 6, 4))] * 2, (FLOAT, (2, 2, 1, 6))],
    ),
    (
        "DecoderMaskedMultiHeadAttention",
        # cross attention: key and value are past states of 7 tokens
        [t(2, 1, 8), t(2, 2, 7, 4), t(2, 2, 7, 4)],
        HEADS,
        [(FLOAT, (2, 1, 8)), *[(FLOAT, (2, 2, 7, 4))] * 2, (FLOAT, (2, 2, 1, 7))],
    ),
    (
        "SparseAttention",
        # (4 + 2 x 2) heads of 8 side by side
        [t(1, 3, 64), None, None, t(1, 2, 32, 8), t(1, 2, 32, 8)],
        {"num_heads": 4, "kv_num_heads": 2, "sparse_block_size": 16},
        [(FLOAT, (1, 3, 32)), *[(FLOAT, (1, 2, 32, 8))] * 2],
    ),
    ("RelativePositionBias", [t(32, 2), known(3), known(5)], {}, [(FLOAT, (1, 2, 3, 5))]),
    ("GatedRelativePositionBias", [t(2, 3, 8)], HEADS, [(FLOAT, (2, 2, 3, 3))]),
    (
        "GatedRelativePositionBias",
        # without padding: batch and sequence are the offsets'
        [t(5, 8), t(8), t(1, 2, 3, 3), t(4, 2), t(2), t(1, 2, 1, 1), t(2, 3, dtype=INT32)],
        HEADS,
        [(FLOAT, (2, 2, 3, 3))],
    ),
]


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "expected"),
    CASES,
    ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)],
)
def test_shapes(op_type, inputs, attributes, expected):
    infos = answer(op_type, *inputs, **attributes)
    assert [(i.dtype, i.shape) for i in infos] == expected
    assert all(i.quality == Quality.EXACT for i in infos)


def test_unique_is_bounded_by_its_input():
    values, indices, counts = answer("Unique", t(9))
    assert (values.shape, values.quality) == ((9,), Quality.BOUND)
    assert (indices.shape, indices.quality) == ((9,), Quality.EXACT)
    assert (counts.shape, counts.quality) == ((9,), Quality.BOUND)


def grouped(total, **attributes):
    """One new token after a past of 9."""
    new = [t(2, 1, 32), t(2, 1, 16), t(2, 1, 16)]
    past = [t(2, 2, 9, 8, dtype=FLOAT16)] * 2
    lengths = [t(2, dtype=INT32), total]
    heads = {"num_heads": 4, "kv_num_heads": 2}
    return answer("GroupQueryAttention", *new, *past, *lengths, **heads, **attributes)


def test_grouped_attention_grows_at_most_by_the_new_tokens():
    output, key, value, products = grouped(t(dtype=INT32))
    assert (output.shape, output.quality) == ((2, 1, 32), Quality.EXACT)
    assert (key.shape, key.quality) == ((2, 2, 10, 8), Quality.BOUND)
    assert key.dtype == FLOAT16
    assert value == key
    assert products.shape == (2, 4, 1, 10)


def test_a_sliding_window_keeps_its_length():
    _, key, *_ = grouped(known(10), sliding_window_cache=1)
    assert (key.shape, key.quality) == ((2, 2, 9, 8), Quality.EXACT)


@pytest.mark.parametrize(
    ("op_type", "inputs", "slot"),
    [
        ("ExpandDims", [t(2, 3), t(dtype=INT32)], 1),
        ("Pad", [t(2, 3), t(4)], 1),
        ("Range", [t(), t()], 0),
        ("CropAndResize", [t(1, 4, 9, 9), t(3, 4), t(3), t(2)], 3),
        ("MatMulFpQ4", [t(3, 32), q(80), t(2)], 2),
        ("RelativePositionBias", [t(32, 2), t(1), t(1)], 1),
    ],
)
def test_contents_that_decide_and_are_not_known(op_type, inputs, slot):
    with pytest.raises(Unresolved, match=f"depends on the contents of 'i{slot}'"):
        answer(op_type, *inputs)


def test_an_open_dim_of_an_input_stays_open():
    x = Info(FLOAT, (None, 4), reason="give --shape x=...")
    (info,) = answer("Gelu", x)
    assert (info.shape, info.reason) == ((None, 4), "give --shape x=...")
    with pytest.raises(Unresolved, match="give --shape x="):
        answer("FusedMatMul", x, t(4, 5))


def test_a_step_of_zero_is_refused():
    with pytest.raises(Unresolved, match="step is not positive"):
        answer("UnfoldTensor", t(9), size=3, step=0)
