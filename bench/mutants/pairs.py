"""Pairs of models that compute the same in two ways, in onnx's textual form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import ModelProto, numpy_helper

from .samples import text

_HEAD = '<ir_version: 8, opset_import: ["" : {opset}]>'
_GELU = """g (float[2,9] x) => (float[2,9] y) <float root = {1.4142135}, float one = {1.0},
  float half = {0.5}> {
  a = Div(x, root)  b = Erf(a)  c = Add(b, one)  d = Mul(c, half)  y = Mul(x, d)
}"""
_GELU_TANH = """g (float[2,9] x) => (float[2,9] y)
<float k = {0.044715}, float r = {0.7978846}, float one = {1.0}, float half = {0.5}> {
  a = Mul(x, x)  b = Mul(a, x)  c = Mul(b, k)  d = Add(x, c)  e = Mul(d, r)  f = Tanh(e)
  h = Add(f, one)
  i = Mul(h, half)  y = Mul(x, i)
}"""
_ATTENTION = """g (float[2,2,5,4] q, float[2,2,5,4] k, float[2,2,5,4] v) =>
  (float[2,2,5,4] y) <float half = {0.5}> {
  t = Transpose<perm = [0,1,3,2]>(k)  s = MatMul(q, t)  w = Mul(s, half)
  p = Softmax<axis = -1>(w)  y = MatMul(p, v)
}"""
_PAIRS = {
    "x + x as x * 2": (
        13,
        "g (float[7] x) => (float[7] y) { y = Add(x, x) }",
        "g (float[7] x) => (float[7] y) <float two = {2.0}> { y = Mul(x, two) }",
    ),
    "factors multiplied before": (
        13,
        """g (float[7] x) => (float[7] y)
          <float a = {1.7}, float b = {0.3}> { h = Mul(x, a)  y = Mul(h, b) }""",
        "g (float[7] x) => (float[7] y) <float c = {0.51}> { y = Mul(x, c) }",
    ),
    "terms added before": (
        13,
        """g (float[7] x) => (float[7] y)
          <float a = {1.7}, float b = {0.3}> { h = Add(x, a)  y = Sub(h, b) }""",
        "g (float[7] x) => (float[7] y) <float c = {1.4}> { y = Add(x, c) }",
    ),
    "factors distributed": (
        13,
        """g (float[7] x, float[7] z) => (float[7] y)
          <float a = {1.7}> { h = Add(x, z)  y = Mul(h, a) }""",
        """g (float[7] x, float[7] z) => (float[7] y)
          <float a = {1.7}> { h = Mul(x, a)  i = Mul(z, a)  y = Add(h, i) }""",
    ),
    "square as a product": (
        13,
        "g (float[7] x) => (float[7] y) <float two = {2.0}> { y = Pow(x, two) }",
        "g (float[7] x) => (float[7] y) { y = Mul(x, x) }",
    ),
    "Gelu": (20, _GELU, "g (float[2,9] x) => (float[2,9] y) { y = Gelu(x) }"),
    "Gelu by Tanh": (
        20,
        _GELU_TANH,
        'g (float[2,9] x) => (float[2,9] y) { y = Gelu<approximate = "tanh">(x) }',
    ),
    "Attention": (
        23,
        _ATTENTION,
        """g (float[2,2,5,4] q, float[2,2,5,4] k, float[2,2,5,4] v) => (float[2,2,5,4] y)
          { y = Attention(q, k, v) }""",
    ),
    "no branch where both are the same": (
        13,
        """g (float[4] x, bool c) => (float[4] y) {
          y = If(c) <then_branch = t () => (float[4] a) { a = Abs(x) }, else_branch = e () =>
  (float[4] b) { b = Abs(x) }> }""",
        "g (float[4] x, bool c) => (float[4] y) { y = Abs(x) }",
    ),
    "a loop unrolled": (
        13,
        """g (float[3] x) => (float[3] y) <int64 n = {3}, bool on = {1}> {
          y = Loop(n, on, x) <body = b (int64 i, bool c, float[3] s) => (bool d,
  float[3] t) { d = Identity(c)  t = Tanh(s) }> }""",
        "g (float[3] x) => (float[3] y) { a = Tanh(x)  b = Tanh(a)  y = Tanh(b) }",
    ),
}
_CONVS = """g (float[1,3,6,6] x) => (float[1,5,4,4] y)
<float[8,3,3,3] w, float[8] b, float[5,8,1,1] v, float[5] c> {
  h = Conv(x, w, b)  y = Conv(h, v, c)
}"""
_CONV = """g (float[1,3,6,6] x) => (float[1,5,4,4] y) <float[5,3,3,3] w, float[5] b> {
  y = Conv(x, w, b)
}"""


def pairs() -> dict[str, tuple[Callable[[], ModelProto], Callable[[], ModelProto]]]:
    """Makers of two models each, by what is done to the first."""
    found = {
        name: (_source(opset, one), _source(opset, other))
        for name, (opset, one, other) in _PAIRS.items()
    }
    return {**found, "convolutions merged": (_source(13, _CONVS), _merged)}


def _source(opset: int, body: str) -> Callable[[], ModelProto]:
    return text(_HEAD.replace("{opset}", str(opset)) + body)


def _merged() -> ModelProto:
    """A 3x3 convolution and the 1x1 behind it as one."""
    before = {t.name: numpy_helper.to_array(t) for t in _source(13, _CONVS)().graph.initializer}
    outer = before["v"].astype(np.float64)[:, :, 0, 0]
    weight = np.tensordot(outer, before["w"].astype(np.float64), 1)
    bias = outer @ before["b"] + before["c"]
    made = _source(13, _CONV)()
    for tensor in made.graph.initializer:
        array = weight if tensor.name == "w" else bias
        tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float32), tensor.name))
    return made
