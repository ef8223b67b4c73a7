"""HardSigmoid, HardSwish and Mish out of their arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import Graph
from ocost.passes.activations import RecomposeActivations

from .conftest import model

VALUES = {"three": 3, "zero": 0, "six": 6, "sixth": 1 / 6, "half": 0.5, "one": 1, "fifth": 0.2}
CLIP = "s = Add (x, three)  c = Clip (s, zero, six)"


def act(body: str, opset: int = 14, kind: str = "float", more: str = "", **changed: float) -> Graph:
    numpy = {"float": "f4", "float16": "f2", "double": "f8"}[kind]
    text = f"g ({kind}[N, 9] x) => ({kind}[N, 9] y{more}) {{ {body} }}"
    given = {**VALUES, **changed}
    return model(text, opset, **{k: np.array(v, numpy) for k, v in given.items()})


@pytest.mark.parametrize("kind", ["float", "float16"])
@pytest.mark.parametrize(
    "rest",
    [
        "p = Mul (x, c)  y = Div (p, six)",
        "p = Mul (c, x)  y = Mul (p, sixth)",
        "d = Div (c, six)  y = Mul (d, x)",
        "d = Mul (sixth, c)  y = Mul (x, d)",
    ],
)
def test_hard_swish(run, rest: str, kind: str) -> None:
    assert run(RecomposeActivations(), act(f"{CLIP} {rest}", kind=kind)).ops == ["HardSwish"]
    older = run(RecomposeActivations(), act(f"{CLIP} {rest}", opset=13, kind=kind))
    assert older.ops == ["HardSigmoid", "Mul"]
    assert older.reasons == ["opset 14 has HardSwish; convert with --opset 14"]


def test_bounds_as_attributes(run) -> None:
    body = "s = Add (x, three)  c = Clip <min = 0.0, max = 6.0> (s)  y = Div (c, six)"
    assert run(RecomposeActivations(), act(body, opset=10)).ops == ["HardSigmoid"]


@pytest.mark.parametrize("scaled", ["m = Mul (x, fifth)", "m = Div (x, six)"])
def test_a_gate_with_a_slope(run, scaled: str) -> None:
    ran = run(RecomposeActivations(), act(f"{scaled}  s = Add (m, half)  y = Clip (s, zero, one)"))
    (made,) = ran.graph
    # 0.2 x + 0.5, and x / 6 + 0.5
    assert made.float("alpha", 0) == pytest.approx(0.2 if "fifth" in scaled else 1 / 6)
    assert made.float("beta", 0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "body",
    [
        f"{CLIP}  p = Mul (x, c)  y = Div (p, three)",  # clipped at 6, divided by 3
        "s = Add (x, three)  c = Clip (s, half, six)  p = Mul (x, c)  y = Div (p, six)",
        "s = Add (x, three)  c = Clip (s, zero)  p = Mul (x, c)  y = Div (p, six)",
        "s = Add (x, three)  c = Clip (s, , six)  p = Mul (x, c)  y = Div (p, six)",
        "s = Add (x, x)  c = Clip (s, zero, six)  p = Mul (x, c)  y = Div (p, six)",
        "m = Mul (x, fifth)  s = Add (m, half)  y = Clip (s, zero, six)",
        "m = Div (x, zero)  s = Add (m, half)  y = Clip (s, zero, one)",
        "h = HardSigmoid (x)  y = Mul (x, h)",  # its default slope is 0.2
        "h = Sigmoid (x)  y = Mul (x, h)",
        "s = Add (x, half)  y = Clip (s, zero, one)",  # no multiplication to save
    ],
)
def test_other_arithmetic_is_passed_over(run, body: str) -> None:
    ran = run(RecomposeActivations(), act(body))
    assert not ran.outcome.rewrites
    assert not ran.reasons


def test_swish_stays_in_an_opset_that_has_it(run) -> None:
    graph = model(
        "g (float[N, 9] x) => (float[N, 9] y) { h = Sigmoid (x)  y = Mul (x, h) }", 24, ir=10
    )
    assert not run(RecomposeActivations(), graph).outcome.rewrites


def test_another_tensor_is_gated(run) -> None:
    text = f"""g (float[N, 9] x, float[N, 9] z) => (float[N, 9] y) {{
        {CLIP}  p = Mul (z, c)  y = Div (p, six)
    }}"""
    graph = model(text, 14, **{k: np.float32(v) for k, v in VALUES.items()})
    assert not run(RecomposeActivations(), graph).outcome.rewrites


def test_a_bound_that_a_caller_may_override(run) -> None:
    text = """g (float[N, 9] x, float six) => (float[N, 9] y) <float six = {6.0}> {
        s = Add (x, three)  c = Clip (s, zero, six)  p = Mul (x, c)  y = Div (p, k)
    }"""
    graph = model(text, 14, three=np.float32(3), zero=np.float32(0), k=np.float32(6))
    assert not run(RecomposeActivations(), graph).outcome.rewrites


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"more": ", float[N, 9] c"}, "'c' is an output of the graph"),
        ({"kind": "double"}, "the type of 'x' is float64"),
    ],
)
def test_refusals(run, changed: dict[str, object], reason: str) -> None:
    (found,) = run(RecomposeActivations(), act(f"{CLIP}  y = Div (c, six)", **changed)).reasons
    assert reason in found


def test_mish(run) -> None:
    body = "p = Softplus (x)  t = Tanh (p)  y = Mul (t, x)"
    assert run(RecomposeActivations(), act(body, opset=18)).ops == ["Mish"]
    older = run(RecomposeActivations(), act(body, opset=17))
    assert older.reasons == ["opset 18 has Mish; convert with --opset 18"]
    half = run(RecomposeActivations(), act(body, opset=18, kind="float16"))
    assert "the type of 'x' is float16" in half.reasons[0]
