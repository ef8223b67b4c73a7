"""A session's memory, beside onnxruntime."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost import cost, find_device
from ocost.graph import from_proto, load
from ocost.graph.shapes import Given, infer
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.arena import arena_peak
from ocost.runtime.onnxruntime.growth import process_growth
from ocost.runtime.protocol import Options

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.mark.parametrize("model", ["@odd_channels", "@repvgg_a0", "@resnet18_qdq"])
def test_the_arena_is_told_exactly(model: str) -> None:
    graph = load(model)
    found = arena_peak(named(graph), Options(), make_feeds(graph, infer(graph)))
    told = cost(graph, "host", level="executed", threads=1).footprint()
    assert found is not None
    assert told.arena_peak_bytes == found.peak_bytes


def test_the_process_is_told_roughly() -> None:
    """Where holes lie in the heap is chance: within a third."""
    graph = load(LIGHT / "light_squeezenet.onnx")
    feeds = make_feeds(graph, infer(graph))
    grown = process_growth(named(graph), Options(), feeds)
    told = cost(graph, "host", level="executed", threads=1).footprint()
    if grown is None:
        pytest.skip("the system doesn't tell what is resident")
    assert told.process_growth_bytes == pytest.approx(grown.peak_bytes, rel=0.34)
    assert told.opening_bytes <= told.process_growth_bytes


def test_it_grows_with_the_batch() -> None:
    one, four = (
        cost("@odd_channels", given=Given(dims={"x[0]": batch}), level="executed").footprint()
        for batch in (1, 4)
    )
    assert four.arena_peak_bytes == 4 * one.arena_peak_bytes
    assert four.process_growth_bytes > one.process_growth_bytes


def test_a_runtime_without_rules_says_so() -> None:
    found = cost("@odd_channels", find_device("nvidia-t4"), level="executed").footprint()
    assert found.arena_peak_bytes is None
    assert "no rules" in found.reason


def test_two_bodies_may_name_their_weights_alike() -> None:
    """Each branch has a weight of its own, too large to be lost among small ones."""
    info, kind = helper.make_tensor_value_info, TensorProto.FLOAT

    def branch(op_type: str) -> onnx.GraphProto:
        weight = numpy_helper.from_array(np.ones((256, 256), np.float32), "w")
        node = helper.make_node(op_type, ["x", "w"], [f"{op_type}_out"])
        out = [info(f"{op_type}_out", kind, [256, 256])]
        return helper.make_graph([node], op_type, [], out, [weight])

    node = helper.make_node(
        "If", ["c"], ["y"], then_branch=branch("MatMul"), else_branch=branch("Add")
    )
    inputs = [info("c", TensorProto.BOOL, []), info("x", kind, [256, 256])]
    graph = helper.make_graph([node], "two", inputs, [info("y", kind, [256, 256])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    found = cost(from_proto(model), level="executed").footprint()
    assert not found.reason
    assert found.process_growth_bytes > 4 * 256 * 1024  # two weights, what goes in and comes out
