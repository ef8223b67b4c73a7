"""What a random model is built of: operators and motifs that passes rewrite, and near misses.

Each step adds to a ``Sketch`` where that has a tensor for it, and does nothing where not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper

from .sketch import ODDITIES, OPSETS, Sketch

COUNTS = (4, 1, 2, 3, 6, 7, 8, 20, 23)
ENDLESS = 2**63 - 1


# --- linear operators and what goes into them --------------------------------------------------


def conv(s: Sketch, x: str = "", features: int = 0, **fixed: Any) -> str:
    """A Conv of one or two spatial axes: grouped, dilated, padded in every way."""
    x = x or s.pick(3, 4)
    if not x:
        return ""
    channels, *sizes = s.shape(x)[1:]
    group = fixed.pop("group", 0) or s.one(1, 1, channels, math.gcd(channels, 2))
    features = features or s.one(channels, *COUNTS)
    features = max(group, features - features % group)
    kernel = fixed.pop("kernel", 0) or s.one(1, 3, 2)
    fitting = [min(kernel, size) for size in sizes]
    how = fixed.pop("pads", "") or s.one("same", "none", "uneven", "SAME_UPPER", "VALID")
    if how == "same":
        fixed["pads"] = [k // 2 for k in fitting] * 2
    elif how == "uneven":
        fixed["pads"] = [1] * len(sizes) + [0] * len(sizes)
    elif how != "none":
        fixed["auto_pad"] = how
    stride = fixed.pop("stride", 0) or (2 if s.rarely() else 1)
    if stride > 1:
        fixed["strides"] = [stride] * len(sizes)
    if s.rarely() and how == "same" and min(sizes) > 4:
        fixed["dilations"] = [2] * len(sizes)
    fan = channels // group * math.prod(fitting)
    weights = (features, channels // group, *fitting)
    inputs = [x, _dequantised(s, *weights) if s.rarely() else s.weight(*weights, spread=fan**-0.5)]
    if s.maybe():
        inputs.append(s.weight(features))
    return s.node("Conv", inputs, group=group, **fixed)


def _dequantised(s: Sketch, *shape: int) -> str:
    """Weights that are stored in 8 bits."""
    values = np.random.default_rng(s.made).integers(-128, 128, shape)
    stored = s.constant(values.astype(np.int8), plain=True)
    made = s.node("DequantizeLinear", [stored, s.scalar(0.002)])
    s.open.remove(made)
    return made


def conv_transpose(s: Sketch) -> str:
    """A ConvTranspose, maybe grouped."""
    x = s.pick(4)
    if not x or math.prod(s.shape(x)) > 2000:
        return ""
    channels = s.shape(x)[1]
    group = s.one(1, channels, math.gcd(channels, 2))
    each = s.one(1, 3)
    inputs = [x, s.weight(channels, each, 2, 2, spread=0.3)]
    if s.maybe():
        inputs.append(s.weight(each * group))
    return s.node("ConvTranspose", inputs, group=group, strides=[s.one(1, 2)] * 2)


def gemm(s: Sketch) -> str:
    """A Gemm with its attributes, and a bias of each shape."""
    x = s.pick(2)
    if not x:
        return ""
    features = s.one(*COUNTS)
    inner = s.shape(x)[1]
    transposed = s.maybe()
    shape = (features, inner) if transposed else (inner, features)
    inputs = [x, s.weight(*shape, spread=inner**-0.5)]
    bias = s.one(None, (features,), (1, features), (1,), (s.shape(x)[0], features), ())
    if bias is not None:
        inputs.append(s.weight(*bias))
    if s.rarely() and bias != (s.shape(x)[0], features):
        inputs[0] = s.node("Transpose", [x], perm=[1, 0])
        return s.node("Gemm", inputs, transA=1, transB=int(transposed), alpha=0.5)
    numbers = s.one({}, {"alpha": 0.5}, {"beta": 2.0})
    return s.node("Gemm", inputs, transB=int(transposed), **numbers)


def matmul(s: Sketch, x: str = "") -> str:
    """A MatMul with constant weights, maybe transposed in the graph, maybe with a bias."""
    x = x or s.pick(2, 3, 4)
    if not x:
        return ""
    inner, features = s.shape(x)[-1], s.one(*COUNTS)
    if s.rarely():
        stored = s.weight(features, inner, spread=inner**-0.5)
        weights = s.node("Transpose", [stored], perm=[1, 0])
        s.open.pop()
    else:
        weights = s.weight(inner, features, spread=inner**-0.5)
    y = s.node("MatMul", [x, weights])
    if s.maybe():
        y = s.node("Add", s.one([y, s.weight(features)], [s.weight(features), y]))
    return y


def attention(s: Sketch) -> str:
    """A product of what is computed, one side transposed."""
    x = s.pick(2, 3, 4)
    if not x or math.prod(s.shape(x)) > 2000:
        return ""
    rank = len(s.shape(x))
    turned = s.node("Transpose", [x], perm=[*range(rank - 2), rank - 1, rank - 2])
    scaled = affine(s, turned) if s.rarely() else turned
    y = s.node("MatMul", s.one([x, scaled], [scaled, x]))
    y = s.node("Mul", [y, s.scalar(0.2)])
    return s.node("Add", [y, s.pick_like(y)]) if s.maybe() else s.node("Softmax", [y], axis=-1)


def batchnorm(s: Sketch, x: str = "") -> str:
    """A BatchNormalization, rarely in training mode."""
    x = x or s.pick(2, 3, 4)
    if not x:
        return ""
    channels = s.shape(x)[1]
    inputs = [x, s.weight(channels), s.weight(channels), s.weight(channels), s.positive(channels)]
    epsilon = s.one(1e-5, 1e-2)
    if s.opset >= 14 and s.rarely() and math.prod(s.shape(x)) // channels > 3:
        # onnxruntime writes the new statistics over the old ones, constant or not
        inputs[3:] = [s.node("Neg", [s.weight(channels, offset=-9)]) for _ in range(2)]
        y = s.node("BatchNormalization", inputs, 3, epsilon=epsilon, training_mode=1)
        del s.open[-5:]
        s.open.append(y)
        return y
    return s.node("BatchNormalization", inputs, epsilon=epsilon)


def affine(s: Sketch, x: str = "") -> str:
    """Arithmetic with a constant that is per channel, or only looks like it."""
    x = x or s.pick()
    if not x:
        return ""
    *before, channels = s.shape(x)[:2]
    last = s.shape(x)[2:]
    ones = (1,) * len(last)
    shapes = [(channels, *ones), (*(1 for _ in before), channels, *ones), (), (1,)]
    if last:
        shapes += [(last[-1],), (*(1 for _ in s.shape(x)[:-1]), last[-1]), (channels, *last)]
    k = s.positive(*s.one(*shapes))
    op_type = s.one("Mul", "Add", "Sub", "Div")
    if not s.maybe():
        return s.node(op_type, [x, k])
    if op_type == "Div":  # not by zero
        x = s.node("Sigmoid", [x])
    return s.node(op_type, [k, x])


def activation(s: Sketch, x: str = "") -> str:
    """One of the common ones."""
    x = x or s.pick()
    op_type = s.one("Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Neg", "Abs")
    if op_type == "Clip":
        ends = s.one([-0.5, 0.7], [None, 0.7], [0.0, None], [0.0, 0.3], [0.0, 6.0])
        return s.node("Clip", [x, *("" if end is None else s.scalar(end) for end in ends)])
    if op_type == "Relu" and s.opset >= 14 and s.rarely():
        return s.node("HardSwish", [x])
    return s.node(op_type, [x])


def block(s: Sketch) -> str:
    """A linear operator, what is folded into it, an activation."""
    x: str = s.one(conv, conv, conv_transpose, gemm, matmul)(s)
    for step in s.draw(st.lists(st.sampled_from([affine, batchnorm, activation]), max_size=3)):
        x = x and step(s, x)
    return x


def ahead(s: Sketch) -> str:
    """What could go into the Conv or MatMul behind it."""
    x = s.one(affine, batchnorm)(s)
    return (conv(s, x) if len(s.shape(x)) in (3, 4) else matmul(s, x)) if x else ""


def residual(s: Sketch) -> str:
    """Arithmetic of two tensors of one shape, maybe the same."""
    x = s.pick()
    return s.node(s.one("Add", "Mul", "Sub", "Max", "Sum"), [x, s.pick_like(x)])


# --- convolutions beside and behind each other -------------------------------------------------


def branches(s: Sketch) -> str:
    """Branches of one tensor that are added up, as RepVGG's are."""
    x = s.pick(4)
    if not x or min(s.shape(x)[2:]) < 3:
        return ""
    channels = s.shape(x)[1]
    group = s.one(1, channels)
    parts = []
    kinds = ["3x3", "1x1", "identity", "batchnorm", "average", "3x3"]
    for kind in s.draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=4)):
        if kind in ("3x3", "1x1"):
            pads = "same" if not s.rarely() else "SAME_UPPER"
            y = conv(s, x, channels, group=group, kernel=int(kind[0]), stride=1, pads=pads)
            if s.shape(y) != s.shape(x):  # dilated
                continue
        elif kind == "average":
            y = s.node(
                "AveragePool",
                [x],
                kernel_shape=[3, 3],
                pads=[1] * 4,
                count_include_pad=s.one(1, 0),
            )
        else:
            y = x
        if kind == "batchnorm" or (kind[0] in "31" and s.maybe()):
            y = batchnorm(s, y)
        parts.append(y)
    if not parts:
        return ""
    total = parts[0]
    for part in parts[1:]:
        total = s.node("Add", s.one([total, part], [part, total]))
    return total


def sequence(s: Sketch) -> str:
    """Convs in a row, one of them 1x1."""
    x = conv(s, kernel=s.one(1, 3))
    return x and conv(s, x, kernel=s.one(1, 3))


def siblings(s: Sketch) -> str:
    """Operators beside each other that read the same."""
    x = s.pick(2, 3, 4)
    if not x:
        return ""
    if len(s.shape(x)) == 4 and s.maybe():
        kernel = s.one(1, 3)
        made = [conv(s, x, group=1, kernel=kernel, pads="same", stride=1) for _ in range(2)]
    else:
        made = [matmul(s, x) for _ in range(s.one(2, 3))]
    if s.maybe():
        made = [activation(s, y) for y in made]
    same = all(s.shape(y)[2:] == s.shape(made[0])[2:] for y in made)
    return s.node("Concat", made, axis=1) if same and len(s.shape(x)) == 4 else made[0]


# --- shapes ------------------------------------------------------------------------------------


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


# --- arithmetic that stands for one operator ----------------------------------------------------


def layer_norm(s: Sketch) -> str:
    """A LayerNormalization written out, or something like it."""
    x = s.pick(2, 3, 4)
    if not x or s.shape(x)[-1] < 2:
        return ""
    width = s.shape(x)[-1]
    axes = [s.one(-1, -1, 1)]
    centred = x
    if not s.rarely():
        mean = s.with_axes("ReduceMean", x, axes, 18, keepdims=1)
        if s.rarely():
            mean = s.with_axes("ReduceMean", x, axes, 18, keepdims=0)
            mean = s.with_axes("Unsqueeze", mean, axes, 13)
        centred = s.node("Sub", [x, mean])
    square = s.node(*s.one(("Pow", [centred, s.scalar(2)]), ("Mul", [centred, centred])))
    variance = s.with_axes("ReduceMean", square, axes, 18, keepdims=1)
    root = s.node("Sqrt", [s.node("Add", [variance, s.scalar(1e-3)])])
    y = s.node("Div", [centred, root])
    if not s.rarely():
        y = s.node("Mul", [y, s.weight(width)])
        if s.maybe():
            y = s.node("Add", [y, s.weight(width)])
    _close(s, y)
    return y


def gate(s: Sketch) -> str:
    """Gelu, HardSwish, Mish or Swish written out."""
    x = s.pick()
    first = len(s.open)
    kind = s.one("erf", "tanh", "hard", "mish", "swish")
    if kind == "erf":
        raised = s.node("Erf", [s.node("Div", [x, s.scalar(math.sqrt(2))])])
        raised = s.node("Add", [raised, s.scalar(1)])
        y = s.node("Mul", [s.node("Mul", [x, raised]), s.scalar(0.5)])
    elif kind == "tanh":
        cube = s.node("Mul", [s.node("Pow", [x, s.scalar(3)]), s.scalar(0.044715)])
        inner = s.node("Mul", [s.node("Add", [x, cube]), s.scalar(math.sqrt(2 / math.pi))])
        raised = s.node("Add", [s.node("Tanh", [inner]), s.scalar(1)])
        y = s.node("Mul", [s.node("Mul", [x, s.scalar(0.5)]), raised])
    elif kind == "hard":
        shifted = s.node("Add", [x, s.scalar(3)])
        clipped = s.node("Clip", [shifted, s.scalar(0), s.scalar(s.one(6, 5))])
        y = s.node("Div", [s.node("Mul", [x, clipped]), s.scalar(6)])
    elif kind == "mish":
        y = s.node("Mul", [x, s.node("Tanh", [s.node("Softplus", [x])])])
    else:
        y = s.node("Mul", [x, s.node("Sigmoid", [x])])
    _close(s, y, first)
    return y


def _close(s: Sketch, y: str, first: int = 0) -> None:
    """Mostly leave what is inside a motif to the motif."""
    if not s.rarely():
        made = set(s.open[first:]) - {y}
        inside = {t for node in s.nodes for t in node.input} & made
        s.open[first:] = [t for t in s.open[first:] if t not in inside or t == y]


# --- what the runtime sees through -------------------------------------------------------------


def casts(s: Sketch) -> str:
    """To another type and back, maybe with something in between."""
    x = s.pick()
    to = s.one(TensorProto.DOUBLE, TensorProto.FLOAT16)
    y = s.node("Cast", [x], to=to)
    if s.rarely() and to == TensorProto.DOUBLE:  # runtimes compute float16 in float32
        y = s.node("Neg", [y])
    if s.rarely():
        y = s.node("Cast", [y], to=TensorProto.DOUBLE)
    return s.node("Cast", [y], to=TensorProto.FLOAT)


def quantised(s: Sketch) -> str:
    """Quantised and dequantised, once or twice, alike or not."""
    x = s.pick()
    signed = s.maybe()
    kind = np.int8 if signed else np.uint8
    zero = s.constant(np.array(s.one(0, 3), kind), plain=True)
    for scale in s.one([0.05], [0.05, 0.05], [0.05, 0.1]):
        parameters = [s.scalar(scale), zero]
        y = s.node("QuantizeLinear", [x, *parameters])
        x = s.node("DequantizeLinear", [y, *parameters])
        if s.rarely():
            x = s.node("Relu", [x])
    return x


_KEPT_ONCE = ("If", "BatchNormalization")  # the latter may be one in training mode


def again(s: Sketch) -> str:
    """A node that is there already, and maybe both together."""
    plain = [n for n in s.nodes if n.output[0] in s.open and n.op_type not in _KEPT_ONCE]
    if not plain:
        return ""
    node = s.one(*plain[-5:])
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    shapes = [s.shape(t) for t in node.output]
    y = s.node(node.op_type, node.input, len(node.output), shapes, **attributes)
    return s.node("Add", [node.output[0], y]) if s.maybe() else y


def folded(s: Sketch) -> str:
    """Arithmetic on constants, and its outcome used."""
    x = s.pick()
    size = s.shape(x)[-1]
    first = len(s.open)
    k = s.node(s.one("Add", "Mul"), [s.weight(size), s.weight(1)])
    if s.maybe():
        k = s.node("Reshape", [k, s.ints(1, size)])
    del s.open[first:]
    return s.node("Mul", [x, k])


def choice(s: Sketch) -> str:
    """An If, on an input or a constant, whose branches read what is around them."""
    x = s.pick(4)
    if not x:
        return ""
    if s.maybe():
        condition = s.constant(np.array(s.one(True, False)), plain=True)
    elif "condition" in s.types:
        condition = "condition"
    else:
        condition = s.input("condition", TensorProto.BOOL, ())
    inner = Sketch(s.draw, s.opset, types=dict(s.types), made=s.made)
    bodies = {}
    for side in ("then", "else"):
        inner.nodes, inner.constants, inner.open = [], {}, [x]
        y = s.one(activation, affine, nothing, batchnorm)(inner)
        for step in s.draw(st.lists(st.sampled_from([activation, affine, conv]), max_size=2)):
            y = step(inner, y)
        y = inner.node("Relu", [y])
        if s.maybe():  # the graph around it has them
            s.constants.update(inner.constants)
            inner.constants = {}
        bodies[side] = inner.body(side, y)
        s.made = inner.made
    shapes = {inner.shape(body.output[0].name) for body in bodies.values()}
    if len(shapes) > 1:
        return ""
    branches = {f"{side}_branch": body for side, body in bodies.items()}
    return s.node("If", [condition], 1, list(shapes), **branches)


STEPS: tuple[Callable[[Sketch], str], ...] = (
    *(block, ahead, branches, sequence, siblings, residual, activation, affine, batchnorm),
    *(concat, split, slices, pad, pool, view, transpose, nothing, gather, shape_chain, spatial),
    *(layer_norm, gate, casts, quantised, again, folded, choice, attention),
)


@st.composite
def models(draw: st.DrawFn) -> ModelProto:
    """A model of a few steps on one or two inputs."""
    s = Sketch(draw, draw(st.sampled_from(OPSETS)), draw(st.sampled_from(ODDITIES)))
    channels, height = s.one(*COUNTS), s.one(5, 1, 3, 8)
    width = s.one(channels, height, 4, 6)
    image = (channels, height, width)
    shape = (s.one(2, 1), *s.one(image, (channels, width), (channels,), image, image))
    s.input("x", TensorProto.FLOAT, shape)
    if s.rarely():
        s.input("z", TensorProto.FLOAT, shape)
    # without the same step twice, hypothesis comes to more of them
    for step in draw(st.lists(st.sampled_from(STEPS), min_size=4, max_size=9, unique=True)):
        step(s)
    return s.model(s.one((), ("batch",), ("batch", "height")))
