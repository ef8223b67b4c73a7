"""A graph as one list of operations: names resolved, functions and decided branches inlined."""

from __future__ import annotations

from onnx import parser

from ocost.graph import from_proto
from ocost.lineage.flat import NONE, Flat

HEAD = '<ir_version: 8, opset_import: ["":17, "own":1]>'
BRANCHES = """
g (float[4] x) => (float[4] y) <bool c = {1}> {
    a = Relu(x)
    z = If (c) <then_branch = t () => (float[4] u) { s = Neg(a)  u = Exp(s) },
                else_branch = e () => (float[4] u) { u = Abs(a) }>
    y = Tanh(z)
}"""


def flat(text: str, kept: set[str] | None = None) -> Flat:
    return Flat(from_proto(parser.parse_model(f"{HEAD}\n{text}")), kept)


def reads(graph: Flat) -> dict[str, list[str]]:
    """Who makes what an operation reads; the tensor itself where nobody does."""

    def source(tensor: int) -> str:
        maker = graph.maker[tensor]
        return graph.paths[tensor] if maker is None else maker.id

    return {op.id: [source(tensor) for tensor in op.inputs] for op in graph.ops}


def test_bodies_read_the_scopes_around_them() -> None:
    graph = flat(BRANCHES)
    assert reads(graph) == {
        "a": ["x"],
        "z": ["c", "a"],  # a is captured
        "z/then_branch/s": ["a"],
        "z/then_branch/u": ["z/then_branch/s"],
        "z/else_branch/u": ["a"],
        "y": ["z"],
    }
    assert [op.frame for op in graph.ops] == [0, 0, 1, 1, 2, 0]
    assert [op.id for op in graph.readers[graph.frames[0].names["a"]]] == [
        "z",
        "z/then_branch/s",
        "z/else_branch/u",
    ]


def test_a_decided_branch_is_inlined_unless_the_if_is_kept() -> None:
    graph = flat(BRANCHES, kept=set())
    assert reads(graph) == {
        "a": ["x"],
        "z/then_branch/s": ["a"],
        "z/then_branch/u": ["z/then_branch/s"],
        "y": ["z/then_branch/u"],
    }
    assert graph.decided == ["z"]
    assert graph.untaken == ["z/else_branch/u"]
    assert reads(flat(BRANCHES, kept={"z"})) == reads(flat(BRANCHES))


def test_functions_are_inlined() -> None:
    graph = flat("""
    g (float[4] x) => (float[4] y) { a = own.f(x)  y = own.f(a) }
    <opset_import: ["":17], domain: "own"> f (X) => (Y) { T = Neg(X)  Y = Exp(T) }""")
    assert reads(graph) == {"a/T": ["x"], "a/Y": ["a/T"], "y/T": ["a/Y"], "y/Y": ["y/T"]}
    assert {op.frame for op in graph.ops} == {0}


def test_an_input_that_is_left_out() -> None:
    graph = flat("g (float[4] x, float m) => (float[4] y) { y = Clip(x, , m) }")
    (op,) = graph.ops
    assert op.reads[1] == NONE
    assert [graph.paths[tensor] for tensor in op.inputs] == ["x", "m"]
