import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind

# X has 24 elements: 48 to dequantise, 48 to quantise an output of its size.
X, S = (1, 4, 2, 3), ()


@pytest.mark.parametrize(
    ("op_type", "tensors", "attributes", "expected"),
    [
        (
            "QLinearAdd",
            [X, S, S, X, S, S, S, S, X],
            {},
            (168, KernelKind.ELEMENTWISE),
        ),  # 96 + 24 + 48
        # B has 4 elements: 48 + 8 + 24 + 48
        ("QLinearMul", [X, S, S, (4, 1, 1), S, S, S, S, X], {}, (128, KernelKind.ELEMENTWISE)),
        (
            "QLinearSigmoid",
            [X, S, S, S, S, X],
            {},
            (120, KernelKind.TRANSCENDENTAL),
        ),  # 48 + 24 + 48
        (
            "QLinearLeakyRelu",
            [X, S, S, S, S, X],
            {},
            (144, KernelKind.ELEMENTWISE),
        ),  # 48 + 24 x 2 + 48
        ("QLinearSoftmax", [X, S, S, S, S, X], {}, (216, KernelKind.SOFTMAX)),  # 48 + 24 x 5 + 48
        ("QLinearWhere", [X, X, S, S, X, S, S, S, S, X], {}, (168, KernelKind.ELEMENTWISE)),
        # 48 and 2 x 12 to dequantise, 2 x 36 to quantise
        (
            "QLinearConcat",
            [S, S, X, S, S, (1, 2, 2, 3), S, S, (1, 6, 2, 3)],
            {"axis": 1},
            (144, KernelKind.LAYOUT),
        ),
        # 48 + 4 x 2x3 + 2 x 4
        ("QLinearGlobalAveragePool", [X, S, S, S, S, (1, 4, 1, 1)], {}, (80, KernelKind.POOLING)),
        # 48 + 8 x 2x2 + 2 x 8
        (
            "QLinearAveragePool",
            [X, S, S, S, S, (1, 4, 1, 2)],
            {"kernel_shape": [2, 2]},
            (96, KernelKind.POOLING),
        ),
        # 48 + 24 + 2 x 6
        (
            "QLinearReduceMean",
            [X, S, S, S, S, (1, 1, 2, 3)],
            {"axes": [1], "keepdims": 1},
            (84, KernelKind.REDUCTION),
        ),
    ],
)
def test_qlinear(work, op_type, tensors, attributes, expected):
    *inputs, output = tensors
    done = work(
        op_type, inputs, [output], domain="com.microsoft", dtype=TensorProto.UINT8, **attributes
    )
    assert (done.macs, done.flops, done.kind) == (0, *expected)
    assert done.dtype == TensorProto.FLOAT
