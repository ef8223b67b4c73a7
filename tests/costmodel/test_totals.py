"""Figures of the whole graph, against small graphs worked out by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from ocost import models
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.costmodel.params import constants
from ocost.costmodel.totals import file_bytes
from ocost.graph import from_proto, load, save, to_proto
from ocost.graph.shapes import Given

DEVICE = find("x86-server-core")


def _cost(text, given=None, inputs="float[4, 4] x", outputs="y", functions="", **initializers):
    """Each initializer is given by its shape; its elements are float32."""
    head = f'<ir_version: 10, opset_import: ["" : 17, "d" : 1]> g ({inputs}) => ({outputs}) '
    model = parser.parse_model(head + "{" + text + "}" + functions)
    for name, shape in initializers.items():
        model.graph.initializer.append(
            numpy_helper.from_array(np.zeros(shape, dtype=np.float32), name)
        )
    return cost_graph(from_proto(model), DEVICE, given)


# --- sums ------------------------------------------------------------------------------------


def test_totals_are_the_sums_over_the_nodes():
    cost = _cost("a = MatMul(x, w) b = Relu(a) y = Add(b, x)", w=(4, 4))
    totals = cost.totals
    # 4 x 4 x 4 products; Relu and Add one each of 16 elements.
    assert totals.macs == 64
    assert totals.flops == 2 * 64 + 16 + 16
    # Matrices of 64 bytes: read x w | a | b x, written a b y.
    assert (totals.read_bytes, totals.write_bytes) == (5 * 64, 3 * 64)
    assert totals.traffic_bytes == 8 * 64
    assert totals.intensity == 160 / 512
    assert (totals.params, totals.param_bytes) == (16, 64)
    assert (totals.padded_flops, totals.padded_bytes) == (0, 0)
    # At a: x a. At b: x a b. At y: x b y.
    assert totals.peak_bytes == 3 * 64
    assert totals.total_activation_bytes == 4 * 64
    assert totals.latency_s == sum(node.latency_s for node in cost.nodes)
    assert totals.latency_low_s == sum(node.latency_low_s for node in cost.nodes)
    assert totals.latency_high_s is None


@pytest.mark.parametrize("name", [sample.name for sample in models.samples()])
def test_every_total_of_a_sample_is_known(name):
    cost = cost_graph(load(f"@{name}"), DEVICE)
    found = cost.totals._asdict()
    assert [figure for figure, value in found.items() if value is None] == ["latency_high_s"]
    for figure in ("macs", "flops", "read_bytes", "write_bytes", "latency_s"):
        assert found[figure] == sum(getattr(node, figure) for node in cost.nodes)
    assert found["compulsory_bytes"] <= found["traffic_bytes"]
    assert found["latency_low_s"] <= found["latency_s"]
    assert cost.coverage.exact == cost.coverage.nodes == len(cost.nodes)
    assert cost.model.nodes >= cost.coverage.nodes  # branches that are not taken
    assert cost.model.assumed_dims == {}


def test_an_empty_graph_costs_nothing():
    totals = _cost("").totals
    assert (totals.macs, totals.flops, totals.traffic_bytes, totals.params) == (0, 0, 0, 0)
    assert totals.intensity is None


# --- compulsory traffic ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "others", "expected"),
    [
        # x, w and y; a stays inside.
        ("a = MatMul(x, w) y = Relu(a)", {"w": (4, 4)}, 3 * 64),
        # x and w once each, though two nodes read them.
        ("a = MatMul(x, w) b = MatMul(x, w) y = Add(a, b)", {"w": (4, 4)}, 3 * 64),
        # An input that nothing reads moves nothing.
        ("y = Relu(x)", {"inputs": "float[4, 4] x, float[99] z"}, 2 * 64),
        # 3 rows of 32 bytes of the table, 3 indices of 8, and what goes out.
        (
            "y = Gather(t, i)",
            {"inputs": "int64[3] i", "t": (1000, 8)},
            3 * 32 + 3 * 8 + 3 * 32,
        ),
        # Rows in one place, the whole in another: the whole.
        (
            "a = Gather(t, i) b = ReduceSum <keepdims = 0> (t) y = Add(a, b)",
            {"inputs": "int64[3] i", "t": (1000, 8)},
            32_000 + 3 * 8 + 3 * 32,
        ),
        # Through views, x is still x.
        (
            "k = Constant <value_ints = [2, 8]> () v = Reshape(x, k) u = Flatten(v) y = Relu(u)",
            {},
            2 * 64,
        ),
        # A constant in a node is a constant; what is computed from it is not stored.
        (
            "k = Constant <value = float[4] {1, 2, 3, 4}> () n = Neg(k) y = Add(x, n)",
            {},
            64 + 16 + 64,
        ),
        # Both outputs.
        ("a = Relu(x) y = Abs(a)", {"outputs": "a, y"}, 3 * 64),
    ],
)
def test_compulsory_traffic(text, others, expected):
    cost = _cost(text, **others)
    assert cost.totals.compulsory_bytes == expected
    assert cost.totals.compulsory_bytes <= cost.totals.traffic_bytes


def test_compulsory_traffic_through_bodies():
    functions = '<domain: "d", opset_import: ["" : 17]> F (v, k) => (r) { r = MatMul (v, k) }'
    cost = _cost("a = d.F(x, w) y = d.F(a, w)", functions=functions, w=(4, 4))
    assert cost.totals.compulsory_bytes == 3 * 64
    loop = """
      m = Constant <value = int64 {5}> ()
      y = Loop (m, , x) <
        body = b (int64 i, bool go, float[4, 4] v) => (bool go, next) { next = MatMul (v, w) }
      >
    """
    # x to begin with, w once and not five times, y at the end.
    assert _cost(loop, w=(4, 4)).totals.compulsory_bytes == 3 * 64
    assert _cost(loop.replace("{5}", "{0}"), w=(4, 4)).totals.compulsory_bytes == 64
    scan = """
      y, s = Scan <num_scan_inputs = 1, body = b (h, row) => (next, out) {
        next = Add (h, row)
        out = Relu (row)
      }> (h0, x)
    """
    # x, the state of 16 bytes, and both outputs.
    cost = _cost(scan, inputs="float[4, 4] x, float[4] h0", outputs="y, s")
    assert cost.totals.compulsory_bytes == 64 + 16 + 16 + 64


# --- coverage --------------------------------------------------------------------------------


def test_what_is_not_known_is_counted_and_summed_over():
    cost = _cost("a = Relu(x) b = d.Thing(a) c = Abs(b) y = Neg(x)")
    coverage = cost.coverage
    assert (coverage.nodes, coverage.costed, coverage.exact) == (4, 2, 2)
    assert [(u.node, u.op_type) for u in coverage.unknown] == [("b", "Thing"), ("c", "Abs")]
    assert all(u.reason for u in coverage.unknown)
    assert cost.totals.flops == 2 * 16  # Relu and Neg
    assert cost.totals.peak_bytes is None  # b's size is not known
    assert cost.totals.total_activation_bytes is None


def test_totals_of_nothing_known_are_none_and_not_zero():
    cost = _cost("y = d.Thing(x)")
    found = {k: v for k, v in cost.totals._asdict().items() if v is not None}
    assert set(found) == {"param_bytes", "file_bytes"}
    assert found["param_bytes"] == 0  # the file has none: that is known


def test_what_costs_nothing_itself_makes_no_sum_known():
    functions = '<domain: "d", opset_import: ["" : 17]> F (v) => (r) { r = d.Thing (v) }'
    cost = _cost("k = Constant <value_int = 1> () y = d.F(x)", functions=functions)
    assert cost.coverage.costed == 2  # the constant and the call
    assert [u.node for u in cost.coverage.unknown] == ["y/r"]
    assert (cost.totals.flops, cost.totals.params, cost.totals.latency_s) == (None, None, None)


def test_shapes_are_counted_by_how_they_are_known():
    cost = _cost("a = Relu(x) b = NonZero(z) y = Neg(z)", inputs="float[n] x, float[4] z")
    coverage = cost.coverage
    assert (coverage.exact, coverage.assumed, coverage.bound) == (1, 1, 1)
    assert cost.model.assumed_dims == {"n": 1}
    cost = _cost("a = Relu(x) y = Neg(a)", Given(dims={"n": 7}), inputs="float[n] x")
    assert (cost.coverage.exact, cost.model.assumed_dims) == (2, {})
    assert cost.model.inputs == {"x": (7,)}


# --- files -----------------------------------------------------------------------------------


def _external(folder):
    array = np.arange(3000, dtype=np.float32)
    value = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3000])
    node = helper.make_node("Neg", ["w"], ["y"])
    graph = helper.make_graph([node], "g", [], [value], [numpy_helper.from_array(array, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = folder / "m.onnx"
    onnx.save(model, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    return path


def test_file_bytes_are_those_on_disk(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(to_proto(load("@odd_channels"), "filled").SerializeToString())
    assert cost_graph(load(path), DEVICE).totals.file_bytes == path.stat().st_size
    external = _external(tmp_path)
    sizes = external.stat().st_size + (tmp_path / "w.bin").stat().st_size
    assert cost_graph(load(external), DEVICE).totals.file_bytes == sizes
    # Taken in, the same payload of 12000 bytes lies in one file.
    filled = to_proto(load(external), "filled")
    assert cost_graph(from_proto(filled), DEVICE).totals.file_bytes == filled.ByteSize()


def test_file_bytes_of_a_weightless_graph_are_those_of_the_filled_one():
    graph = load("@odd_channels")
    found = cost_graph(graph, DEVICE).totals.file_bytes
    assert found == to_proto(graph, "filled").ByteSize()
    assert found > 4 * cost_graph(graph, DEVICE).totals.params


def test_file_bytes_of_a_changed_graph_are_those_it_will_have(tmp_path):
    path = tmp_path / "in.onnx"
    path.write_bytes(to_proto(load("@odd_channels"), "filled").SerializeToString())
    graph = load(path)
    last = list(graph)[-1]
    for tensor in last.inputs[1:]:
        graph.remove_initializer(tensor)
    graph.remove_node(last.id)
    graph.set_interface(graph.inputs, [last.inputs[0]])
    found = cost_graph(graph, DEVICE).totals.file_bytes
    assert found < path.stat().st_size
    save(graph, tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").stat().st_size == found


def test_the_summary_names_the_model(tmp_path):
    path = _external(tmp_path)
    cost = cost_graph(load(path), DEVICE)
    assert cost.model.path == str(path)
    assert cost.model.opset == {"": 17}
    assert cost.model.inputs == {}
    assert cost.level == "written"
    assert len(cost.model.graph_sha256) == 64


def test_a_changed_graph_takes_what_it_still_reads_of_external_data(tmp_path):
    """Two weights of 4 KiB in a file; without the one, the file that is written anew has 4 KiB."""
    weight = numpy_helper.from_array(np.ones(1024, np.float32))
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> '
        "g (float[1024] x) => (float[1024] y) { t = Mul (x, w)\n y = Add (t, v) }"
    )
    for name in ("w", "v"):
        model.graph.initializer.add().CopyFrom(weight)
        model.graph.initializer[-1].name = name
    path = tmp_path / "m.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="d.bin", size_threshold=0)
    graph = load(path)
    before = file_bytes(graph, constants(graph))
    assert before == path.stat().st_size + 8192
    graph.remove_initializer("v")
    assert 4096 < file_bytes(graph, constants(graph)) < 4096 + 600
