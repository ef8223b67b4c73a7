from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.ops.elementwise import FLOPS
from ocost.costmodel.work import rules

OUT = (2, 3, 4)  # 24 elements


@pytest.mark.parametrize(
    ("op_type", "flops"),
    [
        ("Relu", 24),  # Max with 0
        ("Clip", 24),  # both bounds at once
        ("Sqrt", 24),
        ("Not", 24),
        ("LeakyRelu", 48),  # (compare, Mul) x 24
        ("Shrink", 72),  # (compare, compare, Add) x 24
        ("HardSigmoid", 72),  # (Mul, Add, Clip) x 24
        ("HardSwish", 96),  # (HardSigmoid 3 + Mul) x 24
        ("Softsign", 72),  # (Abs, Add, Div) x 24
        ("ThresholdedRelu", 24),
    ],
)
def test_cheap(work, op_type, flops):
    answer = work(op_type, [OUT], [OUT])
    assert (answer.flops, answer.kind, answer.macs) == (flops, KernelKind.ELEMENTWISE, 0)


@pytest.mark.parametrize(
    ("op_type", "flops"),
    [
        ("Exp", 24),
        ("Sigmoid", 24),
        ("Erf", 24),
        ("Softplus", 48),  # (exp, log1p) x 24
        ("Mish", 96),  # (Softplus 2 + Tanh + Mul) x 24
        ("Elu", 72),  # (exp, Sub, Mul) x 24
        ("Selu", 96),  # (exp, Sub, Mul, Mul) x 24
        ("Celu", 120),  # (Div + Elu 3 + Mul) x 24
    ],
)
def test_transcendental(work, op_type, flops):
    answer = work(op_type, [OUT], [OUT])
    assert (answer.flops, answer.kind) == (flops, KernelKind.TRANSCENDENTAL)


@pytest.mark.parametrize("op_type", ["Add", "Sub", "Mul", "Div", "Mod", "Equal", "And", "BitShift"])
def test_broadcast_counts_output_elements(work, op_type):
    # [2, 3, 1] with [4]: 2 x 3 x 4 = 24
    assert work(op_type, [(2, 3, 1), (4,)], [OUT]).flops == 24


@pytest.mark.parametrize(
    ("op_type", "inputs", "flops"),
    [
        ("Sum", 3, 48),  # 2 additions x 24
        ("Max", 2, 24),
        ("Min", 1, 0),  # nothing to compare with
        ("Mean", 3, 72),  # (2 additions + 1 division) x 24
    ],
)
def test_variadic(work, op_type, inputs, flops):
    assert work(op_type, [OUT] * inputs, [OUT]).flops == flops


def test_prelu(work):
    # (compare, Mul) x 24
    assert work("PRelu", [OUT, (3, 1)], [OUT]).flops == 48


def test_where_runs_in_the_type_of_its_output(work):
    answer = work("Where", [(TensorProto.BOOL, OUT), OUT, ()], [OUT])
    assert (answer.flops, answer.dtype) == (24, TensorProto.FLOAT)


@pytest.mark.parametrize(
    ("exponent", "kind"),
    [
        ({1: 2.0}, KernelKind.ELEMENTWISE),
        ({1: [2.0, 3.0]}, KernelKind.ELEMENTWISE),
        ({1: 0.3}, KernelKind.TRANSCENDENTAL),
        ({}, KernelKind.TRANSCENDENTAL),
    ],
)
def test_pow_by_its_exponent(work, exponent, kind):
    answer = work("Pow", [OUT, ()], [OUT], values=exponent)
    assert (answer.flops, answer.kind) == (24, kind)


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes", "flops"),
    [
        ("Gelu", 1, {}, 120),  # (Div, Erf, Add, Mul, Mul) x 24
        # (Pow, Mul, Add, Mul, Tanh, Add, Mul, Mul) x 24
        ("Gelu", 1, {"approximate": "tanh"}, 192),
        ("Swish", 1, {}, 48),  # (Sigmoid, Mul) x 24
        ("Swish", 1, {"alpha": 1.5}, 72),  # and Mul by alpha
        ("SwiGLU", 2, {}, 72),  # (Swish 2 + Mul) x 24
        ("SwiGLU", 2, {"alpha": 1.5}, 96),
    ],
)
def test_gated(work, op_type, inputs, attributes, flops):
    answer = work(op_type, [OUT] * inputs, [OUT], **attributes)
    assert (answer.flops, answer.kind) == (flops, KernelKind.TRANSCENDENTAL)


def test_cast_is_no_arithmetic(work):
    answer = work("Cast", [OUT], [(TensorProto.FLOAT16, OUT)], to=TensorProto.FLOAT16)
    assert (answer.flops, answer.view, answer.kind) == (0, False, KernelKind.ELEMENTWISE)


def test_cast_to_the_same_type_is_a_view(work):
    assert work("Cast", [OUT], [OUT], to=TensorProto.FLOAT).view
    assert work("CastLike", [OUT, (9,)], [OUT]).view


def test_cast_like_looks_only_at_the_type(work):
    answer = work("CastLike", [OUT, (TensorProto.INT8, (9,))], [(TensorProto.INT8, OUT)])
    assert (answer.reads, answer.view) == ({1: 0}, False)


def test_bit_cast_is_a_view(work):
    assert work("BitCast", [OUT], [(TensorProto.INT32, OUT)], to=TensorProto.INT32).view


def test_activations_cost_what_they_replace():
    assert FLOPS["HardSwish"] == FLOPS["HardSigmoid"] + FLOPS["Mul"]
    assert FLOPS["Mish"] == FLOPS["Softplus"] + FLOPS["Tanh"] + FLOPS["Mul"]
    assert FLOPS["Swish"] == FLOPS["Sigmoid"] + FLOPS["Mul"]
    assert FLOPS["SwiGLU"] == FLOPS["Swish"] + FLOPS["Mul"]
    assert FLOPS["Celu"] == FLOPS["Div"] + FLOPS["Elu"] + FLOPS["Mul"]


def test_weight_slots():
    slots = {op_type: rules()["", op_type].weights for op_type in FLOPS}
    assert slots["PRelu"] == (1,)
    arithmetic = {op_type for op_type, weights in slots.items() if weights is None}
    assert arithmetic == {"Add", "Sub", "Mul", "Div", "Pow"}
    assert {rules()["", op_type].weights for op_type in ("Sum", "Max", "Min", "Mean")} == {None}
