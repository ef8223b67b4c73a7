import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown, rules


@pytest.mark.parametrize(
    ("shapes", "group", "macs", "kind"),
    [
        # 8x8 outputs of 32 channels, each 16 x 3x3: 2048 x 144
        (((1, 16, 8, 8), (32, 16, 3, 3), (1, 32, 8, 8)), 1, 294_912, KernelKind.CONV),
        # 2048 x 16 x 1
        (((1, 16, 8, 8), (32, 16, 1, 1), (1, 32, 8, 8)), 1, 32_768, KernelKind.POINTWISE),
        # 16 channels at 4x4, each 3 x 7x7: 256 x 147
        (((1, 3, 8, 8), (16, 3, 7, 7), (1, 16, 4, 4)), 1, 37_632, KernelKind.FIRST_LAYER),
        # 1024 x 1 x 9
        (((1, 16, 8, 8), (16, 1, 3, 3), (1, 16, 8, 8)), 16, 9_216, KernelKind.DEPTHWISE),
        # 2048 x (16 / 4) x 9
        (((1, 16, 8, 8), (32, 4, 3, 3), (1, 32, 8, 8)), 4, 73_728, KernelKind.GROUPED),
        # one dim: 2 images x 8 channels x 10 positions x 5 channels x 3
        (((2, 5, 12), (8, 5, 3), (2, 8, 10)), 1, 2_400, KernelKind.CONV),
        # three dims: 6 channels x 2x2x2 x 5 x 27
        (((1, 5, 4, 4, 4), (6, 5, 3, 3, 3), (1, 6, 2, 2, 2)), 1, 6_480, KernelKind.CONV),
    ],
)
def test_conv(work, shapes, group, macs, kind):
    x, w, y = shapes
    done = work("Conv", [x, w], [y], group=group)
    assert (done.macs, done.flops, done.kind) == (macs, 2 * macs, kind)


def test_conv_bias_adds_one_an_output_element(work):
    # 2 x 294,912 + 2048
    done = work("Conv", [(1, 16, 8, 8), (32, 16, 3, 3), (32,)], [(1, 32, 8, 8)])
    assert (done.macs, done.flops) == (294_912, 591_872)


def test_nhwc_conv_counts_the_same(work):
    inputs = [(1, 8, 8, 16), (32, 16, 3, 3), (32,)]
    done = work("NhwcConv", inputs, [(1, 8, 8, 32)], domain="com.microsoft")
    assert (done.macs, done.flops) == (294_912, 591_872)


@pytest.mark.parametrize("op_type", ["FusedConv", "NhwcFusedConv"])
def test_fused_conv(work, op_type):
    x, w, b, z = (1, 16, 8, 8), (32, 16, 3, 3), (32,), (1, 32, 8, 8)
    # 591,872 as above + 2048 for Relu
    done = work(op_type, [x, w, b], [z], domain="com.microsoft", activation="Relu")
    assert (done.macs, done.flops) == (294_912, 593_920)
    # no bias: 2 x 294,912 + 2048 for the sum + 2048 x 3 for HardSigmoid
    done = work(op_type, [x, w, None, z], [z], domain="com.microsoft", activation="HardSigmoid")
    assert (done.macs, done.flops) == (294_912, 598_016)


def test_conv_integer(work):
    inputs = [(TensorProto.UINT8, (1, 16, 8, 8)), (TensorProto.INT8, (32, 16, 3, 3))]
    zero_points = [(TensorProto.UINT8, ()), (TensorProto.INT8, (32,))]
    done = work("ConvInteger", inputs + zero_points, [(TensorProto.INT32, (1, 32, 8, 8))])
    assert (done.macs, done.flops, done.dtype) == (294_912, 589_824, TensorProto.INT8)


@pytest.mark.parametrize("domain", ["", "com.microsoft"])
def test_qlinear_conv(work, domain):
    # 2 x 294,912 + 2048 bias + 2 x 2048 to quantise the output
    inputs = [(1, 16, 8, 8), (), (), (32, 16, 3, 3), (32,), (32,), (), (), (32,)]
    done = work("QLinearConv", inputs, [(1, 32, 8, 8)], domain=domain, dtype=TensorProto.UINT8)
    assert (done.macs, done.flops, done.dtype) == (294_912, 595_968, TensorProto.INT8)


@pytest.mark.parametrize(
    ("w", "group", "bias", "expected"),
    [
        # 16 x 4x4 inputs, each into 8 channels of 2x2: 256 x 8 x 4
        ((16, 8, 2, 2), 1, None, (8_192, 16_384)),
        # group 4: each into 8 / 4 channels of 3x3: 256 x 2 x 9; bias on 8 x 8x8 outputs
        ((16, 2, 3, 3), 4, (8,), (4_608, 9_728)),
    ],
)
def test_conv_transpose(work, w, group, bias, expected):
    inputs = [(1, 16, 4, 4), w, bias]
    done = work("ConvTranspose", inputs, [(1, 8, 8, 8)], group=group, strides=[2, 2])
    assert (done.macs, done.flops, done.kind) == (*expected, KernelKind.CONV_TRANSPOSE)


def test_deform_conv(work):
    x, w, offset, y = (1, 4, 6, 6), (8, 4, 3, 3), (1, 18, 4, 4), (1, 8, 4, 4)
    # macs: 8 x 4x4 outputs x 4 x 9 = 4608
    # samples: 4 channels x 9 x 4x4 = 576, each 4 products + 3 additions; 288 offsets added
    # 9216 + 576 x 7 + 288
    done = work("DeformConv", [x, w, offset], [y])
    assert (done.macs, done.flops) == (4_608, 13_536)
    # + 128 for the bias + 576 for the mask
    done = work("DeformConv", [x, w, offset, (8,), (1, 9, 4, 4)], [y])
    assert (done.macs, done.flops) == (4_608, 14_240)


def test_causal_conv(work):
    # 2 x 6 x 10 outputs x 4 taps = 480; bias 120; Swish 2 x 120
    inputs = [(2, 6, 10), (6, 1, 4), (6,), (2, 6, 3)]
    outputs = [(2, 6, 10), (2, 6, 3)]
    done = work("CausalConvWithState", inputs, outputs, activation="silu")
    assert (done.macs, done.flops, done.kind) == (480, 1_320, KernelKind.DEPTHWISE)


def test_weights():
    assert rules()["", "Conv"].weights == (1, 2)
    assert rules()["", "QLinearConv"].weights == (3, 8)
    assert rules()["", "DeformConv"].weights == (1, 3)


def test_a_weight_made_for_other_channels_is_no_cost(work):
    with pytest.raises(Unknown, match=r"its weight is for 3 input channels, its input is"):
        work("Conv", [(1, 4, 8, 8), (8, 3, 3, 3)], [(1, 8, 6, 6)])
    assert work("Conv", [(1, 4, 8, 8), (8, 2, 3, 3)], [(1, 8, 6, 6)], group=2).macs == 288 * 2 * 9
