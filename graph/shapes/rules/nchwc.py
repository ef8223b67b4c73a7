"""com.microsoft.nchwc: what onnxruntime's blocked layout runs.

Tensors keep their logical NCHW shape, with the channels padded up to whole blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..info import Info, ShapeCall, shape_rule
from ._common import bounded, twin

_NCHWC = "com.microsoft.nchwc"
# Channels in a block with AVX-512 and NEON; with AVX2 it is 8. The file doesn't say which.
_BLOCK = 16


@shape_rule("ReorderInput", domain=_NCHWC)
def reorder_input(call: ShapeCall) -> Sequence[Info]:
    """Into blocks; also from channels last."""
    batch, *dims = call.shape(0)
    channels = dims.pop(-1 if call.node.int("channels_last", 0) else 0)
    padded = -(-channels // _BLOCK) * _BLOCK
    return [bounded(call.input(0).dtype, (batch, padded, *dims), exact=padded == channels)]


@shape_rule("ReorderOutput", domain=_NCHWC)
def reorder_output(call: ShapeCall) -> Sequence[Info]:
    """Out of blocks: the attribute says how many channels are real."""
    batch, _, *spatial = call.shape(0)
    channels = call.node.int("channels", 0)
    last = call.node.int("channels_last", 0)
    shape = (batch, *spatial, channels) if last else (batch, channels, *spatial)
    return [Info(call.input(0).dtype, shape)]


@shape_rule("Conv", domain=_NCHWC)
def conv(call: ShapeCall) -> Sequence[Info]:
    """W is padded in the output channels, and in the input channels where X is blocked."""
    shapes = [call.shape(0), call.shape(1)]
    return [Info(call.input(0).dtype, twin("Conv", shapes, call.node.attributes))]


@shape_rule("MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", domain=_NCHWC)
def pool(call: ShapeCall) -> Sequence[Info]:
    """As the standard operator of the same name."""
    shape = twin(call.node.op_type, [call.shape(0)], call.node.attributes)
    return [Info(call.input(0).dtype, shape)]


@shape_rule("Upsample", domain=_NCHWC)
def upsample(call: ShapeCall) -> Sequence[Info]:
    """By integer scales, one a dim."""
    dims = call.shape(0)
    scales = call.node.ints("scales") or (1,) * len(dims)
    shape = tuple(d * s for d, s in zip(dims, scales, strict=True))
    return [Info(call.input(0).dtype, shape)]
