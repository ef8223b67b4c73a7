"""Concat, Resize and Transpose in the blocked layout.

Runtime's condition, layout level: all inputs are blocked, and none is made by a node that is not.
Concat: the axis is written as 1, and each input's channels are a multiple of the block. Upsample
and Resize: scales are constant (or sizes, where the input's are fixed), whole, 1 on batch and
channels; nearest with asymmetric and floor, linear with asymmetric, align_corners or half_pixel;
versions 18 and 19 since 1.26. Transpose to channels last goes into the ReorderOutput.
1.20 to 1.32.

    before  Concat(Conv(x), Conv(y), axis=1)
    after   ReorderOutput(Concat(nchwc::Conv, nchwc::Conv))
"""

from __future__ import annotations

from ...node import WorkNode
from ..conditions import NCHWC
from . import near
from .state import Blocked, State, equal


def concat(state: State, node: WorkNode) -> bool:
    """A Concat on the channels."""
    found = [state.find(t) for t in node.inputs]
    inputs = [b for b in found if b is not None]
    if len(inputs) != len(found) or node.int("axis", 0) not in (1, -3):
        return False
    if any(b.channels % state.block for b in inputs):
        return False
    if node.int("axis", 0) != 1 and not near.axis(state, node):
        return False
    dims = list(inputs[0].dims)
    if not all(equal(dims, b.dims) for b in inputs):
        dims = state.own_dims(node.output)
    for slot in range(len(inputs)):
        state.take(node, slot)
    state.make(node, sum(b.channels for b in inputs), dims)
    return True


def resize(state: State, node: WorkNode) -> bool:
    """An Upsample or Resize by whole numbers."""
    work = state.work
    found = state.find(node.inputs[0])
    if found is None:
        return False
    if work.since(node) > 13 and work.target.version < (1, 26):
        return False
    scales = _scales(state, node)
    if scales is None or len(scales) != 4 or any(s < 1 or s != int(s) for s in scales):
        return False
    mode = node.string("mode", "nearest")
    linear = mode == "linear"
    place = node.string("coordinate_transformation_mode", _default_place(work.since(node)))
    if mode not in ("nearest", "linear") or scales[:2] != (1, 1):
        return False
    if not _takes(state, node, place, linear=linear):
        if not near.resize(state, node, mode, place):
            return False
        place = node.string("coordinate_transformation_mode", place)
    dims = state.own_dims(node.output)
    state.take(node, 0)
    work.set_inputs(node, node.inputs[:1])
    node.attributes = {}
    node.set(scales=[int(s) for s in scales], mode=mode)
    if linear:
        node.set(coordinate_transformation_mode=place)
    work.set_op(node, "Upsample", NCHWC)
    work.call(node, f"{node.output}_nchwc")
    dims[0] = found.dims[0]
    state.make(node, found.channels, dims)
    return True


def _takes(state: State, node: WorkNode, place: str, *, linear: bool) -> bool:
    if linear:
        return place in ("asymmetric", "align_corners", "half_pixel")
    return place == "asymmetric" and _rounding(state, node) == "floor"


def _default_place(since: int) -> str:
    return "asymmetric" if since < 11 else "half_pixel"


def _rounding(state: State, node: WorkNode) -> str:
    default = "floor" if state.work.since(node) < 11 else "round_prefer_floor"
    return node.string("nearest_mode", default)


def _scales(state: State, node: WorkNode) -> tuple[float, ...] | None:
    work = state.work
    slot = 1 if work.since(node) < 11 else 2
    value = work.value(node.input(slot)) if node.has_input(slot) else None
    if value is not None and value.size:
        return tuple(float(x) for x in value.reshape(-1))
    sizes = work.numbers(node.input(3)) if node.has_input(3) else None
    shape = work.shape(node.inputs[0])
    if sizes is None or shape is None or len(sizes) != 4 or node.attributes.get("axes"):
        return None
    return tuple(a / b for a, b in zip(sizes, shape, strict=True))


def transpose(state: State, node: WorkNode) -> bool:
    """One to channels last: the ReorderOutput makes it."""
    found: Blocked | None = state.find(node.inputs[0])
    if found is None or node.ints("perm") != (0, 2, 3, 1):
        return False
    state.take(node, 0)
    node.attributes = {}
    node.set(channels=found.channels, channels_last=1)
    state.work.set_op(node, "ReorderOutput", NCHWC)
    return True
