"""Standard operators that onnx's own inference leaves open or gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ... import dtypes
from ..info import Info, ShapeCall, Unresolved, shape_rule
from ..onnx_inference import infer
from ._common import contents, like

# Operators whose form of opset 1 has no inference, and the first opset that has it.
_OLD = {
    **dict.fromkeys(("Gemm", "InstanceNormalization", "Max", "Mean", "Min", "Sum"), 6),
    "GlobalLpPool": 2,
    "GreaterOrEqual": 16,
    "GRU": 3,
    "LessOrEqual": 16,
    "LpPool": 2,
}


@shape_rule(*_OLD)
def old(call: ShapeCall) -> Sequence[Info | None]:
    """By the inference of a later opset, which has the same shapes."""
    return infer(call._replace(opset=max(call.opset, _OLD[call.node.op_type])))


@shape_rule("GroupNormalization", "MeanVarianceNormalization")
def normalisation(call: ShapeCall) -> Sequence[Info]:
    """The input's shape; these are functions without inference of their own."""
    return [like(call)]


@shape_rule("SimplifiedLayerNormalization")
def simplified_layer_normalisation(call: ShapeCall) -> Sequence[Info]:
    """What onnxruntime makes of an RMS norm; the optional output is 1 / standard deviation."""
    axis = call.node.int("axis", -1)
    dims = call.shape(0)
    axis += len(dims) if axis < 0 else 0
    kept = (*dims[:axis], *(1 for _ in dims[axis:]))
    return [like(call, 0, call.input(1).dtype), Info(dtypes.FLOAT, kept)]


@shape_rule("MaxUnpool")
def max_unpool(call: ShapeCall) -> Sequence[Info | None]:
    """The optional output_shape decides, if it is given."""
    if call.get(2) is None:
        return infer(call)
    return [Info(call.input(0).dtype, tuple(int(d) for d in contents(call, 2)))]


@shape_rule("STFT")
def stft(call: ShapeCall) -> Sequence[Info]:
    """[batch, frames, bins, 2] of a signal [batch, length, 1 or 2].

    The frame is as long as input 3 says, or as the window. onesided=1 keeps the first half of
    the bins and the middle one.
    """
    batch, length, *_ = call.shape(0)
    step = int(contents(call, 1)[0])
    if call.get(3) is not None:
        frame = int(contents(call, 3)[0])
    elif call.get(2) is not None:
        frame = prod(call.shape(2))
    else:
        raise Unresolved("STFT has neither a window nor a frame length")
    bins = frame // 2 + 1 if call.node.int("onesided", 1) else frame
    return [Info(call.input(0).dtype, (batch, (length - frame) // step + 1, bins, 2))]
