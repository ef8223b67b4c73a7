"""Concats of Concats."""

from __future__ import annotations

import pytest

from ocost.passes.concats import MergeConcats

from .conftest import model


def test_merged_in_order(run) -> None:
    graph = model(
        """g (float[2, 3] p, float[2, 4] q, float[2, 5] r) => (float[2, 23] y) {
            a = Concat <axis = -1> (q, p)
            b = Concat <axis = 1> (r, q)
            c = Concat <axis = 1> (a, p)
            y = Concat <axis = 1> (p, c, b, q)
        }"""
    )
    ran = run(MergeConcats(), graph)
    (node,) = ran.graph
    assert node.inputs == ("p", "q", "p", "p", "r", "q", "q")


def test_one_that_comes_twice(run) -> None:
    graph = model(
        """g (float[2, 3] p, float[2, 4] q) => (float[2, 14] y) {
            a = Concat <axis = 1> (p, q)
            y = Concat <axis = 1> (a, a)
        }"""
    )
    (node,) = run(MergeConcats(), graph).graph
    assert node.inputs == ("p", "q", "p", "q")


@pytest.mark.parametrize(
    ("first", "outputs"),
    [
        ("a = Concat <axis = 0> (p, p)", "y = Concat <axis = 1> (a, a) z = Neg (y)"),
        ("a = Concat <axis = 1> (p, p)", "y = Concat <axis = 1> (a, p) z = Neg (a)"),
    ],
)
def test_another_axis_or_reader(run, first: str, outputs: str) -> None:
    graph = model(f"g (float[2, 3] p) => (float[A, B] y, float[C, D] z) {{ {first} {outputs} }}")
    ran = run(MergeConcats(), graph)
    assert not ran.outcome.rewrites


def test_axes_counted_from_both_ends_of_an_unknown_rank_stay() -> None:
    graph = model(
        """g (float[] x) => (float[] y) {
            a = Concat <axis = 1> (x, x)
            y = Concat <axis = -1> (a, a)
        }"""
    )
    MergeConcats().run(graph)
    assert len(graph) == 2
