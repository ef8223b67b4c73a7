"""What a convolution reaches on the kernel that a runtime chose for it."""

from __future__ import annotations

from math import prod

from ...graph import dtypes
from ..blocked import NCHWC, ConvShape, Kernel, efficiency, ridge_of
from ..conv_times import MEASURED_BLOCK, Layer, layer_flop, reorder_flop
from ..cost import Costed
from ..device import Device


def reached(costed: Costed, device: Device) -> float | None:
    """The share of the peak for a node that is executed.

    None where only the kind of the node tells: it is as written, of another operator, type or
    runtime, or there is no blocked layout.
    """
    layer = _layer(costed, device)
    if layer is None:
        return None
    return efficiency(layer.conv, device.channel_block, ridge_of(device))


def tabulated_s(costed: Costed, device: Device) -> float | None:
    """Seconds by the measured times of kernels: a convolution's, or a copy's between layouts.

    None as with ``reached``, and for blocks that were not measured.
    """
    if device.channel_block != MEASURED_BLOCK:
        return None
    layer = _layer(costed, device)
    flop = _copy_flop(costed) if layer is None else layer_flop(layer)
    return None if flop is None else costed.cost.trips * flop / device.peaks["float32"]


def _layer(costed: Costed, device: Device) -> Layer | None:
    node, call = costed.node, costed.call
    if not costed.executed or node.op_type not in ("Conv", "FusedConv") or call is None:
        return None
    if device.channel_block == 1 or device.runtime != "onnxruntime-cpu":
        return None
    if call.input(0).dtype != dtypes.FLOAT:
        return None
    if len(call.output().shape) != 4 or not call.output().size:
        return None
    outputs, each, *taps = call.input(1).shape
    group = node.int("group", 1)
    runs = Kernel.PLAIN
    if node.domain == NCHWC:  # what has fewer channels than a block is read as it lies
        as_it_lies = group == 1 and each % device.channel_block
        runs = Kernel.DIRECT if as_it_lies else Kernel.BLOCKED
    batch, _, height, width = call.output().shape
    conv = ConvShape(runs, each * group, outputs, group, tuple(taps), width)
    return Layer(conv, batch * height, max(node.ints("strides") or (1,)))


def _copy_flop(costed: Costed) -> float | None:
    node, call = costed.node, costed.call
    if node.domain != NCHWC or call is None or not node.op_type.startswith("Reorder"):
        return None
    into = node.op_type == "ReorderInput"
    shape = (call.input(0) if into else call.output()).shape
    channels = shape[-1 if node.int("channels_last", 0) else 1]
    return reorder_flop(channels, prod(shape) // channels if channels else 0, into=into)
