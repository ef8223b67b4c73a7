"""Where no operation rounds, no rounding explains another choice at a tie or a limit."""

from __future__ import annotations

import onnx
import pytest

from ocost.graph import Graph, from_proto
from ocost.runtime.equality.equivalence import check
from ocost.runtime.equality.unrounded import unrounded

HEAD = '<ir_version: 8, opset_import: ["": 18]> g '
LIMIT = "(float[n] a, float[n] b) => (float[n] y) <float t = {7.5}> { %s }"
TIES = "(float[n,5] x) => (int64[n,1] y) { %s }"
HALVES = "(float[n] x) => (float[n] y) <float h = {0.5}> { %s }"


def graph(text: str) -> Graph:
    return from_proto(onnx.parser.parse_model(HEAD + text))


@pytest.mark.parametrize(
    ("frame", "before", "after"),
    [
        (
            LIMIT,
            "c = Greater (a, t) y = Where (c, a, b)",
            "c = GreaterOrEqual (a, t) y = Where (c, a, b)",
        ),
        (TIES, "y = ArgMax <axis = 1> (x)", "y = ArgMax <axis = 1, select_last_index = 1> (x)"),
        (HALVES, "y = Round (x)", "s = Add (x, h) y = Floor (s)"),
        (
            HALVES,
            "y = ThresholdedRelu <alpha = 0.5> (x)",
            "z = Sub (h, h) c = Less (x, h) y = Where (c, z, x)",
        ),
    ],
    ids=["limit", "ties", "halves", "threshold"],
)
def test_another_choice_among_the_numbers_that_are_fed_is_a_difference(
    frame: str, before: str, after: str
) -> None:
    assert check(graph(frame % before), graph(frame % after)).ok is False
    assert check(graph(frame % before), graph(frame % before)).ok is True


def test_a_choice_among_rounded_numbers_may_change() -> None:
    text = "(float[n,5] x) => (int64[n,1] y) <float c = {0.1}, float d = {0.3}> { %s }"
    before = graph(text % "p = Mul (x, c) q = Mul (p, d) y = ArgMax <axis = 1> (q)")
    after = graph(text % "e = Mul (c, d) q = Mul (x, e) y = ArgMax <axis = 1> (q)")
    assert check(before, after).ok is not False


def test_arithmetic_and_narrow_casts_round() -> None:
    found = graph(
        """(float[n] x) => (float[n] a, float[n] b, float16[n] c, int64[n] d, float[n] e)
        { a = Neg (x) b = Exp (x) c = Cast <to = 10> (x) d = Cast <to = 7> (x) e = Abs (b) }"""
    )
    assert unrounded(found) == {"a", "d"}
