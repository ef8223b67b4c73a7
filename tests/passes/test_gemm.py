"""Gemm out of matrix products, their biases and transposed operands."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.gemm import MergeGemm

from .conftest import model


def random(*shape: int, kind: str = "f4") -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(kind)


@pytest.mark.parametrize("kind", ["float", "float16", "double"])
@pytest.mark.parametrize("bias", [(), (1,), (4,), (1, 4), (1, 1)])
@pytest.mark.parametrize("product", ["MatMul", "Gemm <alpha = 0.5, beta = 3.0>"])
def test_a_bias(run, product: str, bias: tuple[int, ...], kind: str) -> None:
    numpy = {"float": "f4", "float16": "f2", "double": "f8"}[kind]
    text = f"""g ({kind}[N, 3] x) => ({kind}[N, 4] y) {{ p = {product} (x, w)  y = Add (b, p) }}"""
    graph = model(text, w=random(3, 4, kind=numpy), b=random(*bias, kind=numpy))
    (made,) = run(MergeGemm(), graph).graph
    assert made.inputs == ("x", "w", "b")
    assert made.float("beta", 1) == 1


def test_a_bias_that_is_computed_later(run) -> None:
    text = """g (float[2, 3] x, float[2, 4] z) => (float[2, 4] y) {
        p = MatMul (x, w)  b = Exp (z)  y = Add (p, b)
    }"""
    assert run(MergeGemm(), model(text, w=random(3, 4))).ops == ["Exp", "Gemm"]


@pytest.mark.parametrize("sum_", ["Add (p, r)", "Sum (r, p)"])
@pytest.mark.parametrize("product", ["MatMul (x, w)", "Gemm (x, w)"])
def test_a_residual_with_an_open_batch(run, product: str, sum_: str) -> None:
    """Both have as many rows as x, however many that are."""
    text = f"""g (float[N, 4] x) => (float[N, 4] y) {{
        p = {product}  r = Relu (x)  y = {sum_}
    }}"""
    assert run(MergeGemm(), model(text, w=random(4, 4))).ops == ["Relu", "Gemm"]


def test_names_of_dims_prove_nothing(run) -> None:
    """No runtime insists on them: one row of p and five of c are five rows of y."""
    text = (
        "g (float[M, 3] x, float[M, 4] c) => (float[M, 4] y) { p = MatMul (x, w)  y = Sum (p, c) }"
    )
    ran = run(MergeGemm(), model(text, w=random(3, 4)))
    assert ran.reasons == ["'c' is not proven to broadcast to the product's shape"]


def test_columns_of_transposed_weights(run) -> None:
    text = """g (float[5, 3] x) => (float[5, 4] y) {
        p = Gemm <transB = 1> (x, w)  y = Add (p, b)
    }"""
    assert run(MergeGemm(), model(text, w=random(4, 3), b=random(4))).ops == ["Gemm"]


@pytest.mark.parametrize(
    ("inputs", "bias"),
    [
        ("float[1, 3] x", (5, 4)),  # the Add makes five rows of one
        ("float[N, 3] x", (5, 4)),  # and might here
        ("float[2, 3] x", (1, 1, 4)),  # another axis
    ],
)
def test_a_bias_that_makes_the_product_larger(run, inputs: str, bias: tuple[int, ...]) -> None:
    text = f"g ({inputs}) => (float[] y) {{ p = MatMul (x, w)  y = Add (p, b) }}"
    text = text.replace("float[] y", "float[A, B, C] y" if len(bias) > 2 else "float[A, B] y")
    (reason,) = run(MergeGemm(), model(text, w=random(3, 4), b=random(*bias))).reasons
    assert "'b' is not" in reason


@pytest.mark.parametrize(
    "text",
    [
        "g (float[2, 5, 3] x) => (float[2, 5, 4] y) { p = MatMul (x, w)  y = Add (p, b) }",
        "g (float[3] x) => (float[4] y) { p = MatMul (x, w)  y = Add (p, b) }",
        "g (float[2, 3] x) => (float[2, 4] y) { p = MatMul (x, w)  y = Add (p, p) }",
    ],
)
def test_what_no_gemm_can_do_is_passed_over(run, text: str) -> None:
    ran = run(MergeGemm(), model(text, w=random(3, 4), b=random(4)))
    assert not ran.outcome.rewrites
    assert not ran.reasons


def test_integers_are_passed_over(run) -> None:
    text = "g (int32[2, 3] x) => (int32[2, 4] y) { p = MatMul (x, w)  y = Add (p, b) }"
    ones = {"w": np.ones((3, 4), np.int32), "b": np.ones(4, np.int32)}
    assert not run(MergeGemm(), model(text, **ones)).outcome.rewrites


def test_a_product_that_others_read(run) -> None:
    text = """g (float[2, 3] x) => (float[2, 4] y, float[2, 4] z) {
        p = MatMul (x, w)  y = Add (p, b)  z = Relu (p)
    }"""
    assert run(MergeGemm(), model(text, w=random(3, 4), b=random(4))).reasons == [
        "'p' is also read by 'z'"
    ]


@pytest.mark.parametrize("perm", ["", "<perm = [1, 0]>"])
@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("t = Transpose # (x)  y = MatMul (t, w)", (1, 0)),
        ("t = Transpose # (v)  y = MatMul (z, t)", (0, 1)),
        ("t = Transpose # (x)  u = Transpose # (v)  y = Gemm (t, u, b)", (1, 1)),
        ("t = Transpose # (z)  y = Gemm <transA = 1> (t, w)", (0, 0)),
        ("t = Transpose # (x)  p = MatMul (t, w)  y = Add (p, b)", (1, 0)),
    ],
)
def test_transposed_operands(run, text: str, flags: tuple[int, int], perm: str) -> None:
    text = f"g (float[3, 5] x, float[5, 3] z) => (float[5, 4] y) {{ {text.replace('#', perm)} }}"
    graph = model(text, w=random(3, 4), v=random(4, 3), b=random(4))
    (made,) = run(MergeGemm(), graph).graph
    assert (made.int("transA", 0), made.int("transB", 0)) == flags


def test_a_product_with_its_own_transpose(run) -> None:
    text = "g (float[3, 5] x) => (float[5, 5] y) { t = Transpose (x)  y = MatMul (t, x) }"
    assert run(MergeGemm(), model(text)).ops == ["Gemm"]


@pytest.mark.parametrize(
    "body",
    [
        "t = Transpose (x)  y = MatMul (t, w)  o = Relu (t)",  # it is made anyway
        "t = Transpose <perm = [0, 1]> (z)  y = MatMul (t, w)  o = Relu (t)",
        "q = Reshape (x, s)  t = Transpose <perm = [0, 2, 1]> (q)  y = MatMul (t, w)  o = Relu (x)",
    ],
)
def test_transposes_that_stay(run, body: str) -> None:
    text = f"g (float[3, 5] x, float[5, 3] z) => (float y, float o) {{ {body} }}"
    for name, rank in (("y", 3 if "Reshape" in body else 2), ("o", 2)):
        dims = ", ".join("ABC"[:rank])
        text = text.replace(f"float {name}", f"float[{dims}] {name}")
    graph = model(text, w=random(3, 4), s=np.array([1, 3, 5]))
    assert not run(MergeGemm(), graph).outcome.rewrites


def test_a_gemm_needs_a_bias_before_opset_11(run) -> None:
    text = "g (float[3, 5] x) => (float[5, 4] y) { t = Transpose (x)  y = MatMul (t, w) }"
    graph = model(text, 10, w=random(3, 4))
    assert run(MergeGemm(), graph).reasons == [
        "opset 11 lets a Gemm go without a bias; convert with --opset 11"
    ]


def test_quantised_products_stay(run) -> None:
    text = """g (uint8[2, 3] x) => (float[2, 4] y) {
        d = DequantizeLinear (x, s, z)  p = MatMul (d, w)  y = Add (p, b)
    }"""
    parameters = {"s": np.float32(0.1), "z": np.uint8(128)}
    graph = model(text, w=random(3, 4), b=random(4), **parameters)
    assert not run(MergeGemm(), graph).outcome.rewrites


def test_a_sum_of_two_is_an_add(run) -> None:
    text = "g (float[2, 3] x) => (float[2, 4] y) { p = Gemm (x, w)  y = Sum (b, p) }"
    assert run(MergeGemm(), model(text, w=random(3, 4), b=random(2, 4))).ops == ["Gemm"]


def test_a_sum_of_three_stays(run) -> None:
    text = "g (float[2, 3] x) => (float[2, 4] y) { p = Gemm (x, w)  y = Sum (b, p, b) }"
    assert not run(MergeGemm(), model(text, w=random(3, 4), b=random(2, 4))).outcome.rewrites


@pytest.mark.parametrize("perm", ["", "<perm = [1, 0]>"])
@pytest.mark.parametrize(
    ("product", "flags"),
    [
        ("MatMul (x, w)", (1, 1)),
        ("Gemm <alpha = 3.0, transA = 1> (z, w)", (1, 0)),
        ("Gemm <transB = 1> (x, v)", (0, 1)),
        ("Gemm <transA = 1, transB = 1> (z, v)", (0, 0)),
    ],
)
def test_a_transposed_product(run, product: str, flags: tuple[int, int], perm: str) -> None:
    text = f"""g (float[N, 3] x, float[3, N] z) => (float[4, N] y) {{
        p = {product}  y = Transpose {perm} (p)
    }}"""
    (made,) = run(MergeGemm(), model(text, w=random(3, 4), v=random(4, 3))).graph
    assert (made.int("transA", 0), made.int("transB", 0)) == flags
    assert made.inputs[0] in ("w", "v")


@pytest.mark.parametrize(
    ("opset", "text"),
    [
        (17, "p = Gemm (x, w, b)  y = Transpose (p)"),  # the bias would have to be transposed
        (17, "p = Gemm (x, w)  y = Transpose <perm = [0, 1]> (p)"),
        (17, "p = Gemm (x, w)  y = Transpose (p)  z = Relu (p)"),
        (10, "p = MatMul (x, w)  y = Transpose (p)"),
    ],
)
def test_products_that_stay_as_they_are(run, opset: int, text: str) -> None:
    more = ", float[2, 4] z" if "z =" in text else ""
    dims = "2, 4" if "perm" in text else "4, 2"
    text = f"g (float[2, 3] x) => (float[{dims}] y{more}) {{ {text} }}"
    assert not run(MergeGemm(), model(text, opset, w=random(3, 4), b=random(4))).outcome.rewrites
