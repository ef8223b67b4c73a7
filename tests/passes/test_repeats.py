"""Activations that do, or undo, what the one before did."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.repeats import MergeRepeats

from .conftest import model

F32 = np.float32


def chain(text: str, opset: int = 17, **bounds: float):
    constants = {name: np.array(value, F32) for name, value in bounds.items()}
    return model(f"g (float[N, 3] x) => (float[N, 3] y) {{ {text} }}", opset, **constants)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a = Relu (x) b = Relu (a) y = Exp (b)", ["Relu", "Exp"]),
        ("a = Floor (x) b = Floor (a) y = Exp (b)", ["Floor", "Exp"]),
        ("w = Exp (x) a = Neg (w) y = Neg (a)", ["Exp"]),
        ("a = Neg (x) b = Neg (a) c = Neg (b) y = Exp (c)", ["Neg", "Exp"]),
        ("a = Neg (x) b = Abs (a) y = Neg (b)", ["Neg", "Abs", "Neg"]),
    ],
)
def test_repeats(run, text: str, left: list[str]) -> None:
    assert run(MergeRepeats(), chain(text)).ops == left


def test_not_not(run) -> None:
    graph = model("g (bool[N] x) => (bool[N] y) { a = Not (x) b = Not (a) y = Xor (b, x) }")
    assert run(MergeRepeats(), graph).ops == ["Xor"]


@pytest.mark.parametrize(
    ("text", "bounds", "expected"),
    [
        # within [0, inf): the Clip does it all
        ("a = Relu (x) y = Clip (a, p, q)", {"p": 0, "q": 6}, ("Clip", 0, 6)),
        ("a = Relu (x) y = Clip (a, p, q)", {"p": -1, "q": 6}, ("Clip", 0, 6)),
        ("a = Relu (x) y = Clip (a, , q)", {"q": 6}, ("Clip", 0, 6)),
        ("a = Clip (x, p, q) y = Relu (a)", {"p": -0.5, "q": 0.5}, ("Clip", 0, 0.5)),
        ("a = Clip (x, p) y = Relu (a)", {"p": -1}, ("Clip", 0, None)),
        ("a = Clip (x, p, q) y = Relu (a)", {"p": -1, "q": np.inf}, ("Relu", None, None)),
        ("a = Relu (x) y = Clip (a)", {}, ("Clip", 0, None)),
        ("a = Clip (x) y = Clip (a, p)", {"p": -1}, ("Clip", -1, None)),
        ("a = Clip (x, p, q) y = Relu (a)", {"p": 0.25, "q": 0.5}, ("Clip", 0.25, 0.5)),
        ("a = Clip (x, p, q) y = Clip (a, r)", {"p": -2, "q": 0.5, "r": -1}, ("Clip", -1, 0.5)),
        ("a = Clip (x, p) y = Clip (a, , q)", {"p": -0.5, "q": 0.5}, ("Clip", -0.5, 0.5)),
    ],
)
def test_bounds_merge(run, text: str, bounds, expected) -> None:
    ran = run(MergeRepeats(), chain(text, **bounds))
    (node,) = ran.graph
    ends = [ran.graph.initializers[name].data().item() for name in node.inputs[1:]]
    assert (node.op_type, *ends) == tuple(e for e in expected if e is not None)
    assert len(ran.graph.initializers) == len(ends)


def test_bounds_as_attributes(run) -> None:
    ran = run(MergeRepeats(), chain("a = Relu (x) y = Clip <min = -1.0, max = 6.0> (a)", 10))
    (node,) = ran.graph
    assert (node.op_type, node.float("min", -9), node.float("max", -9)) == ("Clip", 0, 6)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        # nothing is in both ranges: the second one wins, as Clip(x, 2, 1) = 1 might not
        ("a = Clip (x, p, q) y = Clip (a, r, s)", {"p": -2, "q": -1, "r": 1, "s": 2}),
        ("a = Relu (x) b = Clip (a, p, q) y = Add (a, b)", {"p": -1, "q": 0.5}),
        ("a = Clip (x, p, q) y = Relu (a)", {"p": 2, "q": 1}),  # upside down
        # without bounds it makes infinity the largest number
        ("a = Relu (x) b = Clip (a) y = Add (a, b)", {}),
        ("a = Relu (x) b = Clip (a, p) y = Add (a, b)", {"p": -1}),
        ("y = Clip (x)", {}),
    ],
)
def test_bounds_stay(run, text: str, bounds) -> None:
    ran = run(MergeRepeats(), chain(text, **bounds))
    assert not ran.outcome.rewrites


def test_one_that_others_read_stays_behind_what_it_makes_superfluous(run) -> None:
    ran = run(
        MergeRepeats(), chain("a = Relu (x) b = Clip (a, p, q) y = Add (a, b)", p=-1, q=np.inf)
    )
    assert ran.ops == ["Relu", "Add"]


def test_bounds_that_a_caller_may_override_are_none(run) -> None:
    graph = model(
        """g (float[3] x, float q) => (float[3] y) <float q = {6}> {
            a = Relu (x)
            y = Clip (a, , q)
        }"""
    )
    assert run(MergeRepeats(), graph).ops == ["Relu", "Clip"]


def test_half_precision_bounds(run) -> None:
    graph = model(
        "g (float16[3] x) => (float16[3] y) { a = Relu (x) y = Clip (a, p, q) }",
        p=np.array(-1, np.float16),
        q=np.array(6, np.float16),
    )
    ran = run(MergeRepeats(), graph)
    assert ran.ops == ["Clip"]
    assert all(t.data().dtype == np.float16 for t in ran.graph.initializers.values())
