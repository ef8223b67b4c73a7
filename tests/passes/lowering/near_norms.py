"""Gelu, norms, sums."""

from __future__ import annotations

import numpy as np

from .near_made import Case, Made, f, swap


def norms() -> list[Case]:
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
    inside = swap(
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
            swap(gelu, ("Div (x, r)", "Mul (x, r)"), r=f(0.5**0.5)),
            gelu,
        ),
        Case(
            "the half first",
            "GeluFusionL2",
            "a Gelu that is written out multiplies the sum by a half first",
            "'m' multiplies the sum by a half",
            "multiply 'x' by the sum first",
            swap(gelu, first),
            gelu,
        ),
        Case(
            "a constant that is slightly off",
            "GeluFusionL2",
            "a constant of a Gelu that is written out is not exact",
            "'r' is 1.414, and not the root of 2, 1.414214",
            "write 'r' as 1.41421356",
            swap(gelu, r=f(1.414)),
            gelu,
        ),
        Case(
            "a bias of a Gelu that is a row",
            "BiasGeluFusion",
            "the bias of a Gelu is no vector",
            "'k' is of shape [1, 1, 64]",
            "write 'k' as [64]",
            bias,
            swap(bias, k=(64,)),
        ),
        Case(
            "a square by a Mul",
            "LayerNormFusionL2",
            "a norm that is written out squares by a Mul",
            "'p' squares by a Mul",
            "write 'p' as a Pow by 2",
            swap(norm, ("Pow (c, two)", "Mul (c, c)"), two=None),
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
            swap(norm, s=(1, 1, 64)),
            norm,
        ),
        Case(
            "no bias",
            "LayerNormFusionL2",
            "a norm that is written out has no bias",
            "there is no bias behind 'y'",
            "vector of zeros",
            swap(norm, ("m = Mul (d, s) y = Add (m, b)", "y = Mul (d, s)"), b=None),
            norm,
        ),
        Case(
            "a product with the reciprocal",
            "SimplifiedLayerNormFusion",
            "a norm that is written out multiplies by a reciprocal",
            "'d' multiplies by the reciprocal that 'i' makes",
            "divide 'x' by 'q' instead",
            swap(rms, ("d = Div (x, q)", "i = Reciprocal (q) d = Mul (x, i)")),
            rms,
        ),
        Case(
            "a sum that is read elsewhere",
            "SkipLayerNormFusion",
            "the sum is read elsewhere too",
            "the sum 'a' is read by 'w' too",
            "write 'a' and 'y' as one com.microsoft::SkipLayerNormalization",
            skip,
            swap(
                skip,
                (
                    "a = Add (x, z) y = LayerNormalization (a, s, b)",
                    "y, , , a = com.microsoft.SkipLayerNormalization (x, z, s, b)",
                ),
            ),
        ),
    ]
