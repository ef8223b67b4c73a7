"""A rewrite never takes a name in use: of a tensor, a node, a declaration, in any body."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from ocost.graph import Graph, Node, from_proto, to_proto, verify
from ocost.passes import passes
from ocost.rewrite.edit import Edit
from ocost.rewrite.scope import scopes


def always(_before: Graph, _after: Graph) -> bool:
    """Everything pays."""
    return True


def clash() -> Graph:
    """Two layers whose ReLUs have the names of the tensors that they read."""
    rng = np.random.default_rng(0)
    f = TensorProto.FLOAT
    nodes = []
    for i in range(2):
        nodes += [
            helper.make_node("MatMul", ["x", f"w{i}"], [f"h{i}"], f"dense_{i}"),
            helper.make_node("Relu", [f"h{i}"], [f"y{i}"], f"h{i}"),
        ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", f, [8, 16])],
        [helper.make_tensor_value_info(f"y{i}", f, [8, 4]) for i in range(2)],
        [
            numpy_helper.from_array(rng.standard_normal((16, 4)).astype(np.float32), f"w{i}")
            for i in range(2)
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return from_proto(helper.make_model(graph, ir_version=8, opset_imports=opset))


@pytest.mark.parametrize("name", passes())
def test_nodes_that_are_called_as_tensors_are(name: str) -> None:
    one = passes()[name]()
    if "pays" in {f.name for f in fields(one)}:
        one = replace(one, pays=always)  # type: ignore[call-arg] # a field of some
    graph = clash()
    one.run(graph)
    verify(graph)
    again = from_proto(to_proto(graph))
    assert [node.id for node in again] == [node.id for node in graph]


def test_siblings_are_merged_though_others_have_their_outputs_names() -> None:
    graph = clash()
    made = passes()["merge-siblings"](pays=always).run(graph)  # type: ignore[call-arg] # a field of it
    assert made.rewrites
    assert [node.op_type for node in graph].count("MatMul") == 1


@pytest.mark.parametrize("named", [True, False])
def test_a_node_gets_an_id_of_its_own(named: bool) -> None:
    graph = clash()
    made = graph.apart(Node.make("Neg", ["x"], ["h0"], name="h0" if named else ""))
    assert made.id == "h0'"
    assert made.name == ("h0'" if named else "")
    free = Node.make("Neg", ["x"], ["n"])
    assert graph.apart(free) is free


def test_a_fresh_name_is_new_everywhere() -> None:
    text = """<ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x, bool c) => (float[2] y) <float[3] declared, float[2] two = {1, 2}> {
            y = If (c) <
                then_branch = t () => (float[2] a) <float[2] k = {1, 2}>
                    { inner = Add (x, k) a = Relu (inner) },
                else_branch = e () => (float[2] b) { b = Neg (x) }>
        }"""
    model = parser.parse_model(text)
    model.graph.node[0].name = "choice"
    model.graph.value_info.append(helper.make_tensor_value_info("said", TensorProto.FLOAT, [7]))
    taken = ("x", "c", "y", "two", "said", "declared", "choice", "a", "b", "k", "inner")
    for scope in scopes(from_proto(model)):
        edit = Edit(scope)
        for name in taken:
            assert edit.fresh(name) != name, name
        assert edit.fresh("new") == "new"
        assert edit.fresh("new") == "new_1"
        break
