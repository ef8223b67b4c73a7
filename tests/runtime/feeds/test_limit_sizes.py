"""Sizes at a graph's own whole numbers."""

from __future__ import annotations

import pytest

from ocost.runtime.feeds.limit_sizes import limits

from .conftest import opened
from .test_plan import sizes

SLICED = """g (float[n,%d] x) => (float[k,%d] y) <int64[1] a = {0}, int64[1] b = {%d}>
{ y = Slice (x, a, b) }"""


def test_numbers_that_cut_count_and_those_that_say_where_do_not() -> None:
    found = opened(
        """g (float[n,6] x) => (float[a,b] y, float[c,d] z) <int64[1] one = {-1},
        int64[1] far = {-70}, int64[1] axis = {1}, int64[2] shape = {-1, 13}, int64[1] end = {9}>
        { s = Slice (x, one, far, axis) y = Reshape (s, shape) e = Shape (x) m = Min (e, end)
          z = Expand (x, m) }"""
    )
    assert limits(found.graph) == [70, 9]


def test_one_more_and_one_less_are_tried_too() -> None:
    tried = {shape[0] for shape in sizes(opened(SLICED % (6, 6, 77)).plan(), "x")}
    assert {76, 77, 78} <= tried


def test_the_numbers_of_the_other_model_count() -> None:
    one = opened("g (float[n,6] x) => (float[k,6] y) { y = Identity (x) }")
    other = opened(SLICED % (6, 6, 77))
    assert 78 not in {shape[0] for shape in sizes(one.plan(), "x")}
    assert 78 in {shape[0] for shape in sizes(one.plan(beside=other.graph), "x")}


@pytest.mark.parametrize(("width", "tried"), [(4096, False), (4, True)])
def test_inputs_do_not_become_a_burden(width: int, tried: bool) -> None:
    found = opened(SLICED % (width, width, 9000)).plan()
    assert ((9001, width) in sizes(found, "x")) is tried


def test_each_of_two_axes_where_they_do_not_fit_together() -> None:
    found = opened(
        """g (float[2,n] x, float[m] w) => (float[2,k] y, float[m] z)
        <int64[1] a = {0}, int64[1] b = {40}, int64[1] one = {1}>
        { y = Slice (x, a, b, one) z = Relu (w) }"""
    ).plan()
    assert any(41 in shape for shape in sizes(found, "x"))
