"""A fused operator costs the sum of what it replaces: fusing never changes flops."""

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
