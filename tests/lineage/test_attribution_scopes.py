"""Bodies, inlined branches and inlined functions are attributed like the rest."""

from __future__ import annotations

import pytest
from onnx import parser

from ocost.graph import Graph, from_proto, load
from ocost.lineage.attribution import attribute
from ocost.lineage.lineage import Lineage
from ocost.runtime.naming import named
from ocost.runtime.protocol import SessionLevel

HEAD = '<ir_version: 8, opset_import: ["":17, "own":1]>'


def read(text: str) -> Graph:
    return from_proto(parser.parse_model(f"{HEAD}\n{text}"))


def covers(found: Lineage) -> dict[str, str]:
    """What each executed node stands for, unmapped ones included."""
    return {node.name: " ".join(node.originals) for node in found.executed}


BRANCHES = """
g (float[2,4] x, bool c) => (float[2,4] y) {
    a = Relu(x)
    z = If (c) <
        then_branch = t () => (float[2,4] tz) { s = Sigmoid(a)  tz = Mul(a, s) },
        else_branch = e () => (float[2,4] ez) { n = Neg(a)  i = Identity(n)  ez = Exp(i) }
    >
    y = Tanh(z)
}"""


def test_both_branches_of_an_if(optimised) -> None:
    original = read(BRANCHES)
    found = attribute(original, optimised(original, SessionLevel.EXTENDED))
    assert {node.op_type for node in found.executed} == {
        "Relu", "If", "QuickGelu", "Neg", "Exp", "Tanh"
    }  # fmt: skip
    assert sorted(covers(found).values()) == [
        "a",
        "y",
        "z",
        "z/else_branch/ez",
        "z/else_branch/n",
        "z/then_branch/s z/then_branch/tz",
    ]
    assert found.originals == {
        "a": "once",
        "z": "once",
        "z/then_branch/s": "once",
        "z/then_branch/tz": "once",
        "z/else_branch/n": "once",
        "z/else_branch/i": "cse",
        "z/else_branch/ez": "once",
        "y": "once",
    }


@pytest.mark.parametrize("level", [SessionLevel.DISABLE, SessionLevel.ALL])
def test_a_decided_if(level: SessionLevel, optimised) -> None:
    """Its taken branch is inlined under names of onnxruntime's own."""
    text = BRANCHES.replace(", bool c)", ")").replace("{\n    a", "<bool c = {1}> {\n    a")
    original = read(text)
    found = attribute(original, optimised(original, level))
    assert "missing" not in found.originals.values()
    assert found.mapped == len(found.executed)
    if level is SessionLevel.ALL:
        assert sorted(covers(found).values()) == ["a", "y", "z/then_branch/s z/then_branch/tz"]
        assert found.originals["z"] == "folded"
        assert found.originals["z/else_branch/ez"] == "dead"


LOOP = """
g (float[2,4] x, int64 n, bool c) => (float[2,4] y, float[k,2,4] z) {
    a = Relu(x)
    y, z = Loop (n, c, a) <body = b (int64 i, bool go, float[2,4] s)
        => (bool co, float[2,4] so, float[2,4] w) {
            co = Identity(go)  p = Sigmoid(s)  q = Mul(s, p)  so = Add(q, a)  w = Abs(so)
        }>
}"""


def test_a_loop(optimised) -> None:
    original = read(LOOP)
    found = attribute(original, optimised(original, SessionLevel.EXTENDED))
    assert sorted(covers(found).values()) == [
        "a",
        "y",
        "y/body/co",
        "y/body/p y/body/q",
        "y/body/so",
        "y/body/w",
    ]
    assert set(found.originals.values()) == {"once"}


def test_a_scan(optimised) -> None:
    original = read("""
    g (float[4] x, float[3,4] v) => (float[4] y, float[3,4] z) {
        y, z = Scan <num_scan_inputs = 1, body = b (float[4] s, float[4] e)
            => (float[4] so, float[4] w) { so = Add(s, e)  g = Sigmoid(so)  w = Mul(so, g) }
        > (x, v)
    }""")
    found = attribute(original, optimised(original, SessionLevel.EXTENDED))
    assert sorted(covers(found).values()) == ["y", "y/body/g y/body/w", "y/body/so"]
    assert set(found.originals.values()) == {"once"}


FUNCTIONS = """
g (float[2,4] x) => (float[2,4] y) {
    a = own.f(x)
    b = own.f(a)
    y = Tanh(b)
}
<opset_import: ["":17, "own":1], domain: "own"> f (X) => (Y) { T = own.h(X)  Y = Exp(T) }
<opset_import: ["":17], domain: "own"> h (X) => (Y) { S = Abs(X)  Y = Sqrt(S) }
"""


@pytest.mark.parametrize("level", [SessionLevel.DISABLE, SessionLevel.ALL])
def test_functions_are_inlined_call_by_call(level: SessionLevel, optimised) -> None:
    original = read(FUNCTIONS)
    found = attribute(original, optimised(original, level))
    assert [(node.op_type, node.status, node.originals) for node in found.executed] == [
        ("Abs", "exact", ("a/T/S",)),
        ("Sqrt", "exact", ("a/T/Y",)),
        ("Exp", "exact", ("a/Y",)),
        ("Abs", "exact", ("b/T/S",)),
        ("Sqrt", "exact", ("b/T/Y",)),
        ("Exp", "exact", ("b/Y",)),
        ("Tanh", "exact", ("y",)),
    ]
    assert "a" not in found.originals  # a call is no work of its own
    assert set(found.originals.values()) == {"once"}


def test_the_named_model_is_as_good_as_the_original(optimised) -> None:
    original = read(LOOP)
    again = from_proto(named(original))
    saved = optimised(original, SessionLevel.EXTENDED)
    found = attribute(again, saved)
    assert found.mapped == len(found.executed)
    assert set(found.originals.values()) == {"once"}


def test_what_was_optimised_before(optimised) -> None:
    """The original has operators of onnxruntime's own: they stay."""
    original = load("@odd_channels")
    before = optimised(original, SessionLevel.EXTENDED)
    assert any(node.domain for node in before)
    found = attribute(before, optimised(before, SessionLevel.ALL))
    assert found.mapped == len(found.executed)
    assert set(found.originals.values()) == {"once"}


def test_another_graph_is_not_mapped(optimised) -> None:
    """Nothing of it is known: every node is said to be unmapped, every original missing."""
    other = read("g (float[2,4] u) => (float[2,4] w) { v = Sin(u)  w = Cos(v) }")
    found = attribute(read(BRANCHES), optimised(other, SessionLevel.ALL))
    assert {node.status for node in found.executed} == {"unmapped"}
    assert found.mapped == 0
    assert found.originals["y"] == "missing"


@pytest.mark.parametrize(
    "name",
    [
        "test_group_normalization_example",
        "test_linear_attention_explicit_scale",
        "test_range_float16_type_positive_delta",
        "test_sequence_map_add_2_sequences",
    ],
)
def test_an_operator_that_onnxruntime_expands(name: str, onnx_node_cases, optimised) -> None:
    """One operator of onnx becomes many, some of them in bodies that the original lacks."""
    original = from_proto(next(case.model for case in onnx_node_cases if case.name == name))
    found = attribute(original, optimised(original, SessionLevel.ALL))
    assert len(found.executed) > len(original)
    status = {node.status for node in found.executed}
    assert "group" in status
    assert status <= {"group", "const", "exact"}
    assert set(found.originals.values()) == {"multi"}
