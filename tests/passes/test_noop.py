"""Nodes that give what they get."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.noop import RemoveNoops

from .conftest import model

F32, I64 = np.float32, np.int64


def ints(*values: int) -> np.ndarray:
    return np.array(values, I64)


def wrapped(node: str, shape: str = "N, 3", opset: int = 17, **constants: np.ndarray):
    """Abs, the node from ``a`` to ``b``, Neg."""
    text = f"g (float[{shape}] x) => (float[] y) {{ a = Abs (x) {node} y = Neg (b) }}"
    return model(text.replace("float[] y", f"float[{shape}] y"), opset, **constants)


@pytest.mark.parametrize(
    ("node", "shape", "constants"),
    [
        ("b = Identity (a)", "N, 3", {}),
        ("b = Dropout (a)", "N, 3", {}),
        ("b, unused = Dropout (a, ratio)", "N, 3", {"ratio": np.array(0.5, F32)}),
        ("b = Dropout (a, , mode)", "N, 3", {"mode": np.array(False)}),
        ("b = Cast <to = 1> (a)", "N, 3", {}),
        ("b = CastLike (a, like)", "N, 3", {"like": np.array(0, F32)}),
        ("b = Reshape (a, s)", "2, 3", {"s": ints(2, -1)}),
        ("b = Reshape (a, s)", "N, 3", {"s": ints(0, 3)}),
        ("b = Reshape (a, s)", "N, 3", {"s": ints(-1, 3)}),
        ("b = Reshape (a, s)", "N, M", {"s": ints(0, -1)}),
        ("b = Flatten (a)", "N, M", {}),
        ("b = Flatten <axis = -1> (a)", "N, M", {}),
        ("b = Squeeze (a)", "2, 3", {}),
        ("b = Expand (a, s)", "N, 3", {"s": ints(1, 1)}),
        ("b = Expand (a, s)", "N, 3", {"s": ints(3)}),
        ("b = Tile (a, s)", "N, 3", {"s": ints(1, 1)}),
        ("b = Transpose <perm = [0, 1]> (a)", "N, 3", {}),
        ("b = Transpose (a)", "N", {}),
        ("b = Slice (a, s, e)", "N, 3", {"s": ints(0, 0), "e": ints(2**63 - 1, 3)}),
        (
            "b = Slice (a, s, e, axes, steps)",
            "N, 3",
            {"s": ints(-3), "e": ints(9), "axes": ints(-1), "steps": ints(1)},
        ),
        ("b = Pad (a, p)", "N, 3", {"p": ints(0, 0, 0, 0)}),
        ("b = Concat <axis = 0> (a)", "N, 3", {}),
        ("b = Sum (a)", "N, 3", {}),
        ("b = Max (a)", "N, 3", {}),
        ("b = Split <axis = 1> (a)", "N, 3", {}),
        ("b = Add (a, c)", "N, 3", {"c": np.zeros((1, 3), F32)}),
        ("b = Add (c, a)", "N, 3", {"c": np.zeros((), F32)}),
        ("b = Sub (a, c)", "N, 3", {"c": np.zeros(1, F32)}),
        ("b = Mul (c, a)", "N, 3", {"c": np.ones(3, F32)}),
        ("b = Div (a, c)", "N, 3", {"c": np.ones(1, F32)}),
        ("b = Pow (a, c)", "N, 3", {"c": ints(1)}),
        ("b = Resize (a, , s)", "N, 3", {"s": np.ones(2, F32)}),
        ('b = Resize <mode = "linear"> (a, , , s)', "2, 3", {"s": ints(2, 3)}),
        ("b = DepthToSpace <blocksize = 1> (a)", "N, 3, 4, 4", {}),
    ],
)
def test_it_goes(run, node: str, shape: str, constants) -> None:
    ran = run(RemoveNoops(), wrapped(node, shape, **constants))
    assert ran.ops == ["Abs", "Neg"]
    assert not ran.graph.initializers
    assert ran.outcome.rewrites[0].change.removed == ("b", "y")


@pytest.mark.parametrize(
    ("node", "shape", "constants"),
    [
        ("b = Reshape (a, s)", "N, 3", {"s": ints(3, -1)}),
        ("b = Reshape <allowzero = 1> (a, s)", "N, 3", {"s": ints(0, 3)}),
        ("b = Reshape (a, s)", "N, 3", {"s": ints(4, 3)}),  # nothing says that N is 4
        ("b = Transpose <perm = [1, 0]> (a)", "3, 3", {}),
        ("b = Slice (a, s, e)", "N, 3", {"s": ints(0), "e": ints(5)}),
        ("b = Slice (a, s, e)", "N, 3", {"s": ints(-3), "e": ints(2**63 - 1)}),
        (
            "b = Slice (a, s, e, axes, steps)",  # the same shape, but in reverse
            "2, 3",
            {"s": ints(2), "e": ints(-9), "axes": ints(1), "steps": ints(-1)},
        ),
        ("b = Pad (a, p)", "2, 3", {"p": ints(0, 1, 0, -1)}),  # shifts within the same shape
        ("b = Add (a, c)", "N, 3", {"c": np.zeros((2, 3), F32)}),  # N may be 1
        ("b = Add (a, c)", "N, 3", {"c": np.zeros((1, 1, 3), F32)}),
        ("b = Sub (c, a)", "N, 3", {"c": np.zeros((), F32)}),
        ("b = Div (c, a)", "N, 3", {"c": np.ones((), F32)}),
        ("b = Mul (a, c)", "N, 3", {"c": np.array([1, 1, 1.0000001], F32)}),
        ("b = Expand (a, s)", "N, 3", {"s": ints(2, 3)}),
        ("b = Expand (a, s)", "N, 3", {"s": ints(1, 1, 1)}),
        ("b = Tile (a, s)", "N, 3", {"s": ints(1, 2)}),
        ("b = Concat <axis = 0> (a, a)", "N, 3", {}),
        ("b, rest = Split <axis = 1> (a, s)", "N, 3", {"s": ints(1, 2)}),
        ("b = Squeeze (a)", "N, 3", {}),
        ("b = Cast <to = 10> (a)", "N, 3", {}),
        # 1.4 makes 2 pixels of 2, but not the same ones
        ('b = Resize <mode = "linear"> (a, , s)', "1, 2", {"s": np.array([1, 1.4], F32)}),
        # it reads the input at 0.5, 1.5, ... at any scale of 1
        (
            'b = Resize <coordinate_transformation_mode = "tf_half_pixel_for_nn"> (a, , s)',
            "1, 2",
            {"s": np.ones(2, F32)},
        ),
    ],
)
def test_it_stays(run, node: str, shape: str, constants) -> None:
    text = f"g (float[{shape}] x) => (y) {{ a = Abs (x) {node} y = Shape (b) z = Identity (b) }}"
    text = text.replace("=> (y)", "=> (int64[R] y)").replace("z = Identity (b)", "")
    ran = run(RemoveNoops(), model(text, **constants))
    assert len(ran.ops) == 3
    assert not ran.outcome.declined


@pytest.mark.parametrize(
    ("node", "opset", "constants", "reason"),
    [
        ("b = Dropout (a, , t)", 17, {"t": np.array(True)}, "in training mode"),
        ("b, mask = Dropout (a) u = Not (mask)", 17, {}, "mask is used"),
        ("b = Dropout (a)", 6, {}, "in training mode"),
    ],
)
def test_a_dropout_that_does_something_stays(run, node, opset, constants, reason) -> None:
    graph = wrapped(node, opset=opset, **constants)
    before = len(graph)
    outcome = RemoveNoops().run(graph)
    assert len(graph) == before
    (declined,) = outcome.declined
    assert reason in declined.reason


def test_an_inference_dropout_of_an_old_opset_goes() -> None:
    graph = wrapped("b = Dropout <is_test = 1> (a)", opset=6)  # no runtime has that any more
    RemoveNoops().run(graph)
    assert [n.op_type for n in graph] == ["Abs", "Neg"]


def test_a_constant_that_a_caller_may_override_proves_nothing(run) -> None:
    graph = model(
        """g (float[3] x, float[1] c) => (float[3] y) <float[1] c = {0}> {
            y = Add (x, c)
        }"""
    )
    assert run(RemoveNoops(), graph).ops == ["Add"]


def test_integers_keep_their_type(run) -> None:
    """x ** 1 of integers is computed in floats by runtimes, and x + 0 isn't."""
    graph = model(
        """g (int64[3] x) => (int64[3] y) {
            a = Add (x, zero)
            b = Pow (a, one)
            y = Neg (b)
        }""",
        zero=np.zeros(1, I64),
        one=np.ones(1, F32),
    )
    assert run(RemoveNoops(), graph).ops == ["Pow", "Neg"]


def test_between_an_input_and_an_output_it_stays(run) -> None:
    graph = model("g (float[3] x) => (float[3] y) { y = Identity (x) }")
    (reason,) = run(RemoveNoops(), graph).reasons
    assert "is an output of the graph" in reason


def test_the_name_of_an_output_stays(run) -> None:
    graph = model(
        "g (float[3] x) => (float[3] y) { a = Abs (x) b = Identity (a) y = Identity (b) }"
    )
    ran = run(RemoveNoops(), graph)
    assert ran.ops == ["Abs"]
    assert ran.graph.outputs == ("y",)


def test_inside_a_body(run) -> None:
    graph = model(
        """g (bool c, float[3] x) => (float[3] y) {
            y = If (c) <
                then_branch = t () => (float[3] u) { p = Identity (x) u = Neg (p) },
                else_branch = e () => (float[3] v) { v = Abs (x) }
            >
        }"""
    )
    ran = run(RemoveNoops(), graph)
    (node,) = ran.graph
    assert [n.op_type for n in ran.graph.subgraphs(node)["then_branch"]] == ["Neg"]
