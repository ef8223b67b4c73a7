"""A fused operator costs the sum of what it replaces: fusing never changes flops."""

import numpy as np
import pytest
from onnx import TensorProto

X = (2, 4, 8)
SCORES, QUERY, KEY = (2, 3, 4, 5), (2, 3, 4, 8), (2, 3, 5, 8)
IMAGE, KERNEL, MAP = (1, 16, 8, 8), (32, 16, 3, 3), (1, 32, 8, 8)


def node(op_type, inputs, output, **attributes):
    return op_type, inputs, [output], attributes


def microsoft(op_type, inputs, output, **attributes):
    return op_type, inputs, [output], {"domain": "com.microsoft", **attributes}


@pytest.mark.parametrize(
    ("fused", "parts"),
    [
        (
            microsoft("FusedConv", [IMAGE, KERNEL, (32,), MAP], MAP, activation="LeakyRelu"),
            [
                node("Conv", [IMAGE, KERNEL, (32,)], MAP),
                node("Add", [MAP, MAP], MAP),
                node("LeakyRelu", [MAP], MAP),
            ],
        ),
        (
            node("CausalConvWithState", [X, (4, 1, 3), (4,)], X, activation="swish"),
            [node("Conv", [(2, 4, 10), (4, 1, 3), (4,)], X, group=4), node("Swish", [X], X)],
        ),
        (
            microsoft("FusedGemm", [(4, 8), (8, 6), (6,)], (4, 6), activation="Sigmoid"),
            [node("Gemm", [(4, 8), (8, 6), (6,)], (4, 6)), node("Sigmoid", [(4, 6)], (4, 6))],
        ),
        (
            microsoft("FusedMatMul", [X, (2, 6, 8)], (2, 4, 6), transB=1, alpha=0.125),
            [
                node("Transpose", [(2, 6, 8)], (2, 8, 6), perm=[0, 2, 1]),
                node("MatMul", [X, (2, 8, 6)], (2, 4, 6)),
                node("Mul", [(2, 4, 6), ()], (2, 4, 6)),
            ],
        ),
        (
            microsoft("GemmFastGelu", [X, (8, 6), (6,)], (2, 4, 6)),
            [
                node("MatMul", [X, (8, 6)], (2, 4, 6)),
                node("Add", [(2, 4, 6), (6,)], (2, 4, 6)),
                node("Gelu", [(2, 4, 6)], (2, 4, 6), approximate="tanh"),
            ],
        ),
        (
            microsoft(
                "MatMulNBits", [X, (TensorProto.UINT8, (6, 1, 8)), (6, 1)], (2, 4, 6), K=8, N=6
            ),
            [
                node("DequantizeLinear", [(TensorProto.INT4, (8, 6)), (1, 6)], (8, 6)),
                node("MatMul", [X, (8, 6)], (2, 4, 6)),
            ],
        ),
        (
            microsoft("BiasGelu", [X, (8,)], X),
            [node("Add", [X, (8,)], X), node("Gelu", [X], X)],
        ),
        (
            microsoft("QuickGelu", [X], X, alpha=1.0),
            [node("Sigmoid", [X], X), node("Mul", [X, X], X)],
        ),
        (
            microsoft("SkipLayerNormalization", [X, X, (8,), (8,), (8,)], X),
            [
                node("Add", [X, (8,)], X),
                node("Add", [X, X], X),
                node("LayerNormalization", [X, (8,), (8,)], X),
            ],
        ),
        (
            microsoft("SkipSimplifiedLayerNormalization", [X, X, (8,)], X),
            [node("Add", [X, X], X), node("RMSNormalization", [X, (8,)], X)],
        ),
        (
            microsoft("BiasSoftmax", [SCORES, (1, 1, 4, 5)], SCORES),
            [node("Add", [SCORES, (1, 1, 4, 5)], SCORES), node("Softmax", [SCORES], SCORES)],
        ),
        (
            node("Attention", [QUERY, KEY, KEY, (4, 5)], QUERY, softcap=30.0),
            [
                node("MatMul", [QUERY, (2, 3, 8, 5)], SCORES),
                node("Mul", [SCORES, ()], SCORES),
                node("Div", [SCORES, ()], SCORES),
                node("Tanh", [SCORES], SCORES),
                node("Mul", [SCORES, ()], SCORES),
                node("Add", [SCORES, (4, 5)], SCORES),
                node("Softmax", [SCORES], SCORES),
                node("MatMul", [SCORES, KEY], QUERY),
            ],
        ),
        (
            microsoft("Attention", [X, (8, 24), (24,)], X, num_heads=2),
            [
                node("Gemm", [(8, 8), (8, 24), (24,)], (8, 24)),
                node("MatMul", [(2, 2, 4, 4), (2, 2, 4, 4)], (2, 2, 4, 4)),
                node("Div", [(2, 2, 4, 4), ()], (2, 2, 4, 4)),
                node("Softmax", [(2, 2, 4, 4)], (2, 2, 4, 4)),
                node("MatMul", [(2, 2, 4, 4), (2, 2, 4, 4)], (2, 2, 4, 4)),
            ],
        ),
        (
            microsoft("QLinearSigmoid", [X, (), (), (), ()], X),
            [
                node("DequantizeLinear", [X, (), ()], X),
                node("Sigmoid", [X], X),
                node("QuantizeLinear", [X, (), ()], X),
            ],
        ),
        (
            microsoft("MatMulIntegerToFloat", [X, (8, 6), (), (6,)], (2, 4, 6)),
            [
                node("MatMulInteger", [X, (8, 6)], (2, 4, 6)),
                node("Mul", [(), (6,)], (6,)),
                node("Mul", [(2, 4, 6), (6,)], (2, 4, 6)),
            ],
        ),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_fusing_keeps_the_work(work, fused, parts):
    op_type, inputs, outputs, attributes = fused
    whole = work(op_type, inputs, outputs, **attributes)
    pieces = [work(o, i, y, **a) for o, i, y, a in parts]
    assert whole.macs == sum(piece.macs for piece in pieces)
    assert whole.flops == sum(piece.flops for piece in pieces)


Q, K, LONG = (2, 3, 40, 8), (2, 3, 50, 8), (2, 3, 40, 50)
SPLIT, PACKED = (2, 40, 24), (2, 50, 24)
IMAGES, GROUPS, CHANNEL = (2, 6, 4, 4), (2, 3, 32), (6, 1, 1)
ROWS = (2, 4, 1)
SCALED = {
    "the scores are scaled": [
        node("MatMul", [Q, (2, 3, 8, 50)], LONG),
        node("Mul", [LONG, ()], LONG),
    ],
    "the queries are": [
        node("Mul", [Q, ()], Q),
        node("MatMul", [Q, (2, 3, 8, 50)], LONG),
    ],
    "both sides are": [
        node("Mul", [Q, ()], Q),
        node("Mul", [K, ()], K),
        node("MatMul", [Q, (2, 3, 8, 50)], LONG),
    ],
}
THEN = [node("Softmax", [LONG], LONG), node("MatMul", [LONG, K], Q)]
MASKED = [node("Add", [LONG, (40, 50)], LONG), *THEN]
SQUARES = [
    node("Pow", [X, ()], X),
    node("ReduceMean", [X], ROWS, axes=[-1]),
    node("Add", [ROWS, ()], ROWS),
    node("Sqrt", [ROWS], ROWS),
]
CENTRED = [node("ReduceMean", [X], ROWS, axes=[-1]), node("Sub", [X, ROWS], X), *SQUARES]
BY_ROOT = [node("Div", [X, ROWS], X)]
BY_INVERSE = [node("Reciprocal", [ROWS], ROWS), node("Mul", [X, ROWS], X)]
WEIGHTED, MOVED = node("Mul", [X, (8,)], X), node("Add", [X, (8,)], X)
ONES, ZEROS = np.ones(8, np.float32), np.zeros(8, np.float32)


def ways(fused, *variants):
    """The same operator beside each way to write it out."""
    return [(fused, parts) for parts in variants]


@pytest.mark.parametrize(
    ("fused", "parts"),
    [
        *ways(
            node("LayerNormalization", [X, (8,), (8,)], X),
            [*CENTRED, *BY_ROOT, WEIGHTED, MOVED],
            [*CENTRED, *BY_INVERSE, WEIGHTED, MOVED],
        ),
        *ways(node("LayerNormalization", [X, (8,)], X), [*CENTRED, *BY_ROOT, WEIGHTED]),
        *ways(node("LayerNormalization", [X, (8,)], X, values={1: ONES}), [*CENTRED, *BY_ROOT]),
        *ways(
            node("LayerNormalization", [X, (8,), (8,)], X, values={1: ONES, 2: ZEROS}),
            [*CENTRED, *BY_ROOT],
        ),
        *ways(
            node("RMSNormalization", [X, (8,)], X),
            [*SQUARES, *BY_ROOT, WEIGHTED],
            [*SQUARES, *BY_INVERSE, WEIGHTED],
        ),
        *ways(
            node("RMSNormalization", [X, (8,)], X, values={1: ONES}),
            [*SQUARES, *BY_ROOT],
            [*SQUARES, *BY_INVERSE],
        ),
        *ways(
            node("SimplifiedLayerNormalization", [X, (8,)], X), [*SQUARES, *BY_INVERSE, WEIGHTED]
        ),
        *ways(
            microsoft("SkipLayerNormalization", [X, X, (8,), (8,)], X),
            [node("Add", [X, X], X), *CENTRED, *BY_ROOT, WEIGHTED, MOVED],
        ),
        *ways(
            microsoft("SkipSimplifiedLayerNormalization", [X, X, (8,)], X),
            [node("Add", [X, X], X), *SQUARES, *BY_ROOT, WEIGHTED],
        ),
        *[
            pair
            for fused in (
                node("GroupNormalization", [IMAGES, (6,), (6,)], IMAGES, num_groups=3),
                microsoft("GroupNorm", [IMAGES, (6,), (6,)], IMAGES, groups=3),
            )
            for pair in ways(
                fused,
                [
                    node(
                        *("InstanceNormalization", [GROUPS, (3,), (3,)], GROUPS),
                        values={1: np.ones(3), 2: np.zeros(3)},
                    ),
                    node("Mul", [IMAGES, CHANNEL], IMAGES),
                    node("Add", [IMAGES, CHANNEL], IMAGES),
                ],
            )
        ],
        *[
            pair
            for scaled in SCALED.values()
            for pair in (
                (node("Attention", [Q, K, K], Q), [*scaled, *THEN]),
                (node("Attention", [Q, K, K, (40, 50)], Q), [*scaled, *MASKED]),
                (
                    microsoft("MultiHeadAttention", [SPLIT, PACKED, PACKED], SPLIT, num_heads=3),
                    [*scaled, *THEN],
                ),
            )
        ],
        (node("Attention", [Q, K, K], Q, scale=1.0), [SCALED["the scores are scaled"][0], *THEN]),
        *ways(
            node("Gelu", [X], X),
            [
                node("Div", [X, ()], X),
                node("Erf", [X], X),
                node("Add", [X, ()], X),
                node("Mul", [X, X], X),
                node("Mul", [X, ()], X),
            ],
        ),
        *ways(
            microsoft("QuickGelu", [X], X),
            [node("Mul", [X, ()], X), node("Sigmoid", [X], X), node("Mul", [X, X], X)],
        ),
        *ways(
            microsoft("FastGelu", [X, (8,)], X),
            [MOVED, node("Gelu", [X], X, approximate="tanh")],
        ),
        *ways(
            microsoft("FusedMatMul", [X, (2, 8, 30)], (2, 4, 30), alpha=0.5),
            [node("Mul", [X, ()], X), node("MatMul", [X, (2, 8, 30)], (2, 4, 30))],
            [
                node("MatMul", [X, (2, 8, 30)], (2, 4, 30)),
                node("Mul", [(2, 4, 30), ()], (2, 4, 30)),
            ],
        ),
        *ways(
            node("Gemm", [(4, 8), (8, 30), (30,)], (4, 30), alpha=0.5),
            [
                node("Mul", [(4, 8), ()], (4, 8)),
                node("MatMul", [(4, 8), (8, 30)], (4, 30)),
                node("Add", [(4, 30), (30,)], (4, 30)),
            ],
        ),
        *ways(
            node("HardSwish", [X], X),
            [
                node("Add", [X, ()], X),
                node("Clip", [X, (), ()], X),
                node("Mul", [X, X], X),
                node("Div", [X, ()], X),
            ],
        ),
        *ways(
            node("Mish", [X], X),
            [node("Softplus", [X], X), node("Tanh", [X], X), node("Mul", [X, X], X)],
        ),
        *ways(
            node("LogSoftmax", [SCORES], SCORES),
            [node("Softmax", [SCORES], SCORES), node("Log", [SCORES], SCORES)],
        ),
        *ways(
            node("BatchNormalization", [IMAGES, (6,), (6,), (6,), (6,)], IMAGES),
            [
                node("Mul", [IMAGES, CHANNEL], IMAGES),
                node("Add", [IMAGES, CHANNEL], IMAGES),
            ],
        ),
        *ways(microsoft("BiasAdd", [X, (8,), X], X), [MOVED, node("Add", [X, X], X)]),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_fusing_never_raises_the_work(work, fused, parts):
    op_type, inputs, outputs, attributes = fused
    whole = work(op_type, inputs, outputs, **attributes)
    pieces = [work(o, i, y, **a) for o, i, y, a in parts]
    assert whole.macs == sum(piece.macs for piece in pieces)
    assert whole.flops <= sum(piece.flops for piece in pieces)
