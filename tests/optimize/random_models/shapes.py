"""What moves, cuts and reshapes, and shapes that are computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import TensorProto, helper

from .linear import activation, affine, conv, matmul
from .sketch import Sketch

ENDLESS = 2**63 - 1


def concat(s: Sketch) -> str:
    """A Concat of what fits, maybe of one tensor, maybe in another Concat."""
    x = s.pick(2, 3, 4)
    if not x:
        return ""
    rank = len(s.shape(x))
    axis = s.one(*range(1, rank), -1)

    def rest(tensor: str) -> list[int]:
        return [dim for i, dim in enumerate(s.shape(tensor)) if i != axis % rank]

    same = [t for t in s.open if len(s.shape(t)) == rank and rest(t) == rest(x)][-4:]
    for _ in range(s.one(1, 2)):
        parts = [x, *s.draw(st.lists(st.sampled_from(same), max_size=2))]
        if sum(s.shape(t)[axis] for t in parts) <= 40:
            x = s.node("Concat", parts, axis=s.one(axis, axis % rank))
    return x


def split(s: Sketch) -> str:
    """A Split in two, even or not."""
    x = s.pick(2, 3, 4)
    axis = s.one(1, -1)
    if not x or s.shape(x)[axis] < 2:
        return ""
    size = s.shape(x)[axis]
    first = s.one(size // 2, 1)
    if s.opset < 13:
        return s.node("Split", [x], 2, axis=axis, split=[first, size - first])
    if s.opset >= 18 and s.maybe():
        return s.node("Split", [x], 2, axis=axis, num_outputs=2)
    return s.node("Split", [x, s.ints(first, size - first)], 2, axis=axis)


def slices(s: Sketch) -> str:
    """Slices in a row: from the end, beyond the end, in steps, backwards."""
    x = s.pick()
    for _ in range(s.one(1, 2)):
        axis = s.one(*range(1, len(s.shape(x))), -1)
        size = s.shape(x)[axis]
        start, end, step = s.one(
            (0, ENDLESS, 1), (1, ENDLESS, 1), (0, -1, 1), (-2, 100, 1), (0, size, 2), (-1, -99, -1)
        )
        if not len(range(size)[start:end:step]) or (step < 0 and not s.maybe()):
            continue
        if s.rarely():  # on another axis too
            other = 0 if axis % len(s.shape(x)) else 1
            inputs = [x, s.ints(0, start), s.ints(ENDLESS, end), s.ints(other, axis)]
            x = s.node("Slice", [*inputs, s.ints(1, step)])
            continue
        inputs = [x, s.ints(start), s.ints(end), s.ints(axis)]
        x = s.node("Slice", [*inputs, s.ints(step)] if step != 1 or s.maybe() else inputs)
    return x


def pad(s: Sketch, x: str = "") -> str:
    """A Pad of zeros or others, maybe of channels, maybe cutting, and what could take it."""
    x = x or s.pick(4)
    if not x or min(s.shape(x)[2:]) < 2:
        return ""
    widths = s.one([1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [-1, 0, 0, 0])
    if s.rarely():  # only a MaxPool may see it
        value = [s.scalar(-math.inf)]
        y = s.node("Pad", [x, s.ints(0, 0, *widths[:2], 0, 0, *widths[2:]), *value])
        s.open.remove(y)
        return s.node("MaxPool", [y], kernel_shape=[2, 2]) if min(s.shape(y)[2:]) > 1 else ""
    mode = s.one("constant", "constant", "reflect", "edge")
    channels = int(s.rarely() and mode == "constant")
    value = s.one([], [s.scalar(0.0)], [s.scalar(-0.5)])
    y = s.node("Pad", [x, s.ints(0, 0, *widths[:2], 0, channels, *widths[2:]), *value], mode=mode)
    return s.one(conv, pool, pad)(s, y) if s.maybe() else y


def pool(s: Sketch, x: str = "") -> str:
    """A pool."""
    x = x or s.pick(4)
    if not x or min(s.shape(x)[2:]) < 3:
        return ""
    op_type = s.one("MaxPool", "AveragePool", "GlobalAveragePool")
    if op_type == "GlobalAveragePool":
        return s.node(op_type, [x])
    kernel = s.one(2, 3)
    more = s.one({}, {"pads": [1] * 4}, {"ceil_mode": 1}, {"auto_pad": "SAME_UPPER"})
    if op_type == "AveragePool" and s.maybe():
        more = {**more, "count_include_pad": 1}
    return s.node(op_type, [x], kernel_shape=[kernel] * 2, strides=[s.one(1, 2)] * 2, **more)


def view(s: Sketch, x: str = "") -> str:
    """Reshape, Flatten, Squeeze or Unsqueeze, some of them in a row."""
    x = x or s.pick()
    for _ in range(s.one(1, 2, 3)):
        shape = s.shape(x)
        kind = s.one("flat", "same", "Flatten", "Unsqueeze", "Squeeze", "parts", "image")
        ones = [axis for axis, dim in enumerate(shape) if dim == 1 and axis]
        if kind == "Squeeze" and ones and shape[0] > 1 and s.rarely():
            y = s.node("Squeeze", [x])
            x = y if len(s.shape(y)) > 1 else x
        elif kind == "Squeeze" and ones:
            x = s.with_axes("Squeeze", x, ones[: s.one(1, len(ones))], 13)
        elif kind == "Unsqueeze" and len(shape) < 4:
            x = s.with_axes("Unsqueeze", x, s.one([1], [len(shape)], [-1]), 13)
        elif kind == "Flatten":
            x = s.node("Flatten", [x], axis=s.one(1, 2) if len(shape) > 2 else 1)
        elif kind == "parts":
            target = [0, s.one(2, 1), -1]
            if math.prod(shape[1:]) % target[1] == 0:
                x = s.node("Reshape", [x, s.ints(*target)])
        else:
            whole = {"same": [0, *shape[1:]], "image": [-1, *shape[1:], 1, 1][:4]}
            target = whole.get(kind, [s.one(0, shape[0]), -1])
            if kind != "image" or (
                len(target) == 4 and math.prod(shape) == shape[0] * math.prod(target[1:])
            ):
                x = s.node("Reshape", [x, s.ints(*target)])
    return x


def transpose(s: Sketch) -> str:
    """Transposes around something that works in either layout."""
    x = s.pick(3, 4)
    if not x:
        return ""
    there, back = ([0, 2, 3, 1], [0, 3, 1, 2]) if len(s.shape(x)) == 4 else ([0, 2, 1],) * 2
    y = s.node("Transpose", [x], perm=there)
    for step in s.draw(st.lists(st.sampled_from([affine, activation, matmul]), max_size=2)):
        y = step(s, y)
    return s.node("Transpose", [y], perm=back) if not s.rarely() else y


def nothing(s: Sketch) -> str:
    """What gives what it gets, or all but."""
    x = s.pick()
    shape = s.shape(x)
    kind = s.one("Identity", "Dropout", "Cast", "Tile", "Expand", "Add", "Mul", "Concat", "Slice")
    if kind == "Cast":
        return s.node("Cast", [x], to=TensorProto.FLOAT)
    if kind == "Tile":
        return s.node("Tile", [x, s.ints(*(1 for _ in shape[:-1]), s.one(1, 2))])
    if kind == "Expand":
        return s.node("Expand", [x, s.ints(*s.one(shape[1:], (1,), (2, *(1 for _ in shape))))])
    if kind in ("Add", "Mul"):
        value = np.full(s.one((), (1,), (1,) * 4), kind == "Mul", "f4")
        return s.node(kind, [x, s.constant(value)])
    if kind == "Slice":
        return s.node("Slice", [x, s.ints(0), s.ints(ENDLESS), s.ints(-1)])
    return s.node("Concat", [x], axis=1) if kind == "Concat" else s.node(kind, [x])


def gather(s: Sketch) -> str:
    """A Gather of one place, a range, or any places, counted from either end."""
    x = s.pick()
    axis = s.one(*range(1, len(s.shape(x))), -1)
    size = s.shape(x)[axis]
    places = s.one(
        0, -1, [0], [-1], list(range(size)), list(range(size))[::-1], [0, 0], [[0], [-1]]
    )
    if len(s.shape(x)) == 4 and np.ndim(places) == 2:
        places = 0
    y = s.node("Gather", [x, s.constant(np.array(places, np.int64), plain=True)], axis=axis)
    if np.ndim(places) == 0 and s.maybe():
        return s.with_axes("Unsqueeze", y, [axis % len(s.shape(x))], 13)
    if len(s.shape(y)) < 2:
        s.open.remove(y)
    return y


def shape_chain(s: Sketch) -> str:
    """A shape that is computed, and what is made of it."""
    x = s.pick(2, 3, 4)
    if not x:
        return ""
    shape = s.shape(x)
    source = s.one(x, x, s.pick_like(x))
    asked = s.node("Shape", [source])
    kind = s.one("Gather", "Slice", "whole", "ConstantOfShape", "Resize")
    if kind == "ConstantOfShape":
        value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
        filled = s.node(kind, [asked], shapes=[shape], value=value)
        return s.node("Add", [x, filled])
    if kind == "Resize":
        return _resize(s, x, asked)
    if kind == "whole":
        y = s.node("Identity", [x]) if s.maybe() else x
        return s.node(s.one("Reshape", "Expand"), [y, asked], shapes=[shape])
    if kind == "Gather":
        index = s.constant(np.array(0, np.int64), plain=True)
        batch = s.node("Gather", [asked, index], axis=0)
        batch = s.with_axes("Unsqueeze", batch, [0], 13)
    else:
        batch = s.node("Slice", [asked, s.ints(0), s.ints(1), s.ints(0)])
    rest = s.one([-1], [shape[1], -1], [1, math.prod(shape[1:])], [-1, shape[-1]])
    target = s.node("Concat", [batch, s.ints(*rest)], axis=0)
    rows = math.prod(shape) // shape[0]
    known = -math.prod(rest)
    made = [rows // known if dim == -1 else dim for dim in rest]
    return s.node("Reshape", [x, target], shapes=[[shape[0], *made]])


def _resize(s: Sketch, x: str, asked: str) -> str:
    """Twice as high and wide, by sizes that are computed."""
    shape = s.shape(x)
    if len(shape) != 4 or math.prod(shape) > 2000:
        return ""
    front = s.node("Slice", [asked, s.ints(0), s.ints(2), s.ints(0)])
    back = s.node("Slice", [asked, s.ints(2), s.ints(4), s.ints(0)])
    sizes = s.node("Concat", [front, s.node("Mul", [back, s.ints(2, 2)])], axis=0)
    empty = [s.constant(np.zeros(0, "f4"), plain=True) for _ in range(2)]
    made = (*shape[:2], 2 * shape[2], 2 * shape[3])
    how = {"coordinate_transformation_mode": s.one("asymmetric", "half_pixel")}
    mode = s.one("nearest", "linear")
    inputs = [x, "", "", sizes] if s.opset > 11 else [x, *empty, sizes]
    return s.node("Resize", inputs, shapes=[made], mode=mode, **how)


def spatial(s: Sketch) -> str:
    """What depends on where channels or pixels are."""
    x = s.pick(4)
    if not x:
        return ""
    channels = s.shape(x)[1]
    kinds = ["ReduceMean", "Softmax", "InstanceNormalization", "PRelu"]
    kinds += ["Resize"] if math.prod(s.shape(x)) < 2000 else []
    kinds += ["DepthToSpace"] if channels % 4 == 0 else []
    kind = s.one(*kinds)
    if kind == "ReduceMean":
        return s.with_axes(kind, x, s.one([1], [2, 3]), 18, keepdims=1)
    inputs: dict[str, list[str]] = {
        "InstanceNormalization": [s.weight(channels), s.weight(channels)],
        "PRelu": [s.weight(channels, 1, 1)],
        "Resize": [s.constant(np.array(a, "f4"), plain=True) for a in ([], [1, 1, 2, 2])],
    }
    attributes: dict[str, dict[str, Any]] = {
        "Softmax": {"axis": s.one(1, -1)},
        "Resize": {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        "DepthToSpace": {"blocksize": 2},
    }
    return s.node(kind, [x, *inputs.get(kind, [])], **attributes.get(kind, {}))
