"""Rules of com.microsoft.nchwc against the tensors of models that onnxruntime blocked itself."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ValueInfoProto, helper, numpy_helper

from ocost.graph.node import Node
from ocost.graph.shapes.info import Info, Quality, ShapeCall, shape_rules

NCHWC = "com.microsoft.nchwc"
FLOAT = onnx.TensorProto.FLOAT


def weight(name, *dims):
    return numpy_helper.from_array(np.ones(dims, np.float32), name)


def conv(x, w, y, **attributes):
    return helper.make_node("Conv", [x, w], [y], **attributes)


def blocked(tmp_path, nodes, weights, shape):
    """Nodes of the optimised model, and every tensor's shape in a run of it."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [ValueInfoProto(name="y")],
        weights,
    )
    opsets = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = str(tmp_path / "blocked.onnx")
    providers = ["CPUExecutionProvider"]
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    saved = onnx.load(tmp_path / "blocked.onnx")
    names = [o for node in saved.graph.node for o in node.output]
    del saved.graph.output[:]
    saved.graph.output.extend(ValueInfoProto(name=n) for n in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(saved.SerializeToString(), options, providers=providers)
    arrays = session.run(names, {"x": np.zeros(shape, np.float32)})
    shapes = {n: a.shape for n, a in zip(names, arrays, strict=True)}
    shapes |= {i.name: tuple(i.dims) for i in saved.graph.initializer} | {"x": shape}
    return saved.graph.node, shapes


MODELS = {
    "convolutions": (
        [
            conv("x", "w0", "a", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["a"], ["b"]),
            conv("b", "w1", "c", auto_pad="SAME_UPPER", strides=[2, 2]),
            helper.make_node("MaxPool", ["c"], ["d"], kernel_shape=[3, 3], strides=[2, 2]),
            conv("d", "w2", "y"),
        ],
        # 28 output channels fill 2 blocks of 16, or 4 of 8; 5 fill one
        [weight("w0", 28, 3, 3, 3), weight("w1", 48, 28, 3, 3), weight("w2", 5, 48, 1, 1)],
        (1, 3, 17, 19),
    ),
    "blocked input": ([conv("x", "w", "y")], [weight("w", 16, 32, 3, 3)], (2, 32, 9, 8)),
    "pools": (
        [
            conv("x", "w", "a"),
            helper.make_node(
                "AveragePool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1
            ),
            helper.make_node("GlobalAveragePool", ["b"], ["y"]),
        ],
        [weight("w", 32, 16, 2, 2)],
        (1, 16, 10, 9),
    ),
    "global maximum": (
        [conv("x", "w", "a"), helper.make_node("GlobalMaxPool", ["a"], ["y"])],
        [weight("w", 32, 16, 2, 2)],
        (1, 16, 10, 9),
    ),
    "upsampling": (
        [
            conv("x", "w", "a"),
            helper.make_node("Resize", ["a", "", "scales"], ["y"], mode="nearest",
                coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
        ],
        [
            weight("w", 16, 16, 1, 1),
            numpy_helper.from_array(np.float32([1, 1, 2, 3]), "scales"),
        ],
        (1, 16, 5, 7),
    ),
    "channels last": (
        [
            helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
            conv("t", "w", "a"),
            helper.make_node("Transpose", ["a"], ["y"], perm=[0, 2, 3, 1]),
        ],
        [weight("w", 32, 32, 3, 3)],
        (1, 9, 8, 32),
    ),
}  # fmt: skip

EXPECTED = {
    "convolutions": {"Conv", "MaxPool", "ReorderOutput"},
    "blocked input": {"ReorderInput", "Conv", "ReorderOutput"},
    "pools": {"ReorderInput", "Conv", "AveragePool", "GlobalAveragePool", "ReorderOutput"},
    "global maximum": {"ReorderInput", "Conv", "GlobalMaxPool", "ReorderOutput"},
    "upsampling": {"ReorderInput", "Conv", "Upsample", "ReorderOutput"},
    "channels last": {"ReorderInput", "Conv", "ReorderOutput"},
}


@pytest.mark.parametrize("name", MODELS)
def test_same_shapes_as_onnxruntime(name, tmp_path):
    nodes, shapes = blocked(tmp_path, *MODELS[name])
    seen = set()
    for proto in nodes:
        if proto.domain != NCHWC:
            continue
        seen.add(proto.op_type)
        node = Node(
            id="n",
            op_type=proto.op_type,
            inputs=tuple(proto.input),
            outputs=tuple(proto.output),
            attributes={a.name: a for a in proto.attribute},
            domain=NCHWC,
        )
        inputs = [Info(FLOAT, shapes[n]) if n else None for n in node.inputs]
        (info,) = shape_rules()[NCHWC, proto.op_type](ShapeCall(node, inputs, 1))
        assert info.resolved == shapes[proto.output[0]], proto.op_type
        assert info.dtype == FLOAT
        assert info.quality == Quality.EXACT
    assert seen == EXPECTED[name]


def test_the_block_is_assumed_to_be_the_larger_one():
    # 24 channels are three blocks of 8, but take two of 16
    node = Node.make("ReorderInput", ["x"], ["y"], domain=NCHWC)
    call = ShapeCall(node, [Info(FLOAT, (1, 24, 5, 5))])
    (info,) = shape_rules()[NCHWC, "ReorderInput"](call)
    assert info.shape == (1, 32, 5, 5)
    assert info.quality == Quality.BOUND


def test_channels_last():
    node = Node.make("ReorderInput", ["x"], ["y"], domain=NCHWC, channels_last=1)
    (info,) = shape_rules()[NCHWC, "ReorderInput"](ShapeCall(node, [Info(FLOAT, (1, 5, 6, 16))]))
    assert info.shape == (1, 16, 5, 6)
    node = Node.make("ReorderOutput", ["x"], ["y"], domain=NCHWC, channels=20, channels_last=1)
    (info,) = shape_rules()[NCHWC, "ReorderOutput"](ShapeCall(node, [Info(FLOAT, (1, 32, 5, 6))]))
    assert info.shape == (1, 5, 6, 20)
