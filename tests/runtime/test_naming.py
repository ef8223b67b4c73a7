"""Every node goes to the runtime under its own path."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper

from ocost.graph import from_proto, graph_sha256, load
from ocost.graph.wire import payload
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Options

F = onnx.TensorProto.FLOAT


def value(name: str, *shape: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, F, shape)


def names(graph: onnx.GraphProto) -> list[str]:
    """Of all nodes, those of bodies after their owner."""
    found = []
    for node in graph.node:
        found.append(node.name)
        for attribute in node.attribute:
            for body in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                found += names(body)
    return found


def test_nodes_without_a_name_of_their_own_get_one() -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["a"]),
            helper.make_node("Relu", ["a"], ["b"], "twice"),
            helper.make_node("Relu", ["b"], ["c"], "twice"),
            helper.make_node("Relu", ["c"], ["y"], "once"),
        ],
        "g",
        [value("x", 2)],
        [value("y", 2)],
    )
    model = helper.make_model(graph)
    assert names(named(from_proto(model)).graph) == ["a", "b", "c", "once"]
    assert [node.name for node in model.graph.node] == ["", "twice", "twice", "once"]


def test_bodies_and_calls_of_functions_are_named_too() -> None:
    body = helper.make_graph([helper.make_node("Neg", ["x"], ["t"])], "then", [], [value("t", 2)])
    other = helper.make_graph([helper.make_node("Abs", ["x"], ["e"])], "else", [], [value("e", 2)])
    function = helper.make_function(
        "own",
        "Double",
        ["i"],
        ["o"],
        [helper.make_node("Add", ["i", "i"], ["o"])],
        [helper.make_opsetid("", 17)],
    )
    graph = helper.make_graph(
        [
            helper.make_node("If", ["c"], ["h"], then_branch=body, else_branch=other),
            helper.make_node("Double", ["h"], ["y"], domain="own"),
        ],
        "g",
        [value("x", 2), helper.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])],
        [value("y", 2)],
    )
    model = helper.make_model(
        graph,
        functions=[function],
        ir_version=8,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
    )
    made = named(from_proto(model))
    assert set(names(made.graph)) == {"h", "h/then_branch/t", "h/else_branch/e", "y"}
    assert [node.name for node in made.functions[0].node] == [""]
    open_session(made, Options())


@pytest.mark.parametrize("sample", ["silero_vad", "mobilenet_v2"])
def test_the_samples_are_filled_and_their_names_unique(sample: str) -> None:
    graph = load(f"@{sample}")
    before = graph_sha256(graph)
    made = named(graph)
    expected = [scope.path(node) for scope, node in graph.walk()]
    assert sorted(names(made.graph)) == sorted(expected)
    assert len(set(expected)) == len(expected)
    assert all(payload(tensor) is None for tensor in made.graph.initializer)
    assert graph_sha256(graph) == before
    onnx.checker.check_model(made)
