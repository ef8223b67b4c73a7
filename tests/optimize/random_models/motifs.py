"""Arithmetic that stands for one operator, and what runtimes see through."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st
from onnx import TensorProto, helper

from .linear import activation, affine, batchnorm, conv
from .shapes import nothing
from .sketch import Sketch


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
    square = s.node(*s.one(("Pow", [centred, s.number(2)]), ("Mul", [centred, centred])))
    variance = s.with_axes("ReduceMean", square, axes, 18, keepdims=1)
    root = s.node("Sqrt", [s.node("Add", [variance, s.number(1e-3)])])
    y = s.node("Div", [centred, root])
    if not s.rarely():
        y = s.node("Mul", [y, s.weight(*s.one((), (), (1, 1, 1)), width)])
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
        raised = s.node("Erf", [s.node("Div", [x, s.number(math.sqrt(2))])])
        raised = s.node("Add", [raised, s.number(1)])
        y = s.node("Mul", [s.node("Mul", [x, raised]), s.number(0.5)])
    elif kind == "tanh":
        cube = s.node("Mul", [s.node("Pow", [x, s.number(3)]), s.number(0.044715)])
        inner = s.node("Mul", [s.node("Add", [x, cube]), s.number(math.sqrt(2 / math.pi))])
        raised = s.node("Add", [s.node("Tanh", [inner]), s.number(1)])
        y = s.node("Mul", [s.node("Mul", [x, s.number(0.5)]), raised])
    elif kind == "hard":
        shifted = s.node("Add", [x, s.number(3)])
        clipped = s.node("Clip", [shifted, s.scalar(0), s.scalar(s.one(6, 5))])
        y = s.node("Div", [s.node("Mul", [x, clipped]), s.number(6)])
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


def attention(s: Sketch) -> str:
    """Attention written out, or only a product of what is computed, one side transposed."""
    x = s.pick(4, 3, 2)
    if not x or math.prod(s.shape(x)) > 2000:
        return ""
    rank = len(s.shape(x))
    keys = s.node("Transpose", [x], perm=[*range(rank - 2), rank - 1, rank - 2])
    y = s.node("MatMul", [affine(s, x) if s.rarely() else x, keys])
    y = s.node(*s.one(("Mul", [y, s.scalar(0.2)]), ("Div", [y, s.scalar(5)])))
    if s.maybe():
        y = s.node("Add", [y, s.weight(*s.shape(y)[-2:])])
    weights = s.node("Softmax", [y], axis=s.one(-1, rank - 1))
    y = s.node("MatMul", [weights, x])
    if not s.rarely():
        s.open.remove(weights)
    return y


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
            s.types.update((name, inner.types[name]) for name in inner.constants)
            inner.constants = {}
        bodies[side] = inner.body(side, y)
        s.made = inner.made
    shapes = {inner.shape(body.output[0].name) for body in bodies.values()}
    if len(shapes) > 1:
        return ""
    branches = {f"{side}_branch": body for side, body in bodies.items()}
    return s.node("If", [condition], 1, list(shapes), **branches)
