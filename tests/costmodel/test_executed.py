"""Costs of executed nodes: what a layout pads is told apart, MACs are the original's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost.costmodel import Device, GraphCost, cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.executed import executed_cost
from ocost.graph import Graph, from_proto, load
from ocost.lineage.attribution import attribute
from ocost.runtime.protocol import SessionLevel

NCHWC = "com.microsoft.nchwc"


@pytest.fixture(scope="module")
def device() -> Device:
    return find("x86-server-core")


def graph(nodes: list[Any], weights: dict[str, tuple[int, ...]], output: list[int]) -> Graph:
    """From x [1, 3, 8, 8] to y."""
    info = helper.make_tensor_value_info
    proto = helper.make_graph(
        nodes,
        "g",
        [info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [info("y", TensorProto.FLOAT, output)],
        [numpy_helper.from_array(np.zeros(shape, np.float32), n) for n, shape in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(NCHWC, 1)]
    return from_proto(helper.make_model(proto, opset_imports=opsets))


def costs(original: Graph, optimised: Graph, device: Device) -> GraphCost:
    return executed_cost(original, optimised, attribute(original, optimised), device)


def test_padded_channels(device: Device) -> None:
    """3 channels, then 13 and 17: the blocks of 16 make 16 and 32 of them."""
    original = graph(
        [
            helper.make_node("Conv", ["x", "w0", "b0"], ["c"], "n0", kernel_shape=[1, 1]),
            helper.make_node("Relu", ["c"], ["r"], "n1"),
            helper.make_node("Conv", ["r", "w1"], ["y"], "n2", kernel_shape=[1, 1]),
        ],
        {"w0": (13, 3, 1, 1), "b0": (13,), "w1": (17, 13, 1, 1)},
        [1, 17, 8, 8],
    )
    kernel = {"kernel_shape": [1, 1], "domain": NCHWC}
    optimised = graph(
        [
            helper.make_node(
                "Conv", ["x", "p0", "pb"], ["t0"], "r_nchwc", activation="Relu", **kernel
            ),
            helper.make_node("Conv", ["t0", "p1"], ["t1"], "y_nchwc", **kernel),
            helper.make_node("ReorderOutput", ["t1"], ["y"], "out", domain=NCHWC, channels=17),
        ],
        {"p0": (16, 3, 1, 1), "pb": (16,), "p1": (32, 16, 1, 1)},
        [1, 17, 8, 8],
    )
    found = costs(original, optimised, device)
    first, second, reorder = found.nodes
    assert found.level == "executed"
    assert [node.originals for node in found.nodes] == [("n0", "n1"), ("n2",), ("n2",)]
    # Weights and bias of 13 x 3, weights of 17 x 13: what padding adds are no parameters.
    assert found.totals.params == 13 * 3 + 13 + 17 * 13
    # 64 places: 13 of 3 channels. 2 x that, the bias and Relu; with 16 channels out, 3 more of 13.
    assert first.macs == 64 * 13 * 3
    assert first.flops == 2 * first.macs + 2 * 64 * 13
    assert first.padded_flops == 2 * 64 * 3 * 3 + 2 * 64 * 3
    # 17 of 13 channels; 32 of 16 are computed.
    assert second.macs == 64 * 17 * 13
    assert second.flops == 2 * second.macs
    assert second.padded_flops == 2 * 64 * (32 * 16 - 17 * 13)
    assert reorder.padded_flops == 0
    # Traffic is physical: x and weights, 16 channels out and in, 32 out and in, 17 out.
    assert first.read_bytes == 4 * (64 * 3 + 16 * 3 + 16)
    assert first.write_bytes == second.read_bytes - 4 * 32 * 16 == 4 * 64 * 16
    assert second.write_bytes == reorder.read_bytes == 4 * 64 * 32
    assert reorder.write_bytes == 4 * 64 * 17
    # 3 channels twice, 15 twice; weights 16 x 3 + 16 of 13 x 3 + 13, 32 x 16 of 17 x 13.
    weights = (16 * 3 + 16) - (13 * 3 + 13) + 32 * 16 - 17 * 13
    assert found.totals.padded_bytes == 4 * (64 * (2 * 3 + 2 * 15) + weights)
    assert found.totals.macs == cost_graph(original, device).totals.macs


def test_depthwise_groups_are_padded(device: Device) -> None:
    """3 groups become 16, of one channel each: the weight has but one input channel."""
    original = graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "n0", kernel_shape=[3, 3], group=3)],
        {"w": (3, 1, 3, 3)},
        [1, 3, 6, 6],
    )
    optimised = graph(
        [
            helper.make_node("ReorderInput", ["x"], ["t0"], "in", domain=NCHWC),
            helper.make_node(
                "Conv",
                ["t0", "p"],
                ["t1"],
                "y_nchwc",
                domain=NCHWC,
                kernel_shape=[3, 3],
                group=16,
            ),
            helper.make_node("ReorderOutput", ["t1"], ["y"], "out", domain=NCHWC, channels=3),
        ],
        {"p": (16, 1, 3, 3)},
        [1, 3, 6, 6],
    )
    conv = costs(original, optimised, device).nodes[1]
    # 36 places, 9 taps: 3 channels of 16.
    assert conv.macs == 36 * 9 * 3
    assert conv.padded_flops == 2 * 36 * 9 * 13


@pytest.mark.parametrize("sample", ["@gpt2_4l", "@mobilenet_v2", "@shufflenet_v2"])
def test_macs_are_the_original_s(sample: str, device: Device, optimised) -> None:
    original = load(sample)
    written = cost_graph(original, device)
    found = costs(original, optimised(original, SessionLevel.ALL), device)
    assert found.totals.macs == written.totals.macs
    assert found.coverage.unknown == ()
    assert found.totals.traffic_bytes < written.totals.traffic_bytes
    assert found.totals.file_bytes == written.totals.file_bytes
    names = {node.name for node in written.nodes}
    assert all(names.issuperset(node.originals) for node in found.nodes)
