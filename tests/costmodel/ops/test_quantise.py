from __future__ import annotations

from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import rules

SHAPE = (2, 3, 4)  # 24 elements
INT8, UINT8 = TensorProto.INT8, TensorProto.UINT8


def test_quantize_linear(work):
    answer = work("QuantizeLinear", [SHAPE, (), (INT8, ())], [(INT8, SHAPE)])
    # (Div, Add) x 24
    assert (answer.flops, answer.kind) == (48, KernelKind.QUANTISE)


def test_dequantize_linear_runs_in_floating_point(work):
    answer = work("DequantizeLinear", [(INT8, SHAPE), (), (INT8, ())], [SHAPE])
    # (Sub, Mul) x 24
    assert (answer.flops, answer.dtype) == (48, TensorProto.FLOAT)


def test_dynamic_quantize_linear(work):
    answer = work("DynamicQuantizeLinear", [SHAPE], [(UINT8, SHAPE), (), (UINT8, ())])
    # (compare, compare, Div, Add) x 24
    assert answer.flops == 96


def test_scales_are_no_parameters():
    assert rules()["", "QuantizeLinear"].weights == ()
    assert rules()["", "DequantizeLinear"].weights == ()
