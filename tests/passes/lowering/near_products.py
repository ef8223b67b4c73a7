"""Products, biases, Slices."""

from __future__ import annotations

import numpy as np

from .near_made import Case, Made, swap


def products() -> list[Case]:
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
            swap(row, b=(64,)),
        ),
        Case(
            "a bias of one number",
            "MatMulAddFusion",
            "the bias is no vector of as many numbers as the MatMul has columns",
            "'b' is of shape [1], and not [64]",
            "write 'b' as [64]",
            scalar,
            swap(scalar, b=(64,)),
        ),
        Case(
            "a size that is open",
            "MatMulAddFusion",
            "sizes are open",
            "a size of 'x' is open",
            "fix the sizes of the model's inputs",
            opened,
            swap(opened, ("[N,", "[1,")),
        ),
        Case(
            "an opset that is too low",
            "GatherSliceToSplitFusion",
            "Slices that tile a tensor below opset 13",
            "opset 12 has no Split whose sizes are an input",
            "convert the model to opset 13",
            tiles,
            swap(tiles, opset=13),
        ),
    ]
