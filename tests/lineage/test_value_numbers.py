"""Value numbers: equal work on equal values makes equal values, nothing else does."""

from __future__ import annotations

from onnx import parser

from ocost.graph import from_proto
from ocost.lineage.flat import Flat
from ocost.lineage.value_numbers import ValueNumbers

HEAD = '<ir_version: 8, opset_import: ["":17]>'


class Valued:
    """The values of a graph's tensors, by path."""

    def __init__(self, text: str) -> None:
        flat = Flat(from_proto(parser.parse_model(f"{HEAD}\n{text}")))
        self.numbers = ValueNumbers(flat)
        self._tensors = {path: tensor for tensor, path in enumerate(flat.paths)}

    def __getitem__(self, path: str) -> int:
        return self.numbers.value[self._tensors[path]]


def test_equal_work() -> None:
    v = Valued("""
    g (float[4] x, float[4] z) => (float[4] y) <float[1] k = {2}, float[1] l = {2}> {
        a = Add(x, z)  b = Add(z, x)
        c = Sub(x, z)  d = Sub(z, x)
        e = Mul(x, k)  f = Mul(x, l)
        i = Identity(a)
        g = LeakyRelu <alpha = 0.1> (x)  h = LeakyRelu <alpha = 0.2> (x)
        y = Sum(a, b, c, d, e, f, g, h, i)
    }""")
    assert v["a"] == v["b"] == v["i"]  # the order of the addends doesn't matter
    assert v["c"] != v["d"]
    assert v["k"] == v["l"]  # equal contents
    assert v["e"] == v["f"]
    assert v["g"] != v["h"]
    assert len({v[name] for name in "xzacdegh"}) == 8


def test_what_is_known_before_the_run() -> None:
    v = Valued("""
    g (float[4] x) => (float[4] y) <float[1] k = {2}> {
        a = Neg(k)
        s = Shape(x)  t = Neg(s)
        r = RandomNormalLike(k)
        m = Mul(x, a)  n = Reshape(m, s)
        y = Sum(n, r)
    }""")
    assert {v["k"], v["a"]} <= v.numbers.fixed
    assert {v["s"], v["t"]} <= v.numbers.shaped
    for name in "xrmny":
        assert v[name] not in v.numbers.fixed | v.numbers.shaped


def test_random_numbers_differ() -> None:
    v = Valued("""
    g (float[4] x) => (float[4] y) { a = RandomNormalLike(x)  b = RandomNormalLike(x)
        y = Add(a, b) }""")
    assert v["a"] != v["b"]


def test_bodies_are_apart() -> None:
    """A branch's work is not the root's: it is not done if the branch is not taken."""
    v = Valued("""
    g (float[4] x, bool c) => (float[4] y) {
        a = Neg(x)
        z = If (c) <then_branch = t () => (float[4] tz) { tz = Neg(x) },
                    else_branch = e () => (float[4] ez) { i = Identity(x)  ez = Abs(i) }>
        y = Add(a, z)
    }""")
    assert v["a"] != v["z/then_branch/tz"]
    assert v["z/else_branch/i"] == v["x"]
