"""onnxsim as a step leaves the interface, the metadata and the IR version alone."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, Tensor, from_proto, load, to_proto
from ocost.graph.tensor import Source
from ocost.optimize import plan, simplify
from ocost.optimize.onnxsim_optimizers import trusted
from ocost.optimize.pipeline import run


def model(ir_version: int, *, overridable: bool) -> onnx.ModelProto:
    """Conv and Add; with ``overridable`` the weight is a graph input too."""
    f = onnx.TensorProto.FLOAT
    rng = np.random.default_rng(0)
    weights = {"w": rng.standard_normal((4, 3, 1, 1)), "b": rng.random((4, 1, 1))}
    inputs = [helper.make_tensor_value_info("x", f, [1, 3, 8, 8])]
    if overridable:
        inputs.append(helper.make_tensor_value_info("w", f, [4, 3, 1, 1]))
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
            helper.make_node("Add", ["c", "b"], ["y"], "bias"),
        ],
        "g",
        inputs,
        [helper.make_tensor_value_info("y", f, [1, 4, 8, 8])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in weights.items()],
    )
    made = helper.make_model(
        graph, ir_version=ir_version, opset_imports=[helper.make_opsetid("", 13)]
    )
    helper.set_model_props(made, {"owner": "someone"})
    return made


def test_folds_and_keeps_the_rest() -> None:
    before = model(6, overridable=False)
    untouched = before.SerializeToString()
    made = simplify(from_proto(before))
    after = to_proto(made.graph)
    assert [n.op_type for n in made.graph] == ["Conv"]
    assert after.ir_version == 6
    assert {p.key: p.value for p in after.metadata_props} == {"owner": "someone"}
    assert not any(p.key.startswith("onnxsim") for n in after.graph.node for p in n.metadata_props)
    assert before.SerializeToString() == untouched
    assert made.made_by.startswith("onnxsim ")


def test_an_initializer_that_can_be_overridden_stays_an_input() -> None:
    made = simplify(from_proto(model(6, overridable=True)))
    assert made.graph.inputs == ("x", "w")
    assert made.graph.overridable("w")


def test_weightless_graphs_are_filled_for_it() -> None:
    graph = load("@silero_vad")
    made = simplify(graph)
    assert len(made.graph) < len(graph)
    assert made.graph.header.source.path is None


def test_nodes_without_names_get_none() -> None:
    """Of the two that stay as they are, nothing is told, in a body neither."""
    graph = from_proto(
        onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x, bool c) => (float[2] y) {
    a = Relu (x)
    n = Identity (a)
    y = If (c) <
        then_branch = then () => (float[2] t) { t = Neg (n) },
        else_branch = other () => (float[2] e) { e = Abs (n) }
    >
}""")
    )
    made = simplify(graph).graph
    assert [scope.path(node) for scope, node in made.walk()] == [
        *("a", "y", "y/then_branch/t", "y/else_branch/e")
    ]


def test_open_dims_keep_their_names() -> None:
    graph = from_proto(
        onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 13]>
g (float[batch, 4] x) => (float[batch, 1, 1] y)
<int64[3] shape = {0, -1, 4}, float[4, 1] w = {1, 2, 3, 4}, float[1] b = {5}> {
    r = Reshape (x, shape)
    m = MatMul (r, w)
    y = Add (m, b)
}""")
    )
    made = to_proto(simplify(graph).graph).graph
    assert [node.op_type for node in made.node] == ["Gemm", "Reshape"]
    for value in (*made.input, *made.value_info):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_failure_is_one_line() -> None:
    broken = model(6, overridable=False)
    broken.graph.node[1].input.append("b")
    with pytest.raises(OcostError, match=r"^onnxsim fails on this model: [^\n]+$"):
        simplify(from_proto(broken))


def test_a_model_that_protobuf_can_t_write_is_not_read() -> None:
    graph = from_proto(model(8, overridable=False))
    huge = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=(1024, 1024, 1024))
    graph.set_initializer(Tensor.from_proto(huge, Source()))  # there are no data
    with pytest.raises(OcostError, match="over 2 GB"):
        simplify(graph)


def test_an_output_without_a_declared_shape() -> None:
    before = model(8, overridable=False)
    before.graph.output[0].type.tensor_type.ClearField("shape")
    made = simplify(from_proto(before))
    assert [n.op_type for n in made.graph] == ["Conv"]
    assert to_proto(made.graph).graph.output == before.graph.output  # as it was declared


def test_before_ir_4_every_initializer_is_listed_as_an_input() -> None:
    before = model(3, overridable=True)
    f = onnx.TensorProto.FLOAT
    before.graph.input.append(helper.make_tensor_value_info("b", f, [4, 1, 1]))
    made = simplify(from_proto(before))
    assert [n.op_type for n in made.graph] == ["Conv"]
    assert set(made.graph.initializers) <= set(made.graph.inputs)
    onnx.checker.check_model(to_proto(made.graph))


def test_a_batched_product_becomes_a_gemm_or_stays() -> None:
    f = onnx.TensorProto.FLOAT
    weights = {"w": np.ones((3, 4), np.float32), "b": np.ones(4, np.float32)}
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", f, ["batch", 5, 3])],
        [helper.make_tensor_value_info("y", f, ["batch", 5, 4])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    before = from_proto(
        helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    )
    assert "Gemm" in [n.op_type for n in simplify(before).graph]
    names = [name for name in trusted() if name != "fuse_matmul_add_bias_into_gemm_batched"]
    kept = simplify(before, names)
    assert [n.op_type for n in kept.graph] == ["MatMul", "Add"]
    made = run(before, plan(), find("x86-server-core"))
    # The Gemm would come with two Reshapes and what computes their shapes.
    assert [n.op_type for n in made.graph] == ["MatMul", "Add"]
    assert [(d.by, d.reason) for d in made.declined if d.by.startswith("onnxsim")] == [
        (
            "onnxsim:fuse_matmul_add_bias_into_gemm_batched",
            "taken together it would raise nodes by 1",
        )
    ]


def test_types_that_the_model_does_not_declare_stay_out() -> None:
    f = onnx.TensorProto.FLOAT
    names = ("x", "a", "b", "y")
    graph = helper.make_graph(
        [helper.make_node("Relu", [i], [o]) for i, o in pairwise(names)],
        "g",
        [helper.make_tensor_value_info("x", f, ["batch", 5])],
        [helper.make_tensor_value_info("y", f, ["batch", 5])],
        value_info=[helper.make_tensor_value_info("b", f, ["batch", 5])],
    )
    graph.node[1].op_type = "Abs"
    before = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    after = to_proto(simplify(from_proto(before)).graph)
    assert [n.op_type for n in after.graph.node] == ["Relu", "Abs", "Relu"]
    assert [v.name for v in after.graph.value_info] == ["b"]
