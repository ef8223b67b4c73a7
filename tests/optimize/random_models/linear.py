"""Linear operators, what goes into them, and activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .sketch import Sketch

COUNTS = (4, 1, 2, 3, 6, 7, 8, 20, 23)


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
    if s.rarely():  # the result may have more axes
        shapes = [(1, 1, 1, 1), (1, *(1 for _ in before), channels, *ones)]
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
