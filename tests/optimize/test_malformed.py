"""Nodes that lack an input, an attribute, an output or what is in a body: one clear line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from onnx import ModelProto, parser

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, from_proto
from ocost.optimize import plan
from ocost.optimize.pipeline import run

DEVICE = find("x86-server-core")

BRANCHES = """<then_branch = t () => (float[2] a) { a = Relu (x) },
    else_branch = e () => (float[2] b) { b = Neg (x) }>"""
INVALID = {
    f"y = If () {BRANCHES}": "node 'y' (If) has 0 of the 1 inputs that it needs at least",
    'y = If ("") <then_branch = t () => (float[2] a) { a = Relu (x) }>': "(If) has no condition",
    "y = If (c) <then_branch = t () => (float[2] a) { a = Relu (x) }>": "(If) has no else_branch",
    "y = If (c) <then_branch = t () => () { a = Relu (x) }, "
    "else_branch = e () => (float[2] b) { b = Neg (x) }>": "has 1 outputs, but its then_branch "
    "gives 0",
    "y = Loop (n, c, x) <body = g (int64 i, bool k, float[2] s) => (bool k2) "
    "{ k2 = Identity (k) }>": "has 1 outputs, but its body gives 0",
    "y = Loop (n)": "(Loop) has 1 of the 2 inputs that it needs at least",
    "y = Loop (n, c, x)": "(Loop) has no body",
    "y = Add (x)": "(Add) has 1 of the 2 inputs that it needs at least",
    "y = Add (x, nobody)": "node 'y' (Add) reads tensor 'nobody', which nothing makes",
}


@pytest.mark.parametrize(("node", "says"), INVALID.items(), ids=range(len(INVALID)))
def test_an_invalid_model_is_told_in_one_line(node: str, says: str) -> None:
    missing = '("")' in node
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x, bool c, int64 n) => (float[2] y) {{ {node.replace('("")', "(c)")} }}"""
    model = parser.parse_model(text)
    if missing:
        model.graph.node[0].input[0] = ""
    graph = from_proto(model)
    with pytest.raises(OcostError) as told:
        run(graph, plan(onnxsim=False), DEVICE)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_no_pass_fails_on_a_node_that_lacks_something(onnx_node_cases: Any) -> None:
    """Of each operator of onnx's own node tests, one model spoilt in every way."""
    passes, seen, count = plan(onnxsim=False), set(), 0
    for case in onnx_node_cases:
        kinds = tuple((n.op_type, len(n.input)) for n in case.model.graph.node)
        if kinds in seen or len(kinds) > 3:
            continue
        seen.add(kinds)
        for what, model in _spoilt(case.model):
            count += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # numpy's, on nonsense that is folded
                    graph = from_proto(model)
                    cost_graph(graph, DEVICE)
                    made = run(graph, passes, DEVICE)
            except OcostError:
                continue
            assert not made.faults, (case.name, what)
    assert count > 1000


def _spoilt(model: ModelProto) -> Iterator[tuple[str, ModelProto]]:
    def copy() -> ModelProto:
        made = ModelProto()
        made.CopyFrom(model)
        return made

    for index, node in enumerate(model.graph.node):
        for slot in range(len(node.input)):
            made = copy()
            made.graph.node[index].input[slot] = ""
            yield f"input {slot} left out", made
            made = copy()
            del made.graph.node[index].input[slot:]
            yield f"inputs from {slot} on", made
        for slot, attribute in enumerate(node.attribute):
            made = copy()
            del made.graph.node[index].attribute[slot]
            yield f"attribute {attribute.name}", made
            for part in ("input", "output", "node") if attribute.HasField("g") else ():
                made = copy()
                del getattr(made.graph.node[index].attribute[slot].g, part)[:]
                yield f"{part} of {attribute.name}", made
        for slot, name in enumerate(node.output):
            made = copy()
            made.graph.node[index].output[slot] = ""
            for output in [o for o in made.graph.output if o.name == name]:
                made.graph.output.remove(output)
            yield f"output {slot}", made
