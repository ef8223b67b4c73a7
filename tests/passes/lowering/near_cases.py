"""Graphs that a rule nearly matches, and the same graphs with the fix made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocost.graph import Graph

from ..conftest import model

Array = npt.NDArray[np.generic]


class Made(NamedTuple):
    """A graph: its text, and constants by name, by their shape where the contents don't matter."""

    text: str
    constants: dict[str, Array | tuple[int, ...]]
    opset: int = 17

    def graph(self) -> Graph:
        rng = np.random.default_rng(0)
        arrays = {
            name: (rng.random(c, dtype=np.float32) + 0.5) / 8 if isinstance(c, tuple) else c
            for name, c in self.constants.items()
        }
        return model(f"g {self.text}", self.opset, **arrays)


@dataclass(frozen=True)
class Case:
    """What nearly matches, what is to be said of it, and what it is with the fix."""

    name: str
    rule: str
    kind: str
    reason: str  # part of it
    fix: str
    blocked: Made
    fixed: Made
    others: tuple[str, ...] = field(default=())  # rules that nearly match as well


def f(value: float, *shape: int) -> Array:
    return np.full(shape, value, np.float32)


def u(value: int, *shape: int) -> Array:
    return np.full(shape, value, np.uint8)


def s(value: int, *shape: int) -> Array:
    return np.full(shape, value, np.int8)


def _swap(made: Made, *pairs: tuple[str, str], opset: int = 0, **constants: object) -> Made:
    text = made.text
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    kept = {k: c for k, c in {**made.constants, **constants}.items() if c is not None}
    return Made(text, kept, opset or made.opset)  # type: ignore[arg-type]


W = (32, 32, 3, 3)
X = "(float[1,32,16,16] x) => (float[1,32,16,16] y)"
CONV = "c = Conv <pads=[1,1,1,1]> (x, w)"


def cases() -> list[Case]:
    return [*_folds(), *_activations(), *_products(), *_norms(), *_blocked(), *_integers()]


def _folds() -> list[Case]:
    add = Made(f"{X} {{ {CONV} y = Add (k, c) }}", {"w": W, "k": (32, 1, 1)})
    mul = Made(f"{X} {{ {CONV} y = Mul (c, k) }}", {"w": W, "k": (1,)})
    norm = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y, float[1,32,16,16] c) "
        f"{{ {CONV} n = BatchNormalization (c, s, b, m, v) y = Relu (n) }}",
        {"w": W, "s": (32,), "b": (32,), "m": (32,), "v": (32,)},
    )
    twice = Made(
        "(float[1,4,256] x) => (float[1,4,256] y, float[1,4,256] z) "
        "{ c = Conv (x, w) n = BatchNormalization (c, s, b, m, v) y = Relu (n) z = Sqrt (c) }",
        {"w": (4, 4, 1), "s": (4,), "b": (4,), "m": (4,), "v": (4,)},
    )
    pad = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y, float[1,32,16,16] z) "
        "{ p = Pad (x, k) y = Conv (p, w) z = Conv (p, v) }",
        {"w": W, "v": W, "k": np.array([0, 0, 1, 1, 0, 0, 1, 1])},
    )
    whole = Made(
        "(float[8,64] x) => (float[8,64] y) { a = Relu (x) s = Slice (a, b, e) y = Neg (s) }",
        {"b": np.array([0]), "e": np.array([8])},
    )
    noop = Made("(float[8,64] x) => (float[8,64] y) { a = Add (x, k) y = Neg (a) }", {"k": f(0.0)})
    given = Made(
        f"(float[1,32,16,16] x, float[32,32,3,3] w) => (float[1,32,16,16] y) {{ {CONV} "
        "y = Relu (c) }",
        {"w": W},
    )
    return [
        Case(
            "weights that can be overridden",
            "NchwcTransformer",
            "constants can be overridden, being inputs of the graph too",
            "the initializer 'w' can be overridden",
            "take 'w' off the graph's inputs",
            given,
            _swap(given, (", float[32,32,3,3] w)", ")")),
        ),
        Case(
            "a constant that is the first operand",
            "ConvAddFusion",
            "the constant is the first operand",
            "'k' is the first operand of 'y'",
            "make 'k' the second operand of 'y'",
            add,
            _swap(add, ("(k, c)", "(c, k)")),
        ),
        Case(
            "a scalar bias",
            "ConvAddFusion",
            "the constant has one element, and not the shape that the runtime takes",
            "'k' of 'y' is of shape [1]",
            "write 'k' as [1, 32, 1, 1]",
            _swap(add, ("(k, c)", "(c, k)"), k=(1,)),
            _swap(add, ("(k, c)", "(c, k)"), k=(1, 32, 1, 1)),
        ),
        Case(
            "a Sub",
            "ConvAddFusion",
            "a Sub of a constant stands where an Add would be taken",
            "'y' is a Sub",
            "write 'y' as an Add of the negative of 'k'",
            _swap(add, ("Add (k, c)", "Sub (c, k)")),
            _swap(add, ("Add (k, c)", "Add (c, k)")),
        ),
        Case(
            "a scale of one dim",
            "ConvMulFusion",
            "the constant has one element, and not the shape that the runtime takes",
            "of shape [1]",
            "write 'k' without dims",
            mul,
            _swap(mul, k=()),
        ),
        Case(
            "a Div",
            "ConvMulFusion",
            "a Div of a constant stands where a Mul would be taken",
            "'y' is a Div",
            "write 'y' as a Mul of the reciprocal of 'k'",
            _swap(mul, ("Mul", "Div"), k=(32, 1, 1)),
            _swap(mul, k=(32, 1, 1)),
        ),
        Case(
            "an output of the graph between",
            "ConvBNFusion",
            "what the Conv makes is an output of the graph",
            "'c', is an output of the graph",
            "take 'c' off the graph's outputs",
            norm,
            _swap(norm, (", float[1,32,16,16] c)", ")")),
        ),
        Case(
            "a Conv used twice",
            "ConvBNFusion",
            "the Conv is read elsewhere too",
            "'c' is read by 'z' too",
            "give 'n' a Conv of its own",
            twice,
            _swap(twice, ("z = Sqrt (c)", "d = Conv (x, u) z = Sqrt (d)"), u=(4, 4, 1)),
        ),
        Case(
            "a Pad used twice",
            "Pad_Fusion",
            "the Pad is read elsewhere too",
            "'p' is read by 'z' too",
            "give 'y' a Pad of its own",
            pad,
            _swap(pad, ("z = Conv (p, v)", "q = Pad (x, k) z = Conv (q, v)")),
        ),
        Case(
            "a Slice of all",
            "EliminateSlice",
            "a Slice of all has sizes as its ends",
            "'s' takes all of 'a'",
            "take 's' out",
            whole,
            _swap(whole, ("s = Slice (a, b, e) y = Neg (s)", "y = Neg (a)"), b=None, e=None),
        ),
        Case(
            "an Add of 0 to an input",
            "NoopElimination",
            "a node that changes nothing reads inputs of the graph alone",
            "'a' changes nothing",
            "take 'a' out",
            noop,
            _swap(noop, ("a = Add (x, k) y = Neg (a)", "y = Neg (x)"), k=None),
        ),
    ]


def _activations() -> list[Case]:
    plain = "(float[1,30,16,16] x) => (float[1,32,16,16] y)"
    clip = Made(
        "(float[1,30,16,16] x, float low) => (float[1,32,16,16] y) "
        "{ c = Conv <pads=[1,1,1,1]> (x, w) y = Clip (c, low, h) }",
        {"w": (32, 30, 3, 3), "h": f(6.0)},
    )
    prelu = Made(f"{plain} {{ {CONV} y = PRelu (c, k) }}", {"w": (32, 30, 3, 3), "k": f(0.25, 1)})
    swish = Made(
        f"{X} {{ {CONV} a = Add (c, three) k = Clip (a, zero, six) m = Mul (c, k) d = Div (m, six)"
        " y = Sqrt (d) }",
        {"w": W, "three": f(3.0), "six": f(6.0), "zero": f(0.0)},
    )
    sigmoid = Made(
        f"{X} {{ {CONV} a = Add (c, three) k = Clip (a, zero, six) d = Div (k, six)"
        " y = Sqrt (d) }",
        swish.constants,
    )
    bias = Made(
        "(float[1,30,16,16] x, float[1,32,16,16] z) => (float[1,32,16,16] y) "
        "{ c = Conv <pads=[1,1,1,1]> (x, w) a = Add (c, z) y = Relu (a) }",
        {"w": (32, 30, 3, 3)},
    )
    lows = Made(
        "(float[8,64] x, float low) => (float[8,64] y) { r = Relu (x) y = Clip (r, low, h) }",
        {"h": f(6.0)},
    )
    gemm = Made(
        "(float[8,64] x) => (float[8,64] y, float[8,64] g) { g = Gemm (x, w, b) y = Relu (g) }",
        {"w": (64, 64), "b": (64,)},
    )
    product = Made(
        "(float[8,64] x) => (float[8,64] y) { g = MatMul (x, w) y = Relu (g) }", {"w": (64, 64)}
    )
    reshaped = Made(
        "(float[2,4,64] x) => (float[2,4,64] y) { m = MatMul (x, w) a = Add (m, b) y = Relu (a) }",
        {"w": (64, 64), "b": (64,)},
    )
    return [
        Case(
            "a bound that is not constant",
            "ConvActivationFusion",
            "a bound of the Clip is not constant",
            "the bound 'low' of 'y' is not constant",
            "make the bounds of 'y' constants",
            clip,
            _swap(clip, (", float low)", ")"), low=f(0.0)),
            ("NchwcTransformer",),
        ),
        Case(
            "a PRelu of one slope",
            "ConvActivationFusion",
            "a PRelu of one slope stands where a LeakyRelu would be taken",
            "'y' is a PRelu",
            "write 'y' as a LeakyRelu",
            prelu,
            _swap(prelu, ("PRelu (c, k)", "LeakyRelu <alpha = 0.25> (c)"), k=None),
            ("NchwcTransformer",),
        ),
        Case(
            "a HardSwish written out",
            "NchwcTransformer",
            "a HardSwish is written out",
            "'a' to 'd' write out a HardSwish",
            "write 'a' to 'd' as a HardSwish",
            swish,
            Made(f"{X} {{ {CONV} d = HardSwish (c) y = Sqrt (d) }}", {"w": W}),
            ("ConvAddFusion",),
        ),
        Case(
            "a HardSigmoid written out",
            "NchwcTransformer",
            "a HardSigmoid is written out",
            "'a' to 'd' write out a HardSigmoid",
            "write 'a' to 'd' as a HardSigmoid of alpha 1/6",
            sigmoid,
            Made(
                f"{X} {{ {CONV} d = HardSigmoid <alpha=0.16666667, beta=0.5> (c) y = Sqrt (d) }}",
                {"w": W},
            ),
            ("ConvAddFusion",),
        ),
        Case(
            "a sum behind a Conv without a bias",
            "ConvAddActivationFusion",
            "the Conv has no bias",
            "'c' has no bias",
            "give 'c' a bias of zeros",
            bias,
            _swap(bias, ("(x, w)", "(x, w, b)"), b=(32,)),
            ("NchwcTransformer",),
        ),
        Case(
            "a lower bound that is not constant",
            "FuseReluClip",
            "the lower bound of the Clip is not constant",
            "'low' of 'y'",
            "make the lower bound of 'y' a constant",
            lows,
            _swap(lows, (", float low)", ")"), low=f(-1.0)),
        ),
        Case(
            "a Gemm that is an output",
            "GemmActivationFusion",
            "what the Gemm makes is an output of the graph",
            "'g', is an output",
            "take 'g' off the graph's outputs",
            gemm,
            _swap(gemm, (", float[8,64] g)", ")")),
        ),
        Case(
            "a MatMul without a bias",
            "GemmActivationFusion",
            "a MatMul stands in front of an activation where a Gemm would be taken",
            "'g' is a MatMul",
            "write 'g' as a Gemm",
            product,
            _swap(product, ("MatMul", "Gemm")),
        ),
        Case(
            "a Reshape between",
            "GemmActivationFusion",
            "a Reshape stands between the Gemm and the activation",
            "between the Gemm of 'm' and 'y'",
            "compute 'm' and 'y' on 2 dims",
            reshaped,
            Made(
                "(float[2,4,64] x) => (float[2,4,64] y) { f = Reshape (x, flat) m = MatMul (f, w) "
                "a = Add (m, b) r = Relu (a) y = Reshape (r, back) }",
                {
                    **reshaped.constants,
                    "flat": np.array([8, 64]),
                    "back": np.array([2, 4, 64]),
                },
            ),
        ),
    ]


def _products() -> list[Case]:
    gemm = Made(
        "(float[8,64] x) => (float[8,64] y) { g = Gemm (x, w) y = Add (g, b) }",
        {"w": (64, 64), "b": (64,)},
    )
    row = Made(
        "(float[2,4,64] x) => (float[2,4,64] y) { m = MatMul (x, w) y = Add (m, b) }",
        {"w": (64, 64), "b": (1, 1, 64)},
    )
    scalar = Made(
        "(float[8,64] x) => (float[8,64] y) { m = MatMul (x, w) y = Add (m, b) }",
        {"w": (64, 64), "b": (1,)},
    )
    opened = Made(
        "(float[N,4,64] x) => (float[N,4,64] y) { m = MatMul (x, w) y = Add (m, b) }",
        {"w": (64, 64), "b": (64,)},
    )
    tiles = Made(
        "(float[8,64] x) => (float[8,32] y) { r = Relu (x) p = Slice (r, k0, k32, k1) "
        "q = Slice (r, k32, k64, k1) y = Mul (p, q) }",
        {
            "k0": np.array([0]),
            "k1": np.array([1]),
            "k32": np.array([32]),
            "k64": np.array([64]),
        },
        12,
    )
    return [
        Case(
            "an Add behind a Gemm",
            "GemmSumFusion",
            "an Add stands behind a Gemm without a bias",
            "'y' is an Add",
            "make 'b' the third input of 'g'",
            gemm,
            Made("(float[8,64] x) => (float[8,64] y) { y = Gemm (x, w, b) }", gemm.constants),
        ),
        Case(
            "a bias that is no vector",
            "MatMulAddFusion",
            "the bias is no vector of as many numbers as the MatMul has columns",
            "'b' is of shape [1, 1, 64], and not [64]",
            "write 'b' as [64]",
            row,
            _swap(row, b=(64,)),
        ),
        Case(
            "a bias of one number",
            "MatMulAddFusion",
            "the bias is no vector of as many numbers as the MatMul has columns",
            "'b' is of shape [1], and not [64]",
            "write 'b' as [64]",
            scalar,
            _swap(scalar, b=(64,)),
        ),
        Case(
            "a size that is open",
            "MatMulAddFusion",
            "sizes are open",
            "a size of 'x' is open",
            "fix the sizes of the model's inputs",
            opened,
            _swap(opened, ("[N,", "[1,")),
        ),
        Case(
            "an opset that is too low",
            "GatherSliceToSplitFusion",
            "Slices that tile a tensor below opset 13",
            "opset 12 has no Split whose sizes are an input",
            "convert the model to opset 13",
            tiles,
            _swap(tiles, opset=13),
        ),
    ]


def _norms() -> list[Case]:
    gelu = Made(
        "(float[2,4,64] x) => (float[2,4,64] y) { d = Div (x, r) e = Erf (d) a = Add (e, one) "
        "m = Mul (x, a) y = Mul (m, half) }",
        {"r": f(2**0.5), "one": f(1.0), "half": f(0.5)},
    )
    first = ("m = Mul (x, a) y = Mul (m, half)", "m = Mul (a, half) y = Mul (x, m)")
    bias = Made(
        "(float[N,4,64] x) => (float[N,4,64] y) { b = Add (x, k) d = Div (b, r) e = Erf (d) "
        "a = Add (e, one) m = Mul (b, a) y = Mul (m, half) }",
        {**gelu.constants, "k": (1, 1, 64)},
    )
    norm = Made(
        "(float[2,4,64] x) => (float[2,4,64] y) { u = ReduceMean <axes=[-1]> (x) c = Sub (x, u) "
        "p = Pow (c, two) v = ReduceMean <axes=[-1]> (p) a = Add (v, eps) q = Sqrt (a) "
        "d = Div (c, q) m = Mul (d, s) y = Add (m, b) }",
        {"two": f(2.0), "eps": f(1e-5), "s": (64,), "b": (64,)},
    )
    inside = _swap(
        norm,
        ("p = Pow (c, two)", "k = Cast <to=11> (c) p = Pow (k, two)"),
        ("a = Add (v, eps)", "n = Cast <to=1> (v) a = Add (n, eps)"),
        two=np.float64(2).reshape(()),
    )
    rms = Made(
        "(float[2,4,64] x) => (float[2,4,64] y) { p = Pow (x, two) v = ReduceMean <axes=[-1]> (p) "
        "a = Add (v, eps) q = Sqrt (a) d = Div (x, q) y = Mul (d, s) }",
        {"two": f(2.0), "eps": f(1e-5), "s": (64,)},
    )
    skip = Made(
        "(float[2,4,64] x, float[2,4,64] z) => (float[2,4,64] y, float[2,4,64] w) "
        "{ a = Add (x, z) y = LayerNormalization (a, s, b) w = Sqrt (a) }",
        {"s": (64,), "b": (64,)},
    )
    quick = Made(
        "(float[8,64] x) => (float[8,64] y, float[8,64] z) "
        "{ s = Sigmoid (x) y = Mul (x, s) z = Sqrt (s) }",
        {},
    )
    return [
        Case(
            "a Sigmoid used twice",
            "QuickGeluFusion",
            "the Sigmoid is read elsewhere too",
            "'s' is read by 'z' too",
            "give 'y' a Sigmoid of its own",
            quick,
            Made(
                "(float[8,64] x) => (float[8,64] y, float[8,64] z) "
                "{ y = com.microsoft.QuickGelu <alpha = 1.0> (x) t = Sigmoid (x) z = Sqrt (t) }",
                {},
            ),
        ),
        Case(
            "a product with the root of a half",
            "GeluFusionL2",
            "a Gelu that is written out multiplies by the root of a half",
            "'d' multiplies by 'r'",
            "write 'd' as a Div by 1.4142136",
            _swap(gelu, ("Div (x, r)", "Mul (x, r)"), r=f(0.5**0.5)),
            gelu,
        ),
        Case(
            "the half first",
            "GeluFusionL2",
            "a Gelu that is written out multiplies the sum by a half first",
            "'m' multiplies the sum by a half",
            "multiply 'x' by the sum first",
            _swap(gelu, first),
            gelu,
        ),
        Case(
            "a constant that is slightly off",
            "GeluFusionL2",
            "a constant of a Gelu that is written out is not exact",
            "'r' is 1.414, and not the root of 2, 1.414214",
            "write 'r' as 1.41421356",
            _swap(gelu, r=f(1.414)),
            gelu,
        ),
        Case(
            "a bias of a Gelu that is a row",
            "BiasGeluFusion",
            "the bias of a Gelu is no vector",
            "'k' is of shape [1, 1, 64]",
            "write 'k' as [64]",
            bias,
            _swap(bias, k=(64,)),
        ),
        Case(
            "a square by a Mul",
            "LayerNormFusionL2",
            "a norm that is written out squares by a Mul",
            "'p' squares by a Mul",
            "write 'p' as a Pow by 2",
            _swap(norm, ("Pow (c, two)", "Mul (c, c)"), two=None),
            norm,
        ),
        Case(
            "a Cast inside",
            "LayerNormFusionL2",
            "a Cast stands inside a norm that is written out",
            "'k' and 'n' change the type inside the norm",
            "take 'k' and 'n' out",
            inside,
            norm,
        ),
        Case(
            "a scale of several dims",
            "LayerNormFusionL2",
            "the scale of a norm that is written out is no vector",
            "'s' is of shape [1, 1, 64]",
            "write 's' as [64]",
            _swap(norm, s=(1, 1, 64)),
            norm,
        ),
        Case(
            "no bias",
            "LayerNormFusionL2",
            "a norm that is written out has no bias",
            "there is no bias behind 'y'",
            "vector of zeros",
            _swap(norm, ("m = Mul (d, s) y = Add (m, b)", "y = Mul (d, s)"), b=None),
            norm,
        ),
        Case(
            "a product with the reciprocal",
            "SimplifiedLayerNormFusion",
            "a norm that is written out multiplies by a reciprocal",
            "'d' multiplies by the reciprocal that 'i' makes",
            "divide 'x' by 'q' instead",
            _swap(rms, ("d = Div (x, q)", "i = Reciprocal (q) d = Mul (x, i)")),
            rms,
        ),
        Case(
            "a sum that is read elsewhere",
            "SkipLayerNormFusion",
            "the sum is read elsewhere too",
            "the sum 'a' is read by 'w' too",
            "write 'a' and 'y' as one com.microsoft::SkipLayerNormalization",
            skip,
            _swap(
                skip,
                (
                    "a = Add (x, z) y = LayerNormalization (a, s, b)",
                    "y, , , a = com.microsoft.SkipLayerNormalization (x, z, s, b)",
                ),
            ),
        ),
    ]


def _blocked() -> list[Case]:
    odd = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ c = Conv <pads=[1,1,1,1]> (x, w) r = Relu (c) y = Conv <pads=[1,1,1,1]> (r, v) }",
        {"w": (22, 32, 3, 3), "v": (32, 22, 3, 3)},
    )
    pool = Made(
        "(float[1,32,16,16] x) => (float[1,32,8,8] y) { c = Conv (x, w) r = Relu (c) "
        "p = MaxPool <kernel_shape=[2,2], strides=[2,2]> (r) y = Conv (p, v) }",
        {"w": (24, 32, 1, 1), "v": (32, 24, 1, 1)},
    )
    group = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ y = Conv <pads=[1,1,1,1], group=4> (x, w) }",
        {"w": (32, 8, 3, 3)},
    )
    scale = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ c = Conv (x, w) r = Relu (c) m = Mul (r, k) y = Conv (m, v) }",
        {"w": (32, 32, 1, 1), "v": (32, 32, 1, 1), "k": (1,)},
    )
    mean = Made(
        "(float[1,32,16,16] x) => (float[1,32,1,1] y) "
        "{ c = Conv (x, w) y = ReduceMean <axes=[2,3]> (c) }",
        {"w": (32, 32, 1, 1)},
    )
    concat = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ c = Conv (x, w) d = Conv (x, v) j = Concat <axis=-3> (c, d) y = Conv (j, u) }",
        {"w": (32, 32, 1, 1), "v": (32, 32, 1, 1), "u": (32, 64, 1, 1)},
    )
    up = Made(
        "(float[1,32,16,16] x) => (float[1,32,32,32] y) "
        '{ c = Conv (x, w) r = Resize <mode="nearest"> (c, , k) y = Conv (r, v) }',
        {"w": (32, 32, 1, 1), "v": (32, 32, 1, 1), "k": np.array([1, 1, 2, 2], np.float32)},
    )
    asymmetric = (
        '<mode="nearest">',
        '<mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor">',
    )
    return [
        Case(
            "22 channels",
            "NchwcTransformer",
            "the input channels are no multiple of 4",
            "the 22 input channels of 'y' are no multiple of 4",
            "pad 'r' to 24 channels",
            odd,
            _swap(odd, w=(24, 32, 3, 3), v=(32, 24, 3, 3)),
        ),
        Case(
            "a pool of 24 channels",
            "NchwcTransformer",
            "the channels of a MaxPool are no multiple of 16",
            "the 24 channels of 'r', which 'p' reads",
            "pad 'r' to 32 channels",
            pool,
            _swap(pool, w=(32, 32, 1, 1), v=(32, 32, 1, 1)),
        ),
        Case(
            "groups of 8 channels",
            "NchwcTransformer",
            "channels a group are no multiple of 16, nor 1",
            "'y' has 4 groups of 8 input and 8 output channels",
            "write 'y' without groups",
            group,
            _swap(group, (", group=4", ""), w=W),
        ),
        Case(
            "a scale of one number",
            "NchwcTransformer",
            "a Mul of a constant ends the blocked layout",
            "'m' is a Mul of the constant 'k'",
            "as a Mul of a constant of [1, 32, 1, 1]",
            scale,
            _swap(scale, k=(1, 32, 1, 1)),
        ),
        Case(
            "a constant that is added",
            "NchwcTransformer",
            "an Add of a constant ends the blocked layout",
            "'m' is an Add of the constant 'k'",
            "as a BatchNormalization whose scale is 1",
            _swap(scale, ("Mul", "Add"), k=(32, 1, 1)),
            _swap(
                scale,
                ("Mul (r, k)", "BatchNormalization (r, k, b, e, d)"),
                k=f(1.0, 32),
                b=(32,),
                e=f(0.0, 32),
                d=f(1.0, 32),
            ),
        ),
        Case(
            "a mean of height and width",
            "NchwcTransformer",
            "a ReduceMean stands where a GlobalAveragePool would be taken",
            "'y' takes the mean of height and width",
            "write 'y' as a GlobalAveragePool",
            mean,
            _swap(mean, ("ReduceMean <axes=[2,3]>", "GlobalAveragePool")),
        ),
        Case(
            "an axis that counts from behind",
            "NchwcTransformer",
            "the axis of a Concat on the channels is not written as 1",
            "the axis of 'j' is written as -3",
            "write the axis of 'j' as 1",
            concat,
            _swap(concat, ("axis=-3", "axis=1")),
        ),
        Case(
            "a Resize with half pixels",
            "NchwcTransformer",
            "a Resize by nearest with half_pixel",
            "'r' resizes by nearest with half_pixel",
            "coordinate_transformation_mode=asymmetric, nearest_mode=floor",
            up,
            _swap(up, asymmetric),
        ),
    ]


QDQ = {"qs": f(0.05), "z": u(0), "z8": u(128)}


def _integers() -> list[Case]:
    weights = {**QDQ, "ws": f(0.01), "wz": s(0), "wi": s(1, 32, 32, 1, 1)}
    ends = (
        "(uint8[1,32,16,16] x) => (uint8[1,32,16,16] y) "
        "{ a = DequantizeLinear (x, qs, z) w = DequantizeLinear (wi, ws, wz) c = Conv (a, w) "
    )
    relu = Made(ends + "r = Relu (c) y = QuantizeLinear (r, qs, z8) }", weights)
    clip = Made(
        ends + "r = Clip (c, low, high) y = QuantizeLinear (r, qy, z) }",
        {**weights, "low": f(0.0), "high": f(6.0), "qy": f(0.06)},
    )
    bias = Made(
        "(uint8[1,32,16,16] x) => (uint8[1,32,16,16] y) "
        "{ a = DequantizeLinear (x, qs, z) w = DequantizeLinear (wi, ws, wz) "
        "b = DequantizeLinear (bi, bs, bz) c = Conv (a, w, b) y = QuantizeLinear (c, qs, z) }",
        {**weights, "bi": np.ones(32, np.int32), "bs": f(0.1), "bz": np.int32(0).reshape(())},
    )
    floats = Made(
        "(uint8[8,64] x, uint8[8,64] v) => (float[8,64] y) { a = DequantizeLinear (x, qs, z) "
        "b = DequantizeLinear (v, qs, z) c = Add (a, b) q = QuantizeLinear (c, qs, z) "
        "d = DequantizeLinear (q, qs, z) t = Softmax (d) m = Mul (t, c) y = Sqrt (m) }",
        QDQ,
    )
    one = Made(
        "(uint8[8,64] x, float[8,64] v) => (uint8[8,64] y) { a = DequantizeLinear (x, qs, z) "
        "c = Add (a, v) y = QuantizeLinear (c, qs, z) }",
        QDQ,
    )
    moved = Made(
        "(uint8[8,64] x) => (uint8[64,8] y) { a = DequantizeLinear (x, qs, z) "
        "t = Transpose <perm=[1,0]> (a) y = QuantizeLinear (t, qt, z) }",
        {**QDQ, "qt": f(0.06)},
    )
    signed = Made(
        "(float[8,64] x) => (float[8,64] y) { q = QuantizeLinear (x, qs, zs) "
        "a = DequantizeLinear (q, qs, zs) b = DequantizeLinear (q, qs, zs) "
        "g = Sigmoid (a) gq = QuantizeLinear (g, qs, zs) gd = DequantizeLinear (gq, qs, zs) "
        "m = Mul (b, gd) mq = QuantizeLinear (m, qs, zs) y = DequantizeLinear (mq, qs, zs) }",
        {"qs": f(0.05), "zs": s(0)},
    )
    turned = Made(
        "(float[8,64] x) => (float[8,32] y) { w = DequantizeLinear <axis=0> (wi, ws, wz) "
        "y = Gemm <transB=1> (x, w) }",
        {"wi": s(1, 32, 64), "ws": f(0.01, 32), "wz": s(0, 32)},
    )
    weight = Made(
        "(float[1,32,16,16] x) => (float[1,32,16,16] y) "
        "{ w = DequantizeLinear (wi, ws, wz) y = Conv (x, w) }",
        weights,
    )
    halves = Made(
        "(float16[8,64] x) => (float16[8,64] y) { a = Mul (x, k) b = Sqrt (a) y = Add (b, k) }",
        {"k": np.full((64,), 0.5, np.float16)},
    )
    floating = Made(
        ends.replace("uint8[1,32,16,16] y", "float[1,32,16,16] y") + "y = Softmax (c) }", weights
    )
    mixed = Made(
        "(uint8[8,64] x, int8[8,64] v) => (uint8[8,64] y) { a = DequantizeLinear (x, qs, z) "
        "b = DequantizeLinear (v, qs, wz) c = Add (a, b) y = QuantizeLinear (c, qs, z) }",
        {**QDQ, "wz": s(0)},
    )
    points = Made(
        "(uint8[8,64] x) => (uint8[8,32] y) { a = DequantizeLinear (x, qs) "
        "w = DequantizeLinear (wi, ws, wz) c = Gemm (a, w) y = QuantizeLinear (c, qs, z) }",
        {**QDQ, "ws": f(0.01), "wz": s(0), "wi": s(1, 64, 32)},
    )
    blocks = Made(
        "(float[8,64] x) => (float[8,32] y) { w = DequantizeLinear <axis=0, block_size=8> "
        "(wi, ws, wz) y = MatMul (x, w) }",
        {"wi": s(1, 64, 32), "ws": f(0.01, 8, 32), "wz": s(0, 8, 32)},
        21,
    )
    row = Made(
        "(float[N,8,64] x) => (float[N,8,32] y) { w = DequantizeLinear (wi, ws, wz) "
        "m = MatMul (x, w) y = Add (m, b) }",
        {"wi": s(1, 64, 32), "ws": f(0.01, 32), "wz": s(0, 32), "b": f(0.5, 1, 32)},
    )
    return [
        Case(
            "nothing that quantises the output",
            "QDQSelectorActionTransformer",
            "nothing quantises what a Conv makes of quantised tensors",
            "nothing quantises what 'c' makes",
            "put a QuantizeLinear and a DequantizeLinear behind 'c'",
            floating,
            _swap(
                floating,
                (
                    "y = Softmax (c)",
                    "q = QuantizeLinear (c, qs, z) d = DequantizeLinear (q, qs, z) y = Softmax (d)",
                ),
            ),
        ),
        Case(
            "integers of two types",
            "QDQSelectorActionTransformer",
            "an Add reads and makes integers of several types",
            "what 'c' reads and makes is of int8 and uint8",
            "quantise all that 'c' reads and makes as uint8",
            mixed,
            _swap(mixed, ("int8[8,64] v", "uint8[8,64] v"), wz=u(128)),
        ),
        Case(
            "a zero point that is left out",
            "QDQSelectorActionTransformer",
            "a zero point in front of a Gemm is left out",
            "a zero point in front of 'c' is left out",
            "write out the zero points in front of 'c'",
            points,
            _swap(points, ("(x, qs)", "(x, qs, z)")),
        ),
        Case(
            "blocks of 8",
            "QDQSelectorActionTransformer",
            "weights are quantised by blocks or rows that have no kernel",
            "the weights 'wi' of 'y' are quantised by blocks of 8 on axis 0",
            "quantise 'wi' by blocks of 32 on axis 0",
            blocks,
            _swap(blocks, ("block_size=8", "block_size=32"), ws=f(0.01, 2, 32), wz=s(0, 2, 32)),
        ),
        Case(
            "a bias of quantised weights that is a row",
            "MatMulNBitsFusion",
            "the bias of quantised weights is no vector",
            "'b' is of shape [1, 32]",
            "write 'b' as [32]",
            row,
            _swap(row, b=f(0.5, 32)),
            ("MatMulAddFusion",),
        ),
        Case(
            "a zero point of 128 behind a Relu",
            "ReluQuantRewrite",
            "the zero point is not the least of its type",
            "the zero point of 'y' is not the least",
            "quantise 'y' from 0 on",
            relu,
            _swap(relu, z8=u(0)),
        ),
        Case(
            "a range beyond the Clip",
            "ClipQuantRewrite",
            "what the quantisation holds goes beyond the Clip",
            "'y' holds 0 to 15.3, which goes beyond 0 to 6 of 'r'",
            "choose scale and zero point of 'y'",
            clip,
            _swap(clip, qy=f(6 / 255)),
        ),
        Case(
            "a bias of another scale",
            "QDQSelectorActionTransformer",
            "the bias does not have the scale of input times weights",
            "the bias 'bi' of 'c'",
            "quantise 'bi' so, as int32",
            bias,
            _swap(bias, bs=f(0.0005)),
        ),
        Case(
            "floats beside a QuantizeLinear",
            "QDQSelectorActionTransformer",
            "an Add between quantised tensors is read as floats too",
            "read as floats by 'm' too",
            "let what 'q' makes be dequantised for all that read 'c'",
            floats,
            _swap(floats, ("Mul (t, c)", "Mul (t, d)")),
        ),
        Case(
            "one input that is not quantised",
            "QDQSelectorActionTransformer",
            "one input of an Add between quantised tensors is not quantised",
            "'v', which 'c' reads beside quantised tensors",
            "put a QuantizeLinear and a DequantizeLinear in front of 'v'",
            one,
            _swap(
                one,
                (
                    "c = Add (a, v)",
                    "q = QuantizeLinear (v, qs, z) d = DequantizeLinear (q, qs, z) c = Add (a, d)",
                ),
            ),
        ),
        Case(
            "another scale behind a Transpose",
            "QDQSelectorActionTransformer",
            "a Transpose stands between different scales or zero points",
            "behind 't' are not those in front",
            "quantise behind 't' with the scale and zero point in front of it",
            moved,
            _swap(moved, ("(t, qt, z)", "(t, qs, z)"), qt=None),
        ),
        Case(
            "int8 that two nodes read",
            "QDQS8ToU8Transformer",
            "int8 that several nodes read stays signed",
            "what 'q' makes, of int8, is read by 2 DequantizeLinears",
            "quantise activations as uint8",
            signed,
            _swap(signed, zs=u(128)),
        ),
        Case(
            "quantised weights that lie the other way",
            "QDQSelectorActionTransformer",
            "quantised weights are read with transB",
            "'y' has transB",
            "store 'wi' as [64, 32], and take transB out",
            turned,
            _swap(turned, ("<axis=0>", "<axis=1>"), ("<transB=1> ", ""), wi=s(1, 64, 32)),
        ),
        Case(
            "weights that are dequantised in each run",
            "NchwcTransformer",
            "weights are dequantised in each run",
            "'w', which 'y' reads, is dequantised in each run",
            "store 'w' as floats",
            weight,
            Made(
                "(float[1,32,16,16] x) => (float[1,32,16,16] y) { y = Conv (x, w) }",
                {"w": (32, 32, 1, 1)},
            ),
        ),
        Case(
            "a constant of 16 bits that two nodes read",
            "FuseFp16InitializerToFp32NodeTransformer",
            "a constant of 16 bits that several nodes read is cast in each run",
            "'k' of 16 bits is read by 'a' and 'y'",
            "store 'k' once for each node that reads it",
            halves,
            _swap(halves, ("(b, k)", "(b, l)"), l=np.full((64,), 0.25, np.float16)),
        ),
    ]
