"""com.microsoft quantisation, and quantised operators of other shapes than their input's."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto, helper

from ... import dtypes
from ..info import Info, ShapeCall, shape_rule
from ._common import MICROSOFT, Shape, like, twin, twins


@shape_rule("QuantizeLinear", domain=MICROSOFT)
def quantize_linear(call: ShapeCall) -> Sequence[Info]:
    """To the zero point's type, uint8 without one."""
    zero_point = call.get(2)
    return [like(call, 0, dtypes.UINT8 if zero_point is None else zero_point.dtype)]


@shape_rule("DequantizeLinear", domain=MICROSOFT)
def dequantize_linear(call: ShapeCall) -> Sequence[Info]:
    """To the scale's type."""
    return [like(call, 0, call.input(1).dtype)]


@shape_rule("QLinearConcat", domain=MICROSOFT)
def qlinear_concat(call: ShapeCall) -> Sequence[Info]:
    """Y's scale and zero point, then tensor, scale and zero point of each input."""
    shapes = [call.shape(slot) for slot in range(2, len(call.inputs), 3)]
    return [Info(call.input(1).dtype, twin("Concat", shapes, call.node.attributes))]


def _reduced(call: ShapeCall) -> Shape:
    dims = call.shape(0)
    axes = {a % len(dims) for a in call.node.ints("axes") or range(len(dims))}
    if call.node.int("keepdims", 1):
        return tuple(1 if i in axes else d for i, d in enumerate(dims))
    return tuple(d for i, d in enumerate(dims) if i not in axes)


@shape_rule("QLinearReduceMean", domain=MICROSOFT)
def qlinear_reduce_mean(call: ShapeCall) -> Sequence[Info]:
    """Axes are attributes in every version."""
    return [Info(call.input(0).dtype, _reduced(call))]


@shape_rule("ReduceSumInteger", domain=MICROSOFT)
def reduce_sum_integer(call: ShapeCall) -> Sequence[Info]:
    """8-bit numbers, summed as 32-bit ones of the same sign."""
    unsigned = call.input(0).dtype == dtypes.UINT8
    return [Info(TensorProto.UINT32 if unsigned else dtypes.INT32, _reduced(call))]


@shape_rule("DynamicQuantizeLSTM", domain=MICROSOFT)
def dynamic_quantize_lstm(call: ShapeCall) -> Sequence[Info]:
    """LSTM's three outputs. W and R are stored transposed: [directions, inputs, 4 x hidden]."""
    directions, features, gates = call.shape(1)
    shapes = [call.shape(0), (directions, gates, features), (directions, gates, gates // 4)]
    attributes = dict(call.node.attributes)
    attributes["hidden_size"] = helper.make_attribute("hidden_size", gates // 4)
    return [Info(call.input(0).dtype, s) for s in twins("LSTM", shapes, attributes, 3)]
