"""com.microsoft convolutions and pools: their standard twins', channels last where they say so."""

from __future__ import annotations

from collections.abc import Sequence

from ..info import Info, ShapeCall, shape_rule
from ._common import MICROSOFT, Shape, to_channels_first, to_channels_last, twin


def _windowed(
    call: ShapeCall, op_type: str, weights: Sequence[Shape], channels_last: bool
) -> Shape:
    shape = call.shape(0)
    if not channels_last:
        return twin(op_type, [shape, *weights], call.node.attributes)
    first = twin(op_type, [to_channels_first(shape), *weights], call.node.attributes)
    return to_channels_last(first)


@shape_rule("FusedConv", domain=MICROSOFT)
def fused_conv(call: ShapeCall) -> Sequence[Info]:
    """X, W, optional B and optional Z, which is added to the output."""
    return [Info(call.input(0).dtype, _windowed(call, "Conv", [call.shape(1)], False))]


@shape_rule("NhwcConv", "NhwcFusedConv", domain=MICROSOFT)
def nhwc_conv(call: ShapeCall) -> Sequence[Info]:
    """X and Y have the channels last; W stays [M, C/group, kH, kW]."""
    return [Info(call.input(0).dtype, _windowed(call, "Conv", [call.shape(1)], True))]


@shape_rule("QLinearConv", domain=MICROSOFT)
def qlinear_conv(call: ShapeCall) -> Sequence[Info]:
    """X is input 0, W input 3, Y's zero point input 7."""
    last = bool(call.node.int("channels_last", 0))
    return [Info(call.input(7).dtype, _windowed(call, "Conv", [call.shape(3)], last))]


@shape_rule("MaxpoolWithMask", domain=MICROSOFT)
def max_pool_with_mask(call: ShapeCall) -> Sequence[Info]:
    """MaxPool; the mask has the input's shape."""
    return [Info(call.input(0).dtype, _windowed(call, "MaxPool", [], False))]


@shape_rule("NhwcMaxPool", domain=MICROSOFT)
def nhwc_max_pool(call: ShapeCall) -> Sequence[Info]:
    """MaxPool with the channels last."""
    return [Info(call.input(0).dtype, _windowed(call, "MaxPool", [], True))]


@shape_rule("QLinearAveragePool", domain=MICROSOFT)
def qlinear_average_pool(call: ShapeCall) -> Sequence[Info]:
    """AveragePool of quantised tensors."""
    last = bool(call.node.int("channels_last", 0))
    return [Info(call.input(0).dtype, _windowed(call, "AveragePool", [], last))]


@shape_rule("QLinearGlobalAveragePool", domain=MICROSOFT)
def qlinear_global_average_pool(call: ShapeCall) -> Sequence[Info]:
    """Every spatial dim becomes 1."""
    last = bool(call.node.int("channels_last", 0))
    return [Info(call.input(0).dtype, _windowed(call, "GlobalAveragePool", [], last))]
