"""Operators whose output is shaped as an input: the most frequent ones by far.

onnx's inference knows them too. Asking it costs ten times as much as these rules, and a graph is
made of such nodes for the most part.
"""

from __future__ import annotations

from collections.abc import Sequence

from onnx import TensorProto

from ..info import Info, ShapeCall, shape_rule
from ..onnx_inference import infer
from ._common import like


@shape_rule("Abs", "Ceil", "Clip", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid")
@shape_rule("HardSwish", "LRN", "LeakyRelu", "Log", "LogSoftmax", "Neg", "PRelu", "Reciprocal")
@shape_rule("Relu", "Round", "Selu", "Sigmoid", "Sign", "Softmax", "Softplus", "Sqrt", "Tanh")
def same(call: ShapeCall) -> Sequence[Info | None]:
    """As input 0."""
    return [like(call)]


@shape_rule("BatchNormalization")
def same_if_alone(call: ShapeCall) -> Sequence[Info | None]:
    """As input 0 where only the first output is asked for; onnx has no rule before opset 6."""
    if len(call.node.outputs) == 1:
        return [like(call)]
    return infer(call._replace(opset=max(call.opset, 6)))


@shape_rule("Dropout")
def dropout(call: ShapeCall) -> Sequence[Info | None]:
    """As the input, and so the mask, of the input's type before opset 10."""
    mask = TensorProto.BOOL if call.opset >= 10 else call.input(0).dtype
    return [like(call), like(call, 0, mask)]


@shape_rule("Add", "Div", "Mul", "Pow", "Sub")
def broadcast(call: ShapeCall) -> Sequence[Info | None]:
    """Both inputs broadcast against each other; before opset 7 the second one to the first."""
    a, b = call.input(0), call.input(1)
    if a.shape == b.shape or call.opset < 7:
        return [like(call)]
    if a.resolved is None or b.resolved is None:
        return infer(call)
    long, short = (
        (a.resolved, b.resolved) if len(a.resolved) >= len(b.resolved) else (b.resolved, a.resolved)
    )
    lead = len(long) - len(short)
    shape = list(long[:lead])
    for x, y in zip(long[lead:], short, strict=True):
        if x != y and 1 not in (x, y):
            return infer(call)  # which says what contradicts what
        shape.append(y if x == 1 else x)
    return [Info(a.dtype, tuple(shape))]


@shape_rule("DequantizeLinear")
def dequantize(call: ShapeCall) -> Sequence[Info | None]:
    """Shaped as the input, of the scale's type or the one that is asked for."""
    return [like(call, 0, call.node.int("output_dtype", 0) or call.input(1).dtype)]


@shape_rule("QuantizeLinear")
def quantize(call: ShapeCall) -> Sequence[Info | None]:
    """Shaped as the input, of the zero point's type, the one that is asked for, or uint8."""
    zero_point = call.get(2)
    dtype = call.node.int("output_dtype", 0) or TensorProto.UINT8
    return [like(call, 0, dtype if zero_point is None else zero_point.dtype)]
