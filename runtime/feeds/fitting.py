"""Contents of integer inputs that decide a shape, of which few fit."""

from __future__ import annotations

import math

from ...graph.shapes import Shapes
from .roles import AXES, Use, uses

Contents = tuple[int, ...]


def choices(shapes: Shapes, name: str, length: int) -> tuple[Contents, ...]:
    """Contents that suit an input of so many elements which decides a shape, as far as known."""
    found: dict[Contents, None] = {}
    for use in uses(shapes, name):
        info = use.scope.call(use.node).get(0)
        data = None if info is None else info.resolved
        if data is not None:
            found.update(dict.fromkeys(c for c in _for(use, data, length) if len(c) == length))
    return tuple(found)


def _for(use: Use, data: Contents, length: int) -> list[Contents]:
    rank, axis = len(data), use.node.int("axis", 0)
    found: list[Contents] = []
    match use.node.op_type, use.slot:
        case "Reshape", 1:
            found = _factored(data, length)
        case "Expand", 1 if length >= rank:
            same = (*(1,) * (length - rank), *data)
            found = [same, tuple(2 if dim == 1 else dim for dim in same), (1,) * length]
        case (("Split" | "SplitToSequence"), 1) if length and -rank <= axis < rank:
            part, rest = divmod(data[axis], length)
            even = (*(part,) * (length - 1), part + rest)
            found = [even, even[::-1], (data[axis], *(0,) * (length - 1))]
        case ("Resize", 3) | ("Upsample", 1):
            found = [data, tuple(2 * d if axis >= 2 else d for axis, d in enumerate(data))]
        case "CenterCropPad", 1:
            found = [data, tuple(d + 1 for d in data), tuple(max(d - 1, 1) for d in data)]
        case "Unsqueeze", 1:
            found = _axes(length)
        case (op_type, slot) if (op_type, slot) in AXES and 1 < length <= rank:
            found = _axes(length)
    return found


def _axes(length: int) -> list[Contents]:
    """The first axes, and the last."""
    return [tuple(range(length)), tuple(range(-length, 0))]


def _factored(data: Contents, length: int) -> list[Contents]:
    """Shapes of a length with as many elements."""
    if length == 0:
        return [()] if math.prod(data) == 1 else []
    ones = (1,) * (length - 1)
    if length == len(data):
        like = [data, data[::-1]]
    elif length > len(data):
        like = [(*data, *(1,) * (length - len(data)))]
    else:
        like = [(*data[: length - 1], -1), (-1, *data[len(data) - length + 1 :])]
    return [*like, (-1, *ones), (*ones, -1)]
