"""Activations behind convolutions and products."""

from __future__ import annotations

import numpy as np

from .near_made import CONV, Case, Made, W, X, f, swap


def activations() -> list[Case]:
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
            swap(clip, (", float low)", ")"), low=f(0.0)),
            ("NchwcTransformer",),
        ),
        Case(
            "a PRelu of one slope",
            "ConvActivationFusion",
            "a PRelu of one slope stands where a LeakyRelu would be taken",
            "'y' is a PRelu",
            "write 'y' as a LeakyRelu",
            prelu,
            swap(prelu, ("PRelu (c, k)", "LeakyRelu <alpha = 0.25> (c)"), k=None),
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
            swap(bias, ("(x, w)", "(x, w, b)"), b=(32,)),
            ("NchwcTransformer",),
        ),
        Case(
            "a lower bound that is not constant",
            "FuseReluClip",
            "the lower bound of the Clip is not constant",
            "'low' of 'y'",
            "make the lower bound of 'y' a constant",
            lows,
            swap(lows, (", float low)", ")"), low=f(-1.0)),
        ),
        Case(
            "a Gemm that is an output",
            "GemmActivationFusion",
            "what the Gemm makes is an output of the graph",
            "'g', is an output",
            "take 'g' off the graph's outputs",
            gemm,
            swap(gemm, (", float[8,64] g)", ")")),
        ),
        Case(
            "a MatMul without a bias",
            "GemmActivationFusion",
            "a MatMul stands in front of an activation where a Gemm would be taken",
            "'g' is a MatMul",
            "write 'g' as a Gemm",
            product,
            swap(product, ("MatMul", "Gemm")),
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
