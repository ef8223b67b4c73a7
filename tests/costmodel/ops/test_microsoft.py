import pytest
from onnx import TensorProto

MS = {"domain": "com.microsoft"}
INT64 = TensorProto.INT64


@pytest.mark.parametrize(
    ("op_type", "tensors", "given", "flops"),
    [
        ("QuantizeLinear", [(4, 6), (), (), (4, 6)], {}, 48),  # 24 x 2
        ("DequantizeLinear", [(4, 6), (), (), (4, 6)], {}, 48),
        ("ExpandDims", [(4, 6), (), (4, 1, 6)], {}, 0),
        ("Pad", [(4, 6), (INT64, (4,)), (5, 8)], {}, 0),
        ("Trilu", [(4, 4), (4, 4)], {}, 0),
        ("GatherND", [(4, 6), (INT64, (3, 1)), (3, 6)], {}, 0),
        ("UnfoldTensor", [(4, 6), (4, 3, 2)], {"size": 2, "step": 2}, 0),
        ("Range", [(), (), (), (7,)], {}, 7),
        ("NhwcMaxPool", [(1, 4, 4, 3), (1, 2, 2, 3)], {"kernel_shape": [2, 2]}, 36),  # 12 x 3
        ("ReduceSumInteger", [(4, 6), (4, 1)], {"axes": [1], "keepdims": 1}, 20),  # 24 - 4
        ("Unique", [(8,), (8,)], {}, 24),  # 8 x 3
        # 4 corners: 4 products and 3 additions for each of 12
        ("GridSample", [(1, 3, 4, 4), (1, 2, 2, 2), (1, 3, 2, 2)], {}, 84),
        ("CropAndResize", [(1, 3, 8, 8), (1, 4), (1,), (2,), (1, 3, 2, 2)], {}, 84),
        (
            "CropAndResize",
            [(1, 3, 8, 8), (1, 4), (1,), (2,), (1, 3, 2, 2)],
            {"mode": "nearest"},
            0,
        ),
        ("MulInteger", [(4, 6), None, (6,), None, (4, 6)], {}, 24),
        ("MulInteger", [(4, 6), (), (6,), (), (4, 6)], {}, 54),  # + 24 + 6
        ("ComplexMul", [(5, 2), (5, 2), (5, 2)], {}, 30),  # 5 x (4 products + 2 sums)
        ("ComplexMulConj", [(5, 2), (5, 2), (5, 2)], {}, 30),
        ("Inverse", [(2, 3, 3), (2, 3, 3)], {}, 108),  # 2 x 2 x 27
        # 3 signals of 16: 2.5 x 16 x 4 = 160 each
        ("Rfft", [(3, 16), (3, 9, 2)], {"signal_ndim": 1}, 480),
        ("Irfft", [(3, 9, 2), (3, 16)], {"signal_ndim": 1}, 528),  # + 48 divided
        # 2 signals of 4 x 8 = 32: 2.5 x 32 x 5 = 400 each
        ("Rfft", [(2, 4, 8), (2, 4, 5, 2)], {"signal_ndim": 2}, 800),
    ],
)
def test_flops(work, op_type, tensors, given, flops):
    *inputs, output = tensors
    done = work(op_type, inputs, [output], **given, **MS)
    assert (done.macs, done.flops) == (0, flops)


def test_expand_dims_is_a_view(work):
    assert work("ExpandDims", [(4, 6), ()], [(4, 1, 6)], **MS).view


@pytest.mark.parametrize(
    ("op_type", "tensors", "reads"),
    [
        ("GatherND", [(400, 6), (INT64, (3, 1)), (3, 6)], {0: 18}),
        # 4 corners of 12 elements, of an image of 192
        ("CropAndResize", [(1, 3, 8, 8), (1, 4), (1,), (2,), (1, 3, 2, 2)], {0: 48}),
    ],
)
def test_reads(work, op_type, tensors, reads):
    *inputs, output = tensors
    assert work(op_type, inputs, [output], **MS).reads == reads
