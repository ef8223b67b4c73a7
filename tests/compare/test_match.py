"""Nodes find each other by name, by tensor, and, where all is renamed, by dataflow."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
from onnx import ModelProto

from ocost.compare import match
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto, load, to_proto
from ocost.optimize import plan
from ocost.optimize.pipeline import run


def renamed(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The graph with every node and inner tensor renamed, and new node ids to the old ones."""
    model: ModelProto = to_proto(graph)
    keep = {*graph.inputs, *graph.outputs}
    tensors = {o: f"t{i}" for i, o in enumerate(o for n in model.graph.node for o in n.output)}
    tensors |= {t.name: f"w{i}" for i, t in enumerate(model.graph.initializer)}
    names = {}
    for index, node in enumerate(model.graph.node):
        names[f"n{index}"] = node.name
        node.name = f"n{index}"
        for side in (node.input, node.output):
            side[:] = [t if t in keep else tensors.get(t, t) for t in side]
    for tensor in model.graph.initializer:
        tensor.name = tensors[tensor.name]
    del model.graph.value_info[:]
    return from_proto(model), names


def macs(graph: Graph) -> dict[str, object]:
    return {n.name: n.macs for n in cost_graph(graph, find("x86-server-core")).nodes}


def test_a_graph_matches_itself_by_name() -> None:
    graph = load("@odd_channels")
    assert match(graph, graph) == {n.id: (n.id, "name") for n in graph}


def test_a_renamed_graph_matches_by_dataflow() -> None:
    graph = load("@shufflenet_v2")
    other, names = renamed(graph)
    found = match(graph, other, (macs(graph), macs(other)))
    assert set(found) == {n.id for n in graph}
    wrong = {a: b for a, (b, _) in found.items() if names[b] != a}
    # Equal constants, and what equal branches do to them, may stand in for each other.
    kinds = {graph.node(a).op_type for a in wrong}
    assert kinds <= {"Constant", "Unsqueeze", "Concat"}


@pytest.mark.parametrize("name", ["@odd_channels", "@resnet18", "@mobilenet_v2"])
def test_what_optimising_keeps_is_found_though_all_is_renamed(name: str) -> None:
    before = load(name)
    optimised = run(before, plan(onnxsim=False, padding="off"), find("x86-server-core")).graph
    after, names = renamed(optimised)
    found = match(before, after, (macs(before), macs(after)))
    new = {n.id for n in after} - {b for b, _ in found.values()}
    assert {after.node(n).op_type for n in new} <= {"Constant"}
    right = [a for a, (b, _) in found.items() if names[b] == a]
    assert len(right) >= 0.95 * len(optimised)


def test_the_same_tensor_under_another_node_name() -> None:
    before = load("@odd_channels")
    model = to_proto(before)
    for index, node in enumerate(model.graph.node):
        node.name = f"n{index}"
    assert {how for _, how in match(before, from_proto(model)).values()} == {"tensor"}


def test_nothing_in_common() -> None:
    found = match(load("@odd_channels"), load("@gpt2_4l"))
    assert len(found) <= 2  # an operator of both may be taken for the same


@pytest.mark.parametrize("level", ["EXTENDED", "ALL"])
def test_what_onnxruntime_fuses_is_found_under_its_new_name(level: str, tmp_path: Path) -> None:
    before = load("@odd_channels")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(
        onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{level}"
    )
    options.optimized_model_filepath = str(tmp_path / "saved.onnx")
    options.log_severity_level = 4
    model = to_proto(before, "filled").SerializeToString()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    after = load(tmp_path / "saved.onnx")
    found = match(before, after)
    convolutions = [n.id for n in before if n.op_type in ("Conv", "Gemm")]
    assert convolutions
    for node_id in convolutions:
        assert after.node(found[node_id][0]).op_type in ("Conv", "FusedConv", "Gemm", "FusedGemm")
