"""Gelu out of its arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.gelu import RecomposeGelu

from .conftest import model

ERF = ["a = Div (x, root_two)  e = Erf (a)", "a = Mul (half_root, x)  e = Erf (a)"]
TANH = [
    "p = Pow (x, three) s = Mul (p, cubic) u = Add (x, s) a = Mul (u, root) e = Tanh (a)",
    "p = Mul (x, x) p3 = Mul (x, p) s = Mul (cubic, p3) u = Add (s, x) a = Mul (root, u)"
    " e = Tanh (a)",
    "p = Mul (x, x) s = Mul (p, cubic) u = Add (s, one) t = Mul (x, root) a = Mul (t, u)"
    " e = Tanh (a)",
]
PRODUCTS = [
    "f = Add (e, one)  g = Mul (x, f)  y = Mul (g, half)",
    "f = Add (one, e)  g = Mul (x, half)  y = Mul (g, f)",
    "f = Add (e, one)  g = Mul (half, f)  y = Mul (x, g)",
]
VALUES = {
    "root_two": 2**0.5,
    "half_root": 0.5**0.5,
    "three": 3,
    "cubic": 0.044715,
    "root": 0.7978845608028654,
    "half": 0.5,
    "one": 1,
}


def gelu(
    inner: str,
    product: str = PRODUCTS[0],
    opset: int = 20,
    kind: str = "float",
    more: str = "",
    **changed: float,
) -> Graph:
    numpy = {"float": "f4", "float16": "f2", "double": "f8"}[kind]
    text = f"g ({kind}[2, 9] x) => ({kind}[2, 9] y{more}) {{ {inner} {product} }}"
    given = {**VALUES, **changed}
    return model(text, opset, **{k: np.array(v, numpy) for k, v in given.items()})


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("inner", [*ERF, *TANH])
def test_every_order(run, inner: str, product: str) -> None:
    (made,) = run(RecomposeGelu(), gelu(inner, product)).graph
    assert made.op_type == "Gelu"
    assert made.string("approximate", "none") == ("none" if inner in ERF else "tanh")


def test_the_last_digit_of_a_constant_may_be_off(run) -> None:
    assert run(RecomposeGelu(), gelu(ERF[0], root_two=1.4142134)).ops == ["Gelu"]


@pytest.mark.parametrize("inner", ERF)
@pytest.mark.parametrize("changed", [{"half": 0.25}, {"one": 2}, {"root_two": 1.4, "half_root": 1}])
def test_other_constants_are_other_functions(run, inner: str, changed: dict[str, float]) -> None:
    ran = run(RecomposeGelu(), gelu(inner, **changed))
    assert not ran.outcome.rewrites
    assert not ran.reasons


@pytest.mark.parametrize("changed", [{"cubic": 0.05}, {"root": 0.8}, {"three": 2}])
def test_other_constants_of_the_tanh_form(run, changed: dict[str, float]) -> None:
    assert not run(RecomposeGelu(), gelu(TANH[0], **changed)).outcome.rewrites


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"opset": 19}, "opset 20 has Gelu; convert with --opset 20"),
        ({"kind": "float16"}, "a float32 Gelu only, and the type of 'x' is float16"),
        ({"more": ", float[2, 9] e"}, "'e' is an output of the graph"),
    ],
)
def test_refusals(run, changed: dict[str, object], reason: str) -> None:
    (found,) = run(RecomposeGelu(), gelu(ERF[0], **changed)).reasons
    assert reason in found


def test_a_product_of_two_tensors_is_none(run) -> None:
    text = """g (float[2, 9] x, float[2, 9] z) => (float[2, 9] y) {
        a = Div (z, root_two)  e = Erf (a)  f = Add (e, one)  g = Mul (x, f)  y = Mul (g, half)
    }"""
    graph = model(text, 20, **{k: np.float32(v) for k, v in VALUES.items()})
    assert not run(RecomposeGelu(), graph).outcome.rewrites


def test_a_constant_that_gives_a_new_axis(run) -> None:
    text = """g (float[9] x) => (float[1, 9] y) {
        a = Div (x, root_two)  e = Erf (a)  f = Add (e, one)  g = Mul (x, f)  y = Mul (g, half)
    }"""
    values = {k: np.float32(v) for k, v in VALUES.items()}
    graph = model(text, 20, **{**values, "half": np.full((1, 1), 0.5, np.float32)})
    assert not run(RecomposeGelu(), graph).outcome.rewrites
