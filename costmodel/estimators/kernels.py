"""The share of the peak that a convolution reaches on the kernel that a runtime chose for it."""

from __future__ import annotations

from ...graph import dtypes
from ..blocked import NCHWC, Convolution, Kernel, efficiency, ridge_of
from ..cost import Costed
from ..device import Device


def reached(costed: Costed, device: Device) -> float | None:
    """The share for a node that is executed.

    None where only the kind of the node tells: it is as written, of another operator, type or
    runtime, or there is no blocked layout.
    """
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
    conv = Convolution(each * group, outputs, group, tuple(taps), call.output().shape[3])
    runs = None if node.domain == NCHWC else Kernel.PLAIN
    return efficiency(conv, device.channel_block, ridge_of(device), runs)
