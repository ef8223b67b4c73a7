"""Contents of integer inputs that decide a shape, of which few fit."""

from __future__ import annotations

import math

from ...graph.shapes import Shapes
from .roles import Use, uses

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


def _for(use: Use, data: tuple[int, ...], length: int) -> list[Contents]:
    rank = len(data)
    match use.node.op_type, use.slot:
        case "Reshape", 1:
            return _factored(data, length)
        case "Expand", 1 if length >= rank:
            same = (*(1,) * (length - rank), *data)
            grown = tuple(2 if dim == 1 else dim for dim in same)
            return [same, grown, (1,) * length]
        case "Split", 1 if length and -rank <= use.node.int("axis", 0) < rank:
            dim = data[use.node.int("axis", 0)]
            even = [dim // length] * length
            even[-1] += dim % length
            first = [0] * length
            first[0] = dim
            return [tuple(even), tuple(reversed(even)), tuple(first)]
        case ("Resize", 3) | ("Upsample", 1):
            return [data, tuple(2 * d if axis >= 2 else d for axis, d in enumerate(data))]
        case "CenterCropPad", 1:
            return [data, tuple(d + 1 for d in data), tuple(max(d - 1, 1) for d in data)]
    return []


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
