"""Slice and Split: bounded by the axis where the places are not known."""

from __future__ import annotations

from collections.abc import Sequence

from ..folds.layout import slice_range
from ..info import Info, Quality, ShapeCall, Unresolved, shape_rule
from ..onnx_inference import infer

_Places = Sequence[int | None]


def _places(call: ShapeCall, slot: int, attribute: str) -> _Places | None:
    """A list of places, Nones where unknown; None where not even its length is known."""
    info = call.get(slot)
    if info is None:
        return call.node.ints(attribute)
    if info.value is not None:
        return [int(x) for x in info.value.reshape(-1)]
    rank = len(call.input(0).shape or ())
    return None if info.size is None or info.size > rank else [None] * info.size


def extent(dim: int, start: int | None, end: int | None, step: int | None) -> int:
    """Elements that a slice takes of a dim, at most that where a place is not known."""
    if step is None:
        return dim
    furthest = (0, dim) if step > 0 else (-1, -dim - 1)
    return len(
        slice_range(
            dim,
            furthest[0] if start is None else start,
            furthest[1] if end is None else end,
            step,
        )
    )


@shape_rule("Slice")
def slice_(call: ShapeCall) -> Sequence[Info]:
    """Attributes before opset 10, inputs after."""
    data = call.input(0)
    if data.shape is None:
        raise Unresolved(data.reason or f"the rank of '{call.node.inputs[0]}' is not known")
    dims, rank = list(data.shape), len(data.shape)
    starts, ends = _places(call, 1, "starts"), _places(call, 2, "ends")
    axes, steps = _places(call, 3, "axes"), _places(call, 4, "steps")
    known = next((len(p) for p in (starts, ends, axes, steps) if p is not None), None)
    if known is None or (axes is not None and None in axes):
        # any axis may be the sliced one
        return [Info(data.dtype, data.shape, Quality.BOUND, reason=data.reason)]
    unknown: _Places = [None] * known
    if axes is None:
        axes = unknown if call.get(3) is not None else range(known)
    steps = steps or (unknown if call.get(4) is not None else [1] * known)
    quality = Quality.EXACT
    for axis, *places in zip(axes, starts or unknown, ends or unknown, steps, strict=True):
        if axis is None:
            return [Info(data.dtype, data.shape, Quality.BOUND, reason=data.reason)]
        dim = dims[axis % rank]
        if dim is not None:
            dims[axis % rank] = extent(dim, *places)
        if None in places and dim != 0:
            quality = Quality.BOUND
    return [Info(data.dtype, tuple(dims), quality, reason=data.reason)]


@shape_rule("Split")
def split(call: ShapeCall) -> Sequence[Info | None]:
    """A part is at most the whole axis where the sizes are not known."""
    there = len(call.node.outputs)
    parts = call.node.int("num_outputs", there)
    if parts != there:  # onnx's inference aborts the process
        raise Unresolved(f"Split's num_outputs is {parts}, its outputs are {there}")
    if call.get(1) is None or call.value(1) is not None:
        return infer(call)
    part = Info(call.input(0).dtype, call.shape(0), Quality.BOUND)
    return [part] * len(call.node.outputs)
