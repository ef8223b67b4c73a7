import pytest

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import rules

NCHWC = {"domain": "com.microsoft.nchwc"}


def test_conv(work):
    # 32 x 8x8 outputs x 16 x 9 = 294,912 macs; bias, sum and Relu: 2048 each
    inputs = [(1, 16, 8, 8), (32, 16, 3, 3), (32,), (1, 32, 8, 8)]
    done = work("Conv", inputs, [(1, 32, 8, 8)], activation="Relu", **NCHWC)
    assert (done.macs, done.flops, done.kind) == (294_912, 595_968, KernelKind.CONV)
    # without bias, sum and activation
    done = work("Conv", inputs[:2], [(1, 32, 8, 8)], **NCHWC)
    assert done.flops == 589_824
    assert rules()["com.microsoft.nchwc", "Conv"].weights == (1, 2)


@pytest.mark.parametrize(
    ("op_type", "tensors", "attributes", "expected"),
    [
        # 16 x 4x4 outputs of 2x2 windows
        (
            "MaxPool",
            [(1, 16, 8, 8), (1, 16, 4, 4)],
            {"kernel_shape": [2, 2]},
            (768, KernelKind.POOLING),
        ),
        (
            "AveragePool",
            [(1, 16, 8, 8), (1, 16, 4, 4)],
            {"kernel_shape": [2, 2]},
            (1_024, KernelKind.POOLING),
        ),
        ("GlobalAveragePool", [(1, 16, 4, 4), (1, 16, 1, 1)], {}, (256, KernelKind.POOLING)),
        ("GlobalMaxPool", [(1, 16, 4, 4), (1, 16, 1, 1)], {}, (240, KernelKind.POOLING)),
        ("Upsample", [(1, 16, 4, 4), (1, 16, 8, 8)], {"mode": "nearest"}, (0, KernelKind.RESIZE)),
        # 1024 outputs x (4 products + 3 additions)
        (
            "Upsample",
            [(1, 16, 4, 4), (1, 16, 8, 8)],
            {"mode": "linear"},
            (7_168, KernelKind.RESIZE),
        ),
        ("ReorderInput", [(1, 16, 4, 4), (1, 16, 4, 4)], {}, (0, KernelKind.LAYOUT)),
        ("ReorderOutput", [(1, 16, 4, 4), (1, 12, 4, 4)], {"channels": 12}, (0, KernelKind.LAYOUT)),
    ],
)
def test_twins(work, op_type, tensors, attributes, expected):
    *inputs, output = tensors
    done = work(op_type, inputs, [output], **attributes, **NCHWC)
    assert (done.macs, done.flops, done.kind) == (0, *expected)
