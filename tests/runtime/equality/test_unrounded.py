"""Where no operation rounds, no rounding explains another choice at a tie or a limit."""

from __future__ import annotations

import onnx
import pytest

from ocost.graph import Graph, from_proto
from ocost.runtime.equality.equivalence import check
from ocost.runtime.equality.unrounded import pin, unrounded

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


def pinned(text: str) -> tuple[onnx.ModelProto, dict[str, str]]:
    model = onnx.parser.parse_model(HEAD + text)
    copies = dict(pin(model))
    onnx.checker.check_model(model)
    return model, copies


def test_what_jumps_reads_copies_and_the_rest_what_is_shaken() -> None:
    model, copies = pinned(
        """(float[n] x) => (float[n] y) <float[2] t = {0.5, 0.7}>
        { a = Neg (x) c = Greater (a, t) e = Exp (a) y = Where (c, e, a) }"""
    )
    assert copies == {name: f"{name}/as fed" for name in ("x", "t", "a")}
    assert [value.name for value in model.graph.input] == ["x", "x/as fed"]
    assert [tensor.name for tensor in model.graph.initializer] == ["t", "t/as fed"]
    read = {node.op_type: list(node.input) for node in model.graph.node if node.op_type != "Neg"}
    assert read == {
        "Greater": ["a/as fed", "t/as fed"],
        "Exp": ["a"],
        "Where": ["c", "e", "a"],
    }
    negs = [(node.input[0], node.output[0]) for node in model.graph.node if node.op_type == "Neg"]
    assert sorted(negs) == [("x", "a"), ("x/as fed", "a/as fed")]


def test_a_body_reads_copies_of_what_is_outside() -> None:
    model, copies = pinned(
        """(float[n] x, bool f) => (float[n] y) <float[1] t = {0.5}> {
          r = Relu (x)
          y = If (f) <
            then_branch = a () => (float[n] u) { c = Less (r, t) u = Where (c, r, x) },
            else_branch = b () => (float[n] v) { v = Exp (r) }> }"""
    )
    assert set(copies) == {"x", "r", "t"}
    then = model.graph.node[-1].attribute[0].g
    assert list(then.node[0].input) == ["r/as fed", "t/as fed"]
    assert list(then.node[1].input) == ["c", "r", "x"]


@pytest.mark.parametrize(
    "nodes",
    [
        "a = Mul (x, x) c = Greater (a, t) y = Where (c, a, x)",  # rounds before it compares
        "a = Relu (x) y = Exp (a)",
        "s = Shape (x) f = Cast <to = 1> (s) g = Cast <to = 1> (s) c = Less (f, g) y = Exp (x)",
    ],
)
def test_nothing_is_copied_where_nothing_jumps_on_what_is_fed(nodes: str) -> None:
    text = f"(float[n] x) => (float[n] y) <float t = {{0.5}}> {{ {nodes} }}"
    before = onnx.parser.parse_model(HEAD + text)
    model, copies = pinned(text)
    assert copies == {}
    assert model == before


def test_a_copy_takes_no_name_in_use() -> None:
    text = "(float[n] x) => (float[n] y) { z = Round (x) e = Exp (x) y = Add (z, e) }"
    model = onnx.parser.parse_model(HEAD + text)
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = ["x/as fed" if name == "z" else name for name in names]
    assert pin(model) == {"x": "x/as fed'"}
    onnx.checker.check_model(model)
