"""An If of a known condition is the branch that it takes."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph import verify
from ocost.passes.constant_if import InlineConstantIf

from .conftest import model

# The branches use names that another If's bodies use too.
BRANCHES = """
    then_branch = then () => (float[2] p) <float[2] k = {1.0, 2.0}> {
        t = Abs (n)
        p = Add (t, k)
    },
    else_branch = other () => (float[2] p) { t = Neg (n) p = Mul (t, t) }
"""


@pytest.mark.parametrize(("always", "inner"), [(True, ["Abs", "Add"]), (False, ["Neg", "Mul"])])
def test_the_branch_that_is_taken_stands_in_its_place(run, always: bool, inner: list[str]) -> None:
    graph = model(
        f"""g (bool d, float[2] x) => (float[2] y, float[2] z) {{
            n = Exp (x)
            y = If (c) <{BRANCHES}>
            z = If (d) <{BRANCHES}>
        }}""",
        c=np.array(always),
    )
    ran = run(InlineConstantIf(), graph)
    assert ran.ops == ["Exp", *inner, "If"]
    assert "c" not in ran.graph.initializers
    assert ran.outcome.rewrites[0].reason == f"its condition is {always} in every run"


def test_a_condition_on_fixed_shapes_is_known(run) -> None:
    graph = model(
        """g (float[2] x) => (float[2] y) {
            n = Exp (x)
            s = Size (x)
            c = Greater (s, one)
            y = If (c) <
                then_branch = then () => (float[2] p) { p = Abs (n) },
                else_branch = other () => (float[2] q) { q = Neg (n) }
            >
        }""",
        one=np.array(1),
    )
    assert run(InlineConstantIf(), graph).ops == ["Exp", "Abs"]


def test_conditions_that_may_change_stay(run) -> None:
    graph = model(
        f"""g (bool c, float[N] x) => (float[2] y, float[2] z) <bool c = {{1}}> {{
            n = Exp (x)
            y = If (c) <{BRANCHES}>
            s = Size (x)
            d = Greater (s, one)
            z = If (d) <{BRANCHES}>
        }}""",
        one=np.array(1),
    )
    assert "If" in [n.op_type for n in graph]
    assert not InlineConstantIf().run(graph).rewrites


SEVERAL = """g (float[2] x) => (float[2] y, float[2] z) {
    n = Exp (x)
    y, z = If (c) <
        then_branch = then () => (float[2] FIRST, float[2] SECOND)
            <float[2] k = {1.0, 2.0}> { a = Abs (n) },
        else_branch = other () => (float[2] p, float[2] q) { p = Neg (n) q = Neg (n) }
    >
}"""


def test_a_constant_of_the_branch_as_an_output(run) -> None:
    text = SEVERAL.replace("FIRST", "k").replace("SECOND", "a")
    assert run(InlineConstantIf(), model(text, c=np.array(True))).ops == ["Exp", "Abs", "Identity"]


@pytest.mark.parametrize(("second", "source"), [("a", "y"), ("n", "n")])
def test_one_output_twice_and_one_of_the_scope_around_it(second: str, source: str) -> None:
    """onnxruntime answers zeros for the first of the same two, and refuses the other."""
    graph = model(SEVERAL.replace("FIRST", "a").replace("SECOND", second), c=np.array(True))
    InlineConstantIf().run(graph)
    verify(graph)
    assert {n.op_type: (n.inputs, n.outputs) for n in graph} == {
        "Exp": (("x",), ("n",)),
        "Abs": (("n",), ("y",)),
        "Identity": ((source,), ("z",)),
    }


def test_an_if_in_the_branch_goes_first(run) -> None:
    inner = """
        then_branch = i () => (float[2] u) { u = Abs (x) },
        else_branch = j () => (float[2] o) { o = Neg (x) }
    """
    graph = model(
        f"""g (bool d, float[2] x) => (float[2] y, float[2] z) {{
            y = If (c) <
                then_branch = then () => (float[2] p) {{ p = If (c) <{inner}> }},
                else_branch = other () => (float[2] q) {{ q = Neg (x) }}
            >
            z = If (c) <
                then_branch = then () => (float[2] r) {{ r = If (d) <{inner}> }},
                else_branch = other () => (float[2] s) {{ s = Neg (x) }}
            >
        }}""",
        c=np.array(True),
    )
    ran = run(InlineConstantIf(), graph)
    assert ran.ops == ["Abs", "If"]
    assert [node.inputs for node in ran.graph] == [("x",), ("d",)]


def test_bodies_in_the_branch_read_its_tensors_under_their_new_names(run) -> None:
    branch = """
        m = Exp (x)
        p = If (d) <
            then_branch = i () => (float[2] u) <float[2] k = {1.0, 2.0}> {
                v = Add (m, k)
                u = If (d) <
                    then_branch = ii () => (float[2] w) { w = Mul (m, v) },
                    else_branch = ij () => (float[2] t) { t = Neg (v) }
                >
            },
            else_branch = j () => (float[2] o) { o = Neg (m) }
        >
    """
    other = "other () => (float[2] q) { q = Neg (x) }"
    graph = model(
        f"""g (bool d, float[2] x) => (float[2] y, float[2] z) {{
            n = Abs (x)
            f = If (c) <then_branch = then () => (float[2] p) {{ {branch} }}, else_branch = {other}>
            y = Add (f, n)
            z = If (c) <then_branch = then () => (float[2] p) {{ {branch} }}, else_branch = {other}>
        }}""",
        c=np.array(True),
    )
    ran = run(InlineConstantIf(), graph)
    assert ran.ops == ["Abs", "Exp", "If", "Add", "Exp", "If"]
    made = [node.outputs[0] for node in ran.graph if node.op_type == "Exp"]
    captures = [ran.graph.captures(node) for node in ran.graph if node.op_type == "If"]
    assert captures == [(name, "d") for name in made]
    assert {scope.prefix for scope, _ in ran.graph.walk()} == {
        "",
        *(f"{name}/{body}" for name in "fz" for body in ("then_branch/", "else_branch/")),
        *(f"{name}/then_branch/u/{b}_branch/" for name in "fz" for b in ("then", "else")),
    }


def test_a_body_that_hands_out_a_tensor_of_the_branch() -> None:
    graph = model(
        """g (bool d, float[2] x) => (float[2] y) {
            y = If (c) <
                then_branch = then () => (float[2] p) {
                    m = Exp (x)
                    p = If (d) <
                        then_branch = i () => (float[2] m) { n = Neg (m) },
                        else_branch = j () => (float[2] o) { o = Neg (m) }
                    >
                },
                else_branch = other () => (float[2] q) { q = Neg (x) }
            >
        }""",
        c=np.array(True),
    )
    outcome = InlineConstantIf().run(graph)
    assert not outcome.rewrites
    assert "hands out" in outcome.declined[0].reason
