"""Attention out of its arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.costmodel.catalogue import find
from ocost.optimize import pipeline
from ocost.optimize.pipeline import Plan
from ocost.passes.attention import RecomposeAttention

from .conftest import model

S = "float[2, 3, 5, 8]"
KT = "t = Transpose <perm = [0, 1, 3, 2]> (k)"
END = "p = Softmax <axis = -1> (a) y = MatMul (p, v)"
SCALARS = {"s": np.float32(0.3), "r": np.float32(2.0)}


def attention(body: str, *, more: str = "", shape: str = S, opset: int = 23, **constants):
    return model(
        f"g ({shape} q, {shape} k, {shape} v{more}) => ({shape} y) {{ {KT} {body} {END} }}",
        opset=opset,
        ir=10,
        **(SCALARS | constants),
    )


@pytest.mark.parametrize(
    ("body", "scale"),
    [
        ("a = MatMul (q, t)", 1.0),
        ("b = MatMul (q, t) a = Mul (b, s)", 0.3),
        ("b = MatMul (q, t) a = Div (b, r)", 0.5),
        ("u = Mul (s, q) a = MatMul (u, t)", 0.3),
        ("u = Mul (q, s) b = MatMul (u, t) a = Div (b, r)", 0.15),
    ],
)
def test_with_its_scale_before_or_after(run, body: str, scale: float) -> None:
    ran = run(RecomposeAttention(), attention(body))
    assert ran.ops == ["Attention"]
    (node,) = ran.graph
    assert node.inputs == ("q", "k", "v")
    assert node.float("scale", 0.0) == pytest.approx(scale, rel=1e-6)


@pytest.mark.parametrize("shape", ["5, 5", "2, 1, 5, 5", "1, 3, 5, 5", "3, 5, 5"])
def test_with_a_mask(run, shape: str) -> None:
    graph = attention("b = MatMul (q, t) a = Add (m, b)", more=f", float[{shape}] m")
    ran = run(RecomposeAttention(), graph)
    assert ran.ops == ["Attention"]
    (node,) = ran.graph
    assert node.inputs == ("q", "k", "v", "m")


def test_keys_that_others_read_transposed_stay_so(run) -> None:
    graph = model(
        f"g ({S} q, {S} k, {S} v) => ({S} y, float[2, 3, 8, 5] z) "
        f"{{ {KT} a = MatMul (q, t) {END} z = Relu (t) }}",
        opset=23,
        ir=10,
    )
    assert sorted(run(RecomposeAttention(), graph).ops) == ["Attention", "Relu", "Transpose"]


@pytest.mark.parametrize(
    ("more", "body", "reason"),
    [
        (", float[5] m", "b = MatMul (q, t) a = Add (b, m)", "the mask has not one value"),
        (", float[5, 1] m", "b = MatMul (q, t) a = Add (b, m)", "the mask has not one value"),
    ],
)
def test_masks_that_broadcast_stay(run, more: str, body: str, reason: str) -> None:
    (found,) = run(RecomposeAttention(), attention(body, more=more)).reasons
    assert found.startswith(reason)


def test_before_opset_23(run) -> None:
    (reason,) = run(RecomposeAttention(), attention("a = MatMul (q, t)", opset=22)).reasons
    assert reason == "opset 23 has Attention; convert with --opset 23"


def test_an_open_batch_could_broadcast(run) -> None:
    graph = attention("a = MatMul (q, t)", shape="float[N, 3, 5, 8]")
    (reason,) = run(RecomposeAttention(), graph).reasons
    assert reason.startswith("open dims")


def test_heads_that_broadcast_stay(run) -> None:
    graph = model(
        f"g ({S} q, float[2, 1, 5, 8] k, {S} v) => ({S} y) {{ {KT} a = MatMul (q, t) {END} }}",
        opset=23,
        ir=10,
    )
    (reason,) = run(RecomposeAttention(), graph).reasons
    assert "same batch and heads" in reason


@pytest.mark.parametrize(
    "body",
    [
        "b = MatMul (q, t) a = Relu (b)",
        "a = MatMul (t, q)",
    ],
)
def test_other_arithmetic_is_left_alone(run, body: str) -> None:
    shape = "float[2, 3, 8, 8]"
    ran = run(RecomposeAttention(), attention(body, shape=shape))
    assert not ran.outcome.rewrites
    assert not ran.reasons


def test_a_softmax_over_another_axis(run) -> None:
    graph = model(
        f"g ({S} q, {S} k, {S} v) => ({S} y) "
        f"{{ {KT} a = MatMul (q, t) p = Softmax <axis = 2> (a) y = MatMul (p, v) }}",
        opset=23,
        ir=10,
    )
    assert not run(RecomposeAttention(), graph).outcome.rewrites


def test_scores_that_are_an_output_stay(run) -> None:
    graph = model(
        f"g ({S} q, {S} k, {S} v) => ({S} y, float[2, 3, 5, 5] a) "
        f"{{ {KT} a = MatMul (q, t) {END} }}",
        opset=23,
        ir=10,
    )
    assert not run(RecomposeAttention(), graph).outcome.rewrites


def test_it_costs_no_more_than_its_parts() -> None:
    graph = attention("b = MatMul (q, t) a = Mul (b, s)")
    made = pipeline.run(graph, Plan((RecomposeAttention(),), onnxsim=False), find("host"))
    assert [node.op_type for node in made.graph] == ["Attention"]
    assert not any(made.residual.values())
