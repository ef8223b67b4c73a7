"""What nobody reads goes; what somebody may read stays."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.dead_code import RemoveDeadCode

from .conftest import model

ONE = np.ones(2, np.float32)


def test_nodes_and_constants_that_nobody_reads(run) -> None:
    graph = model(
        """g (float[2] x, float[2] unused) => (float[2] y) {
            a = Add (x, w)
            b = Neg (a)
            c, d = Split <axis = 0> (b)
            y = Relu (x)
        }""",
        w=ONE,
        v=ONE,
        u=ONE,
    )
    ran = run(RemoveDeadCode(), graph)
    assert ran.ops == ["Relu"]
    assert ran.graph.inputs == ("x", "unused")
    chain, constants = ran.outcome.rewrites
    assert set(chain.change.removed) == {"a", "b", "c"}
    assert chain.change.dropped == ("w",)
    assert set(constants.change.dropped) == {"v", "u"}
    assert constants.reason == "nobody reads 2 constants"


def test_what_a_caller_may_override_stays(run) -> None:
    graph = model(
        "g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1.0, 2.0}> { y = Neg (x) }"
    )
    ran = run(RemoveDeadCode(), graph)
    assert not ran.outcome.rewrites
    assert list(ran.graph.initializers) == ["w"]


def test_below_ir_version_4_no_constant_can_be_overridden() -> None:
    graph = model(
        "g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1.0, 2.0}> { y = Neg (x) }",
        opset=8,
        ir=3,
    )
    assert RemoveDeadCode().run(graph).rewrites
    assert graph.inputs == ("x",)


def test_one_of_several_outputs_keeps_a_node(run) -> None:
    graph = model(
        """g (float[4] x) => (float[2] y) {
            a, b = Split <axis = 0> (x)
            y = Neg (b)
        }"""
    )
    ran = run(RemoveDeadCode(), graph)
    assert ran.graph.node("a").outputs == ("a", "b")  # no output of Split is optional


def test_optional_outputs_that_nobody_reads_are_left_out(run) -> None:
    graph = model(
        """g (float[5, 1, 3] x) => (float[1, 1, 2] y, float[1, 1, 4, 4] p) {
            a, b, c = LSTM <hidden_size = 2> (x, w, r)
            y = Identity (b)
            q, i = MaxPool <kernel_shape = [2, 2]> (image)
            p = Identity (q)
        }""",
        w=np.ones((1, 8, 3), np.float32),
        r=np.ones((1, 8, 2), np.float32),
        image=np.arange(25, dtype=np.float32).reshape(1, 1, 5, 5),
    )
    ran = run(RemoveDeadCode(), graph)
    outputs = {node.op_type: node.outputs for node in ran.graph}
    assert outputs["LSTM"] == ("", "b")
    assert outputs["MaxPool"] == ("q",)
    assert {r.reason for r in ran.outcome.rewrites} == {
        "nobody reads its output 'a' or 'c'",
        "nobody reads its output 'i'",
    }


def test_the_outputs_of_a_batchnorm_are_what_it_does() -> None:
    """At opset 9 it is in training mode because it has them."""
    graph = model(
        """g (float[2, 3, 4] x) => (float[2, 3, 4] y) {
            y, m, v, sm, sv = BatchNormalization (x, scale, shift, mean, var)
        }""",
        opset=9,
        **dict.fromkeys(("scale", "shift", "mean", "var"), np.ones(3, np.float32)),
    )
    assert not RemoveDeadCode().run(graph).rewrites


ATTENTION = """g (float[1, 2, 3, 4] q, float[1, 2, 5, 4] pk, float[1, 2, 5, 4] pv)
    => (float[1, 2, 3, 4] y) { y, k, v = Attention (q, q, q, , pk, pv) }"""
CELLS = {"w": np.ones((1, 6, 3), np.float32), "r": np.ones((1, 6, 2), np.float32)}


def test_outputs_that_belong_together_stay(run) -> None:
    """With past_key, Attention asks for present_key and present_value."""
    assert not run(RemoveDeadCode(), model(ATTENTION, opset=23)).outcome.rewrites


def test_the_statistics_of_a_training_batchnorm_stay() -> None:
    graph = model(
        """g (float[2, 3, 4] x) => (float[2, 3, 4] y) {
            y, m, v = BatchNormalization <training_mode = 1> (x, scale, shift, mean, var)
        }""",
        opset=15,
        **dict.fromkeys(("scale", "shift", "mean", "var"), np.ones(3, np.float32)),
    )
    assert not RemoveDeadCode().run(graph).rewrites


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("y, m = Dropout (x)", ("y",)),
        ("y, m, s = LayerNormalization (x, scale)", ("y",)),
        ("y, i, j, c = Unique (x)", ("y",)),
        ("n, i, j, c = Unique (x)  y = Identity (j)", ("n", "", "j")),
        ("a, y = GRU <hidden_size = 2> (x, w, r)", ("", "y")),
    ],
)
def test_outputs_that_stand_alone_go(run, text: str, left: tuple[str, ...]) -> None:
    kind = "int64" if "Identity" in text else "float"
    dims = "K" if "Unique" in text else "A, B, C"
    graph = model(
        f"g (float[5, 1, 3] x) => ({kind}[{dims}] y) {{ {text} }}",
        scale=np.ones(3, np.float32),
        **CELLS,
    )
    assert next(iter(run(RemoveDeadCode(), graph).graph)).outputs == left


def test_operators_of_other_domains_keep_their_outputs(run) -> None:
    graph = model(
        """g (float[2, 3, 4] x) => (float[2, 3, 4] y) {
            y, m, s, z = com.microsoft.SkipLayerNormalization (x, x, scale)
        }""",
        scale=np.ones(4, np.float32),
    )
    assert not run(RemoveDeadCode(), graph).outcome.rewrites


def test_bodies(run) -> None:
    graph = model(
        """g (bool c, float[2] x) => (float[2] y) {
            n = Neg (x)
            m = Abs (x)
            y = If (c) <
                then_branch = then () => (float[2] a) { d = Exp (n) a = Add (x, m) },
                else_branch = other () => (float[2] b) { b = Add (x, x) }
            >
        }"""
    )
    ran = run(RemoveDeadCode(), graph)
    assert ran.ops == ["Abs", "If"]  # n was captured by what is dead inside
    (_, node) = ran.graph
    assert [n.op_type for n in ran.graph.subgraphs(node)["then_branch"]] == ["Add"]
    assert set(ran.graph.captures(node)) == {"x", "m"}
