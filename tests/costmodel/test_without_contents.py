"""Small constants whose data a file leaves out: what rests on them is not known, the rest is."""

import itertools

import pytest
from onnx import TensorProto, helper

import ocost
from ocost.graph import from_proto

INDICES = {"Tile": [2], "Expand": [2], "Reshape": [2]}
OPERATORS = ["GatherElements", "Gather", "Tile", "Expand", "Reshape", "Slice"]
WHOLE = {"GatherElements", "Gather"}  # whose shape no contents decide


@pytest.mark.parametrize("level", ["written", "executed"])
@pytest.mark.parametrize(
    ("op_type", "bare"),
    [*itertools.product(OPERATORS, ["x", "i", "xi"])],
)
def test_they_are_costed_and_told_of(op_type, bare, level):
    shapes = {"x": (TensorProto.FLOAT, [3, 3]), "i": (TensorProto.INT64, INDICES.get(op_type, [2]))}
    if op_type == "GatherElements":
        shapes["i"] = (TensorProto.INT64, [2, 3])
    inputs, stored = [], []
    for name, (dtype, dims) in shapes.items():
        if name in bare:
            stored.append(TensorProto(name=name, data_type=dtype, dims=dims))
        else:
            inputs.append(helper.make_tensor_value_info(name, dtype, dims))
    reads = ["x", "i", "i"] if op_type == "Slice" else ["x", "i"]
    nodes = [helper.make_node(op_type, reads, ["t"]), helper.make_node("Relu", ["t"], ["y"])]
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", inputs, [made], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    cost = ocost.cost(from_proto(model), level=level)
    assert any(note.startswith("costed without weights: the contents of") for note in cost.notes)
    assert not (op_type in WHOLE and cost.coverage.unknown)
    assert all(unknown.reason for unknown in cost.coverage.unknown)
