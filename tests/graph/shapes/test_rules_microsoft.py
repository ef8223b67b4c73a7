"""Rules of com.microsoft against what onnxruntime's CPU provider answers."""

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from ocost.graph.node import Node
from ocost.graph.shapes.info import Info, Quality, ShapeCall, shape_rules

MS = "com.microsoft"


def f(*dims):
    """Small floats."""
    return np.linspace(-1, 1, int(np.prod(dims)), dtype=np.float32).reshape(dims)


def h(*dims):
    return f(*dims).astype(np.float16)


def u8(*dims):
    return (np.arange(np.prod(dims)) % 200).astype(np.uint8).reshape(dims)


def i8(*dims):
    return (np.arange(np.prod(dims)) % 100).astype(np.int8).reshape(dims)


def i32(*values):
    return np.array(values, np.int32)


def i64(*values):
    return np.array(values, np.int64)


def ids(*dims):
    """Zeros of the type that indices have."""
    return np.zeros(dims, np.int32)


S = np.array(0.1, np.float32)  # a scale
Z = np.array(3, np.uint8)  # a zero point
ZI = np.array(0, np.int8)


def run(op_type, inputs, asked, attributes, domain):
    """The rule's answer with all contents known, and onnxruntime's arrays."""
    names = ["" if x is None else f"i{n}" for n, x in enumerate(inputs)]
    outputs = [f"o{n}" if n in asked else "" for n in range(max(asked) + 1)]
    node = Node.make(op_type, names, outputs, domain=domain, **attributes)
    known = [
        None if x is None else Info(helper.np_dtype_to_tensor_dtype(x.dtype), x.shape, value=x)
        for x in inputs
    ]
    infos = shape_rules()[domain, op_type](ShapeCall(node, known, 1))
    graph = helper.make_graph(
        [node.as_proto()],
        "g",
        [
            helper.make_tensor_value_info(n, i.dtype, i.shape)
            for n, i in zip(names, known, strict=True)
            if i is not None
        ],
        [helper.make_tensor_value_info(outputs[n], infos[n].dtype, None) for n in asked],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MS, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {n: x for n, x in zip(names, inputs, strict=True) if n}
    return [infos[n] for n in asked], session.run(None, feeds)


CONV = {"pads": [1, 0, 1, 2], "strides": [2, 1], "dilations": [1, 2]}
POOL = {"kernel_shape": [3, 3], "strides": [2, 2]}
NBITS = {"N": 5, "K": 32, "block_size": 16}
HEADS = {"num_heads": 2}
GROUPED = {"num_heads": 4, "kv_num_heads": 2}
X = f(1, 4, 9, 8)

# (operator, inputs, number of outputs, attributes)
CASES = [
    ("FusedConv", [X, f(6, 4, 3, 3), f(6)], 1, {**CONV, "activation": "Relu"}),
    ("FusedConv", [X, f(6, 2, 3, 3)], 1, {"auto_pad": "SAME_UPPER", "group": 2, "strides": [2, 2]}),
    (
        "QLinearConv",
        [u8(1, 9, 8, 4), S, Z, u8(6, 4, 3, 3), S, Z, S, Z],
        1,
        {**CONV, "channels_last": 1},
    ),
    ("QLinearConv", [u8(1, 4, 9, 8), S, Z, u8(6, 4, 3, 3), S, Z, S, Z], 1, CONV),
    ("NhwcMaxPool", [u8(1, 9, 8, 4)], 1, {**POOL, "ceil_mode": 1}),
    ("NhwcMaxPool", [u8(1, 9, 8, 4)], 1, {**POOL, "dilations": [2, 1], "pads": [1, 1, 1, 1]}),
    ("QLinearAveragePool", [u8(1, 4, 9, 8), S, Z, S, Z], 1, {**POOL, "ceil_mode": 1}),
    ("QLinearAveragePool", [u8(1, 9, 8, 4), S, Z, S, Z], 1, {**POOL, "channels_last": 1}),
    ("QLinearGlobalAveragePool", [u8(1, 4, 9, 8), S, Z, S, Z], 1, {}),
    ("QLinearGlobalAveragePool", [u8(1, 9, 8, 4), S, Z, S, Z], 1, {"channels_last": 1}),
    ("MaxpoolWithMask", [f(1, 4, 9, 8), np.ones((1, 4, 9, 8), np.int32)], 1, POOL),
    ("FusedGemm", [f(3, 4), f(5, 3), f(5)], 1, {"transA": 1, "transB": 1, "activation": "Relu"}),
    ("QGemm", [u8(3, 4), S, Z, u8(4, 5), S, Z, None, S, Z], 1, {}),
    ("QGemm", [u8(3, 4), S, Z, u8(5, 4), S, Z], 1, {"transB": 1}),
    ("FusedMatMul", [f(2, 3, 4), f(4, 5)], 1, {"alpha": 0.5}),
    ("FusedMatMul", [f(2, 4, 3), f(2, 5, 4)], 1, {"transA": 1, "transB": 1}),
    ("FusedMatMul", [f(3, 2, 6, 4), f(2, 6, 4, 5)], 1, {"transBatchA": 1}),
    ("FusedMatMul", [f(3, 2, 6, 4), f(2, 6, 3, 5)], 1, {"transBatchA": 1, "transA": 1}),
    ("FusedMatMul", [f(4), f(4, 5)], 1, {"transA": 1}),
    ("TransposeMatMul", [f(4, 3), f(4, 5)], 1, {"transA": 1}),
    ("MatMulNBits", [f(2, 3, 32), u8(5, 2, 8), f(10)], 1, NBITS),
    ("MatMulBnb4", [f(3, 32), u8(80), f(10)], 1, NBITS | {"quant_type": 1}),
    ("DynamicQuantizeMatMul", [f(2, 3, 4), u8(4, 5), S, Z, f(5)], 1, {}),
    ("MatMulIntegerToFloat", [u8(2, 3, 4), u8(4, 5), S, S, Z, Z], 1, {}),
    ("MatMulInteger16", [np.ones((3, 4), np.int16), np.ones((4, 5), np.int16)], 1, {}),
    *[(op, [X], 1, {}) for op in ("Gelu", "QuickGelu", "FastGelu")],
    ("BiasGelu", [f(2, 3, 4), f(4)], 1, {}),
    ("Inverse", [f(2, 2) + np.eye(2, dtype=np.float32)], 1, {}),
    ("Trilu", [f(2, 3, 4), np.array(1, np.int64)], 1, {}),
    ("QLinearLeakyRelu", [u8(2, 3), S, Z, S, Z], 1, {}),
    ("QLinearSigmoid", [u8(2, 3), S, Z, S, Z], 1, {}),
    ("QLinearSoftmax", [u8(2, 3), S, Z, S, Z], 1, {"opset": 13}),
    ("QLinearAdd", [u8(2, 3, 1), S, Z, u8(3, 4), S, Z, S, Z], 1, {}),
    ("QLinearMul", [i8(4), S, ZI, i8(2, 3, 4), S, ZI, S, ZI], 1, {}),
    ("QLinearWhere", [f(3, 1) > 0, u8(1, 4), S, Z, u8(2, 1, 1), S, Z, S, Z], 1, {}),
    ("QLinearConcat", [S, Z, u8(2, 3), S, Z, u8(2, 5), S, Z], 1, {"axis": 1}),
    ("QuantizeLinear", [f(2, 3), S, np.array(0, np.int16)], 1, {}),
    ("DequantizeLinear", [u8(2, 3), S, Z], 1, {}),
    (
        "DynamicQuantizeLSTM",
        [
            *(f(5, 2, 3), u8(1, 3, 16), u8(1, 4, 16), None, None, None, None, None),
            *(f(1), u8(1), f(1), u8(1)),
        ],
        3,
        {"hidden_size": 4},
    ),
    ("SkipLayerNormalization", [f(2, 3, 4), f(2, 3, 4), f(4), f(4)], (0, 3), {}),
    ("SkipSimplifiedLayerNormalization", [f(2, 3, 4), f(3, 4), f(4)], (0, 3), {}),
    ("SimplifiedLayerNormalization", [f(2, 3, 4), f(4)], 2, {}),
    ("SimplifiedLayerNormalization", [f(2, 3, 4), f(3, 4)], 2, {"axis": 1}),
    (
        "EmbedLayerNormalization",
        [ids(2, 3), ids(2, 3), f(9, 4), f(5, 4), f(2, 4), f(4), f(4), None],
        3,
        {},
    ),
    (
        "QEmbedLayerNormalization",
        [
            *(ids(2, 3), ids(2, 3), u8(9, 4), u8(5, 4), u8(2, 4), u8(4), u8(4), ids(2, 3)),
            *(S, S, S, S, S, Z, Z, Z, Z, Z),
        ],
        2,
        {},
    ),
    ("Attention", [f(2, 3, 8), f(8, 24), f(24)], 2, HEADS),
    (
        "Attention",
        [f(2, 3, 8), f(8, 22), f(22)],
        1,
        {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 6]},
    ),
    (
        "Attention",
        [f(2, 1, 8), f(8, 24), f(24), None, f(2, 2, 2, 5, 4)],
        2,
        {"num_heads": 2, "unidirectional": 1},
    ),
    ("QAttention", [u8(2, 3, 8), u8(8, 24), f(24), S, S, None, Z, Z], 1, HEADS),
    ("MultiHeadAttention", [f(2, 3, 8), f(2, 5, 8), f(2, 5, 6)], 1, HEADS),
    ("MultiHeadAttention", [f(2, 3, 8), f(2, 5, 8), f(2, 5, 8)], 3, HEADS),
    ("MultiHeadAttention", [f(2, 3, 8), f(2, 5, 8), f(2, 5, 8)], 4, HEADS),
    (
        "MultiHeadAttention",
        [f(2, 3, 8), f(2, 2, 5, 4), f(2, 2, 5, 4)],
        1,
        HEADS,
    ),
    (
        "MultiHeadAttention",
        [
            *(f(2, 1, 8), f(2, 1, 8), f(2, 1, 8), None, None, None),
            *(f(2, 2, 5, 4), f(2, 2, 5, 4)),
        ],
        3,
        HEADS,
    ),
    (
        "DecoderMaskedMultiHeadAttention",
        [
            *(f(2, 1, 8), f(2, 1, 8), f(2, 1, 8), None, None),
            *(f(2, 2, 5, 4), f(2, 2, 5, 4), i32(4)),
        ],
        3,
        {"num_heads": 2, "past_present_share_buffer": 1},
    ),
    (  # the prompt: nothing is past
        "GroupQueryAttention",
        [f(2, 3, 32), f(2, 3, 16), f(2, 3, 16), None, None, i32(2, 2), np.array(3, np.int32)],
        3,
        GROUPED,
    ),
    (  # Q, K and V side by side: (4 + 2 * 2) heads of 8; 5 past tokens and a new one
        "GroupQueryAttention",
        [
            *(f(2, 1, 64), None, None, f(2, 2, 5, 8), f(2, 2, 5, 8)),
            *(i32(5, 5), np.array(6, np.int32)),
        ],
        3,
        GROUPED,
    ),
    (  # a buffer of 9, of which 6 are used
        "GroupQueryAttention",
        [
            *(f(2, 1, 32), f(2, 1, 16), f(2, 1, 16), f(2, 2, 9, 8), f(2, 2, 9, 8)),
            *(i32(5, 5), np.array(6, np.int32)),
        ],
        3,
        GROUPED,
    ),
    (
        "RotaryEmbedding",
        [f(2, 3, 8), i64(0), f(9, 2), f(9, 2)],
        1,
        {"num_heads": 2, "rotary_embedding_dim": 4},
    ),
    ("ExpandDims", [f(2, 3), np.array(1, np.int32)], 1, {}),
    ("ExpandDims", [f(2, 3), np.array(-1, np.int32)], 1, {}),
    ("GridSample", [X, f(1, 5, 6, 2)], 1, {}),
    ("Pad", [f(2, 3), i64(1, 0, 2, 3)], 1, {}),
    ("Range", [np.array(9, np.int32), np.array(0, np.int32), np.array(-2, np.int32)], 1, {}),
    ("Range", [S, np.array(3, np.float32)], 1, {}),
    ("GatherND", [f(2, 3, 4), np.array([[0, 1], [1, 2], [0, 0]], np.int32)], 1, {}),
    ("CropAndResize", [X, f(3, 4), i32(0, 0, 0), i32(5, 6)], 1, {}),
    (
        "GatherBlockQuantized",
        [u8(5, 16), np.zeros((2, 3), np.int64), f(5, 2)],
        1,
        {"gather_axis": 0, "quantize_axis": 1, "block_size": 16},
    ),
    (
        "GatherBlockQuantized",
        [u8(5, 32), np.zeros((2, 3), np.int64), f(5, 2)],
        1,
        {"gather_axis": 0, "quantize_axis": 1, "block_size": 16, "bits": 8},
    ),
    ("UnfoldTensor", [f(2, 9)], 1, {"size": 3, "step": 2}),
    ("UnfoldTensor", [f(9, 5)], 1, {"dim": 0, "size": 3}),
    ("CDist", [f(3, 4), f(5, 4)], 1, {"metric": "euclidean"}),
    ("MoE", [f(6, 8), f(6, 2), f(2, 8, 8), None, f(2, 8, 8)], 1, {"k": 1}),
]


@pytest.mark.parametrize(
    ("op_type", "inputs", "outputs", "attributes"),
    CASES,
    ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)],
)
def test_same_shape_and_type_as_onnxruntime(op_type, inputs, outputs, attributes):
    asked = outputs if isinstance(outputs, tuple) else range(outputs)
    domain = "" if op_type == "SimplifiedLayerNormalization" else MS
    infos, arrays = run(op_type, inputs, asked, attributes, domain)
    for info, array in zip(infos, arrays, strict=True):
        assert info.resolved == array.shape
        assert info.dtype == helper.np_dtype_to_tensor_dtype(array.dtype)
        assert info.quality == Quality.EXACT
