"""Convolutions and pools in the blocked layout.

Runtime's condition, layout level. Conv and FusedConv: weights a constant of four dims, single
precision, a bias constant too. One group: fewer input channels than a block are read as they are;
else they are a multiple of 4. Groups: output channels a multiple of 4, and either one input and one
output channel a group or both a multiple of the block a group. A FusedConv's sum has to be blocked.
MaxPool and AveragePool: single precision, channels known and a multiple of the block, one output;
no ceil_mode with count_include_pad since 1.30. Global pools: only where no input is made by a node
that is not blocked. 1.20 to 1.32.

    before  Conv(x, w)
    after   ReorderOutput(nchwc::Conv(ReorderInput(x), w'))
"""

from __future__ import annotations

from .....graph.dtypes import FLOAT
from ...node import WorkNode
from ...work import Constant
from ..conditions import NCHWC
from . import near
from .state import Blocked, State, Tracked, aligned


def convolution(state: State, node: WorkNode) -> bool:
    """A Conv or FusedConv."""
    work = state.work
    if work.dtype(node.inputs[1]) == FLOAT and not near.weights(state, node):
        return False
    weights = work.constant(node.inputs[1])
    if weights is None or weights.dtype != FLOAT or len(weights.shape) != 4:
        return False
    if node.has_input(2):
        bias = work.constant(node.inputs[2])
        if bias is None or bias.dtype != FLOAT or bias.shape != weights.shape[:1]:
            return False
    if node.domain == "" and work.since(node) == 22 and work.target.version < (1, 26):
        return False
    layout = _layout(state, node, weights) or near.layout(state, node, weights)
    if layout is None or (node.has_input(3) and state.find(node.inputs[3]) is None):
        return False
    direct, inside, outside = layout
    dims = state.own_dims(node.output)
    taken = None if direct else state.take(node, 0)
    if taken is not None:
        track(node, taken.dims, dims, weights.shape[2:])
    if node.has_input(3):
        state.take(node, 3)
    name = work.store("reorder", FLOAT, (outside, inside, *weights.shape[2:]))
    work.set_input(node, 1, name)
    if node.has_input(2) and outside != weights.shape[0]:
        work.set_input(node, 2, work.store("reorder", FLOAT, (outside,)))
    work.call(node, f"{node.output}_nchwc")
    work.set_op(node, "Conv", NCHWC)
    state.make(node, weights.shape[0], dims)
    return True


def _layout(state: State, node: WorkNode, weights: Constant) -> tuple[bool, int, int] | None:
    """Whether it reads its input as it is; input channels a group and output channels, padded."""
    outside, inside, block = weights.shape[0], weights.shape[1], state.block
    groups = node.int("group", 1)
    if groups == 1:
        if inside < block:
            return True, inside, state.padded(outside)
        return (False, state.padded(inside), state.padded(outside)) if aligned(inside) else None
    if not aligned(outside):
        return None
    if inside == 1 and outside == groups:
        node.set(group=state.padded(outside))
        return False, 1, state.padded(outside)
    if inside % block or outside % groups or (outside // groups) % block:
        return None
    return False, inside, outside


def track(
    node: WorkNode, source: list[Tracked], dims: list[Tracked], kernel: tuple[int, ...]
) -> None:
    """Follow open dims through a window: kept at stride 1, halved at stride 2, where it fits."""
    dims[0] = source[0]
    if node.string("auto_pad", "NOTSET") != "NOTSET":
        return
    pads = node.ints("pads") or (0, 0, 0, 0)
    strides = node.ints("strides") or (1, 1)
    dilations = node.ints("dilations") or (1, 1)
    for axis in (0, 1):
        if type(dims[axis + 2].key) is int:
            continue
        reach = dilations[axis] * (kernel[axis] - 1)
        if pads[axis] + pads[axis + 2] != reach:
            continue
        if strides[axis] in (1, 2):
            old = source[axis + 2]
            dims[axis + 2] = Tracked(old.key, old.shift + strides[axis] - 1)


def pool(state: State, node: WorkNode) -> bool:
    """A MaxPool or AveragePool, or a global one."""
    work = state.work
    dims = work.dims(node.inputs[0])
    found: Blocked | None = state.find(node.inputs[0])
    channels = found.channels if found is not None else dims[1] if dims and len(dims) == 4 else None
    if work.dtype(node.inputs[0]) != FLOAT or _refused(state, node) or any(node.outputs[1:]):
        return False
    if type(channels) is not int:
        return near.size_unknown(state, node)
    if channels % state.block and (
        found is None or not near.channels(state, node, node.inputs[0], channels)
    ):
        return False
    out = state.own_dims(node.output)
    taken = state.take(node, 0)
    if taken is not None:
        track(node, taken.dims, out, node.ints("kernel_shape") or (0, 0))
    work.call(node, f"{node.output}_nchwc")
    work.set_op(node, node.op, NCHWC)
    state.make(node, channels, out)
    return True


def _refused(state: State, node: WorkNode) -> bool:
    ceiled = node.int("ceil_mode", 0) and node.int("count_include_pad", 0)
    version = state.work.target.version
    if node.op == "AveragePool" and state.work.since(node) == 19 and version < (1, 26):
        return True
    return node.op == "AveragePool" and bool(ceiled) and version >= (1, 30)


def mean(state: State, node: WorkNode) -> bool:
    """A ReduceMean, which the layout doesn't take: one of height and width is told of."""
    return near.mean(state, node) and pool(state, node)
