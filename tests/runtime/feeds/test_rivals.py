"""Inputs at the thresholds and beside the limits of what reads them."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.graph.shapes import infer
from ocost.runtime.feeds.rivals import Rival, rivals

from .conftest import opened


def found(text: str) -> tuple[Rival, ...]:
    return rivals(infer(opened(text).graph), "x")


def test_an_input_meets_a_tensor_of_thresholds_element_by_element() -> None:
    (one,) = found(
        """g (float[2,3] x) => (bool[2,3] y) <float[3] t = {0.5, -2.0, 4.0}>
        { n = Identity (x) y = Less (t, n) }"""
    )
    met = one.contents((2, 3), 0)
    assert met[0].tolist() == [0.5, -2, 4]
    later = np.concatenate([one.contents((2, 3), turn) for turn in range(4)])
    assert ((later >= [0.5, -2, 4]) & (later <= [0.501, -1.99, 4.01])).all()
    beyond = {tuple(row) for row in (later > [0.5, -2, 4]).tolist()}
    assert len(beyond) == 8  # every combination


def test_thresholds_of_another_shape_come_over_and_over() -> None:
    assert Rival(np.array([1.0, 2.0])).contents((3,), 0).tolist() == [1, 2, 1]
    assert Rival(np.array([1.0, 2.0])).contents((), 0).shape == ()


def test_the_furthest_codes_of_a_quantiser_come_first_and_stay_beside_the_limits() -> None:
    (one,) = found(
        """g (float[4] x) => (uint8[4] y) <float s = {0.5}, uint8 z = {128}>
        { y = QuantizeLinear (x, s, z) }"""
    )
    inner, outer = (one.contents((4,), turn) / 0.5 for turn in (0, 1))
    # Half a step from the codes 0 and 255, 1 and 254: -127.5, 126.5, -126.5 and so on from 0.
    assert np.abs(np.sort(np.abs(outer)) - [125.52, 126.52, 126.52, 127.52]).max() < 1e-6
    assert (np.abs(inner) < np.abs(outer)).all()
    assert np.abs(outer).max() - np.abs(inner).max() == pytest.approx(0.04)


def test_each_channel_has_its_scale() -> None:
    (one,) = found(
        """g (float[2,3] x) => (int8[2,3] y) <float[2] s = {0.5, 2.0}, int8[2] z = {0, 0}>
        { y = QuantizeLinear <axis = 0> (x, s, z) }"""
    )
    made = one.contents((2, 3), 0)
    assert (np.abs(made[0]) <= 64).all()
    assert (np.abs(made[1]) > 200).all()


@pytest.mark.parametrize(
    "text",
    [
        "g (float[3] x) => (bool[3] y) <float t = {0.5}> { y = Less (x, t) }",  # an edge of all
        "g (float[3] x, float[3] z) => (bool[3] y) { y = Less (x, z) }",
        "g (float[3] x) => (float[3] y) <float[3] t = {1, 2, 3}> { y = Add (x, t) }",
    ],
)
def test_others_have_none(text: str) -> None:
    assert found(text) == ()
