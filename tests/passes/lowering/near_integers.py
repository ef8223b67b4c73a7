"""Quantised nodes, and those of 16 bits."""

from __future__ import annotations

import numpy as np

from .near_made import Case, Made, f, s, swap, u

QDQ = {"qs": f(0.05), "z": u(0), "z8": u(128)}


def integers() -> list[Case]:
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
            swap(
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
            swap(mixed, ("int8[8,64] v", "uint8[8,64] v"), wz=u(128)),
        ),
        Case(
            "a zero point that is left out",
            "QDQSelectorActionTransformer",
            "a zero point in front of a Gemm is left out",
            "a zero point in front of 'c' is left out",
            "write out the zero points in front of 'c'",
            points,
            swap(points, ("(x, qs)", "(x, qs, z)")),
        ),
        Case(
            "blocks of 8",
            "QDQSelectorActionTransformer",
            "weights are quantised by blocks or rows that have no kernel",
            "the weights 'wi' of 'y' are quantised by blocks of 8 on axis 0",
            "quantise 'wi' by blocks of 32 on axis 0",
            blocks,
            swap(blocks, ("block_size=8", "block_size=32"), ws=f(0.01, 2, 32), wz=s(0, 2, 32)),
        ),
        Case(
            "a bias of quantised weights that is a row",
            "MatMulNBitsFusion",
            "the bias of quantised weights is no vector",
            "'b' is of shape [1, 32]",
            "write 'b' as [32]",
            row,
            swap(row, b=f(0.5, 32)),
            ("MatMulAddFusion",),
        ),
        Case(
            "a zero point of 128 behind a Relu",
            "ReluQuantRewrite",
            "the zero point is not the least of its type",
            "the zero point of 'y' is not the least",
            "quantise 'y' from 0 on",
            relu,
            swap(relu, z8=u(0)),
        ),
        Case(
            "a range beyond the Clip",
            "ClipQuantRewrite",
            "what the quantisation holds goes beyond the Clip",
            "'y' holds 0 to 15.3, which goes beyond 0 to 6 of 'r'",
            "choose scale and zero point of 'y'",
            clip,
            swap(clip, qy=f(6 / 255)),
        ),
        Case(
            "a bias of another scale",
            "QDQSelectorActionTransformer",
            "the bias does not have the scale of input times weights",
            "the bias 'bi' of 'c'",
            "quantise 'bi' so, as int32",
            bias,
            swap(bias, bs=f(0.0005)),
        ),
        Case(
            "floats beside a QuantizeLinear",
            "QDQSelectorActionTransformer",
            "an Add between quantised tensors is read as floats too",
            "read as floats by 'm' too",
            "let what 'q' makes be dequantised for all that read 'c'",
            floats,
            swap(floats, ("Mul (t, c)", "Mul (t, d)")),
        ),
        Case(
            "one input that is not quantised",
            "QDQSelectorActionTransformer",
            "one input of an Add between quantised tensors is not quantised",
            "'v', which 'c' reads beside quantised tensors",
            "put a QuantizeLinear and a DequantizeLinear in front of 'v'",
            one,
            swap(
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
            swap(moved, ("(t, qt, z)", "(t, qs, z)"), qt=None),
        ),
        Case(
            "int8 that two nodes read",
            "QDQS8ToU8Transformer",
            "int8 that several nodes read stays signed",
            "what 'q' makes, of int8, is read by 2 DequantizeLinears",
            "quantise activations as uint8",
            signed,
            swap(signed, zs=u(128)),
        ),
        Case(
            "quantised weights that lie the other way",
            "QDQSelectorActionTransformer",
            "quantised weights are read with transB",
            "'y' has transB",
            "store 'wi' as [64, 32], and take transB out",
            turned,
            swap(turned, ("<axis=0>", "<axis=1>"), ("<transB=1> ", ""), wi=s(1, 64, 32)),
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
            swap(halves, ("(b, k)", "(b, l)"), l=np.full((64,), 0.25, np.float16)),
        ),
    ]
