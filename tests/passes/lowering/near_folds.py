"""Into a convolution's weights, and what is left out."""

from __future__ import annotations

import numpy as np

from .near_made import CONV, Case, Made, W, X, f, swap


def folds() -> list[Case]:
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
            swap(given, (", float[32,32,3,3] w)", ")")),
        ),
        Case(
            "a constant that is the first operand",
            "ConvAddFusion",
            "the constant is the first operand",
            "'k' is the first operand of 'y'",
            "make 'k' the second operand of 'y'",
            add,
            swap(add, ("(k, c)", "(c, k)")),
        ),
        Case(
            "a scalar bias",
            "ConvAddFusion",
            "the constant has one element, and not the shape that the runtime takes",
            "'k' of 'y' is of shape [1]",
            "write 'k' as [1, 32, 1, 1]",
            swap(add, ("(k, c)", "(c, k)"), k=(1,)),
            swap(add, ("(k, c)", "(c, k)"), k=(1, 32, 1, 1)),
        ),
        Case(
            "a Sub",
            "ConvAddFusion",
            "a Sub of a constant stands where an Add would be taken",
            "'y' is a Sub",
            "write 'y' as an Add of the negative of 'k'",
            swap(add, ("Add (k, c)", "Sub (c, k)")),
            swap(add, ("Add (k, c)", "Add (c, k)")),
        ),
        Case(
            "a scale of one dim",
            "ConvMulFusion",
            "the constant has one element, and not the shape that the runtime takes",
            "of shape [1]",
            "write 'k' without dims",
            mul,
            swap(mul, k=()),
        ),
        Case(
            "a Div",
            "ConvMulFusion",
            "a Div of a constant stands where a Mul would be taken",
            "'y' is a Div",
            "write 'y' as a Mul of the reciprocal of 'k'",
            swap(mul, ("Mul", "Div"), k=(32, 1, 1)),
            swap(mul, k=(32, 1, 1)),
        ),
        Case(
            "an output of the graph between",
            "ConvBNFusion",
            "what the Conv makes is an output of the graph",
            "'c', is an output of the graph",
            "take 'c' off the graph's outputs",
            norm,
            swap(norm, (", float[1,32,16,16] c)", ")")),
        ),
        Case(
            "a Conv used twice",
            "ConvBNFusion",
            "the Conv is read elsewhere too",
            "'c' is read by 'z' too",
            "give 'n' a Conv of its own",
            twice,
            swap(twice, ("z = Sqrt (c)", "d = Conv (x, u) z = Sqrt (d)"), u=(4, 4, 1)),
        ),
        Case(
            "a Pad used twice",
            "Pad_Fusion",
            "the Pad is read elsewhere too",
            "'p' is read by 'z' too",
            "give 'y' a Pad of its own",
            pad,
            swap(pad, ("z = Conv (p, v)", "q = Pad (x, k) z = Conv (q, v)")),
        ),
        Case(
            "a Slice of all",
            "EliminateSlice",
            "a Slice of all has sizes as its ends",
            "'s' takes all of 'a'",
            "take 's' out",
            whole,
            swap(whole, ("s = Slice (a, b, e) y = Neg (s)", "y = Neg (a)"), b=None, e=None),
        ),
        Case(
            "an Add of 0 to an input",
            "NoopElimination",
            "a node that changes nothing reads inputs of the graph alone",
            "'a' changes nothing",
            "take 'a' out",
            noop,
            swap(noop, ("a = Add (x, k) y = Neg (a)", "y = Neg (x)"), k=None),
        ),
    ]
