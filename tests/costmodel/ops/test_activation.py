import pytest

from ocost.costmodel.ops.activation import activation_flops
from ocost.costmodel.work import Unknown, rules


@pytest.mark.parametrize(
    ("name", "flops"),
    [
        ("", 0),
        ("Relu", 1),
        ("tanh", 1),
        ("LeakyRelu", 2),
        ("HardSigmoid", 3),  # multiply, add, clip
        ("HardSwish", 4),
        ("Affine", 2),
        ("ScaledTanh", 3),
        ("silu", 2),
        ("relu2", 2),
        ("geglu", 9),  # Gelu by Tanh 8, times the other half
        ("Softmax", 5),
    ],
)
def test_activation_flops(name, flops):
    assert activation_flops(name) == flops


def test_an_activation_that_nobody_knows():
    with pytest.raises(Unknown, match="fused activation 'Wobble'"):
        activation_flops("Wobble")


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "flops"),
    [
        ("Gelu", [(2, 6)], {}, 60),  # 12 x 5
        ("BiasGelu", [(2, 6), (6,)], {}, 72),  # 12 x (5 + 1)
        ("FastGelu", [(2, 6)], {}, 96),  # 12 x 8
        ("FastGelu", [(2, 6), (6,)], {}, 108),  # 12 x (8 + 1)
        ("QuickGelu", [(2, 6)], {}, 36),  # 12 x 3: alpha is 1.702 unless given
        ("QuickGelu", [(2, 6)], {"alpha": 1.0}, 24),  # 12 x 2
    ],
)
def test_gelus(work, op_type, inputs, attributes, flops):
    done = work(op_type, inputs, [(2, 6)], domain="com.microsoft", **attributes)
    assert (done.macs, done.flops) == (0, flops)


def test_bias_split_gelu(work):
    # bias on 24, then Gelu of the right 12 (5) times the left 12 (1): 24 + 12 x 6
    done = work("BiasSplitGelu", [(1, 2, 12), (12,)], [(1, 2, 6)], domain="com.microsoft")
    assert (done.macs, done.flops) == (0, 96)


def test_biases_are_parameters():
    for op_type in ("BiasGelu", "FastGelu", "BiasSplitGelu"):
        assert rules()["com.microsoft", op_type].weights == (1,)
