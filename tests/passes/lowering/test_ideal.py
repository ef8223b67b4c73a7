"""The ideal target: what one kernel runs, what it doesn't, and that it computes the same."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnxruntime as ort
import pytest
from onnx import ModelProto, TensorProto, numpy_helper, parser

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, from_proto, load
from ocost.graph.functions import FUSED
from ocost.graph.save import to_proto
from ocost.graph.shapes import infer
from ocost.passes.lowering import OptimizationLevel, Target, lower
from ocost.passes.lowering.costed import lowered_cost

IDEAL = Target("ideal", block=0)
GPU = find("nvidia-h100")
NORM = {"s": (8,), "b": (8,), "m": (8,), "v": (8,)}


def model(text: str, opset: int = 17, **shapes: tuple[int, ...]) -> Graph:
    """A graph with seeded constants."""
    proto = parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]>\n{text}')
    rng = np.random.default_rng(0)
    for name, shape in shapes.items():
        values = rng.random(shape).astype(np.float32) + 0.5
        proto.graph.initializer.append(numpy_helper.from_array(values, name))
    for index, node in enumerate(proto.graph.node):
        node.name = node.name or f"{node.op_type}{index}"
    return from_proto(proto)


def kernels(graph: Graph) -> list[tuple[str, ...]]:
    """The operators of each executed node, in order."""
    lowered = lower(graph, IDEAL).graph
    found = []
    for node in lowered:
        function = lowered.function(node)
        found.append(
            (node.op_type,) if function is None else tuple(n.op_type for n in function.node)
        )
    return found


def test_a_residual_block_is_two_kernels() -> None:
    graph = model(
        """g (float[1,8,6,6] x) => (float[1,8,6,6] y) {
            c = Conv <pads = [1,1,1,1]> (x, w)
            r = Relu (c)
            d = Conv <pads = [1,1,1,1]> (r, u)
            n = BatchNormalization (d, s, b, m, v)
            a = Add (n, x)
            y = Relu (a)
        }""",
        w=(8, 8, 3, 3),
        u=(8, 8, 3, 3),
        **NORM,
    )
    assert kernels(graph) == [("Conv", "Relu"), ("Conv", "BatchNormalization", "Add", "Relu")]
    lowered = lower(graph, IDEAL)
    assert [node.originals for node in lowered.lineage.executed] == [
        ("Conv0", "Relu1"),
        ("Conv2", "BatchNormalization3", "Add4", "Relu5"),
    ]
    assert set(lowered.lineage.originals.values()) == {"once"}


def test_the_traffic_is_that_of_the_boundary() -> None:
    graph = model(
        """g (float[1,8,6,6] x) => (float[1,8,6,6] y) {
            c = Conv <pads = [1,1,1,1]> (x, w)
            n = BatchNormalization (c, s, b, m, v)
            z = Sigmoid (n)
            p = Mul (n, z)
            y = Add (p, x)
        }""",
        w=(8, 8, 3, 3),
        **NORM,
    )
    found = lowered_cost(graph, GPU).cost
    (node,) = found.nodes
    assert node.read_bytes == 4 * (288 + 576 + 4 * 8)  # x once, though two parts read it
    assert node.write_bytes == 4 * 288
    assert node.weight_bytes == 4 * (576 + 4 * 8)
    assert node.kind == "conv"
    assert node.macs == 288 * 72
    assert found.totals.params == 576 + 16
    assert found.totals.flops == cost_graph(graph, GPU).totals.flops


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("s = Sigmoid (x) y = Mul (x, s)", [2], id="a diamond"),
        pytest.param("y = Softmax (x)", [1], id="one node"),
        pytest.param("e = Exp (x) s = Softmax (e) y = Neg (s)", [3], id="rows"),
        pytest.param(
            """m = ReduceMean <axes = [-1]> (x) d = Sub (x, m) q = Mul (d, d)
               v = ReduceMean <axes = [-1]> (q) e = Add (v, k) r = Sqrt (e)
               n = Div (d, r) y = Mul (n, k)""",
            [8],
            id="a normalisation that is written out",
        ),
        pytest.param(
            "m = ReduceMean <axes = [1]> (x) y = Sub (x, m)", [1, 1], id="rows of another dim"
        ),
        pytest.param("t = Transpose <perm = [0,2,1]> (x) y = Relu (t)", [1, 1], id="a transpose"),
        pytest.param("r = Relu (x) m = MatMul (r, w) y = Neg (m)", [1, 2], id="what is in front"),
        pytest.param(
            "m = MatMul (x, w) r = Relu (m) z = Exp (m) y = Add (r, z)", [4], id="read twice"
        ),
        pytest.param(
            "m = MatMul (x, w) t = MatMul (m, w) y = Add (m, t)", [1, 2], id="read by a product too"
        ),
    ],
)
def test_what_one_kernel_runs(body: str, expected: list[int]) -> None:
    graph = model(f"g (float[2,8,8] x) => (float[2,8,8] y) {{ {body} }}", w=(8, 8), k=(1,))
    assert [len(parts) for parts in kernels(graph)] == expected


def test_views_alone_are_a_view() -> None:
    """A Transpose that moves a dim of 1 moves no element."""
    graph = model(
        """g (float[2,4] x) => (float[1,2,4] y, float[2,4] z) {
            s = Constant <value_ints = [2,1,4]> ()
            r = Reshape (x, s)
            y = Transpose <perm = [1,0,2]> (r)
            z = Neg (x)
        }"""
    )
    assert kernels(graph) == [("Reshape", "Transpose"), ("Neg",)]
    node, _ = lowered_cost(graph, GPU).cost.nodes
    assert (node.view, node.traffic_bytes) == (True, 0)


def test_an_output_of_the_graph_ends_a_kernel() -> None:
    graph = model(
        "g (float[2,8] x) => (float[2,8] m, float[2,8] y) { m = MatMul (x, w) y = Relu (m) }",
        w=(8, 8),
    )
    assert kernels(graph) == [("MatMul",), ("Relu",)]


ATTENTION = """g (float[1,2,6,8] q, float[1,2,6,8] k, float[1,2,6,8] v, float[1,1,6,6] n)
    => (float[1,2,6,8] y) {
    t = Transpose <perm = [0,1,3,2]> (k)
    a = MatMul (q, t)
    c = Mul (a, h)
    m = Add (c, n)
    s = Softmax <axis = -1> (m)
    y = MatMul (s, v)
}"""


def test_an_attention_keeps_no_scores() -> None:
    (parts,) = kernels(model(ATTENTION, h=(1,)))
    assert parts == ("Transpose", "MatMul", "Mul", "Add", "Softmax", "MatMul")
    found = lowered_cost(model(ATTENTION, h=(1,)), GPU).cost.totals
    assert found.read_bytes == 4 * (3 * 96 + 36 + 1)
    assert found.write_bytes == 4 * 96


def test_scores_that_are_read_elsewhere_are_kept() -> None:
    text = ATTENTION.replace("=> (float[1,2,6,8] y)", "=> (float[1,2,6,8] y, float[1,2,6,6] s)")
    assert ("MatMul",) in kernels(model(text, h=(1,)))


def test_dead_nodes_and_constants_are_not_run() -> None:
    graph = model(
        """g (float[2,8] x) => (float[2,8] y) {
            d = Neg (x)
            i = Identity (x)
            k = Sqrt (w)
            y = Add (i, k)
        }""",
        w=(8,),
    )
    assert kernels(graph) == [("Add",)]
    fates = lower(graph, IDEAL).lineage.originals
    assert (fates["Neg0"], fates["Sqrt2"]) == ("dead", "folded")


def test_bodies_fuse_for_themselves() -> None:
    graph = model(
        """g (float[2,8] x, bool c) => (float[2,8] y) {
            y = If (c) <
                then_branch = t () => (float[2,8] p) { a = Relu (x) b = Exp (a) p = Neg (b) },
                else_branch = e () => (float[2,8] q) { q = Neg (x) }
            >
        }"""
    )
    lowered = lower(graph, IDEAL).graph
    body = lowered.subgraphs(next(iter(lowered)))["then_branch"]
    assert [(n.domain, n.op_type) for n in body] == [(FUSED, "FusedElementwise")]


def test_products_of_dequantised_tensors_run_on_integers() -> None:
    (first, *_) = lowered_cost(load("@resnet18_qdq"), GPU).cost.nodes
    assert first.macs
    assert first.dtype in (TensorProto.INT8, TensorProto.UINT8)


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "odd_channels", "shufflenet_v2", "repvgg_a0", "gpt2_4l"]
)
def test_fusing_never_changes_flops(name: str) -> None:
    """Beyond what is computed before the run, which the level below leaves out alike."""
    graph = load(f"@{name}")
    clean = lower(graph, Target("ideal", block=0, level=OptimizationLevel.BASIC)).graph
    before = cost_graph(clean, GPU).totals
    after = lowered_cost(graph, GPU).cost.totals
    assert (after.flops, after.macs) == (before.flops, before.macs)
    assert after.params == before.params
    assert after.compulsory_bytes == before.compulsory_bytes
    assert after.traffic_bytes < before.traffic_bytes
    assert after.peak_bytes <= before.peak_bytes


def filled(graph: Graph, lowered: Graph) -> ModelProto:
    """The lowered graph as a model that can be run: fused nodes are functions of its own."""
    written, proto = to_proto(graph), to_proto(lowered, "filled")
    for field in ("input", "output", "value_info", "initializer"):
        del getattr(proto.graph, field)[:]
    proto.graph.input.extend(written.graph.input)
    proto.graph.output.extend(written.graph.output)
    proto.graph.initializer.extend(
        numpy_helper.from_array(t.data(), n) for n, t in lowered.initializers.items()
    )
    for domain in {node.domain for node in lowered} - {d.domain for d in proto.opset_import}:
        proto.opset_import.add(domain=domain, version=1)
    proto.ir_version = max(proto.ir_version, 10)
    return proto


@pytest.mark.parametrize("name", ["resnet18_qdq", "odd_channels", "shufflenet_v2", "repvgg_a0"])
def test_fused_graphs_compute_the_same(name: str) -> None:
    graph = from_proto(to_proto(load(f"@{name}"), "filled"))
    lowered = lower(graph, IDEAL).graph
    assert any(node.domain == FUSED for node in lowered)
    assert max(Counter(node.overload for node in lowered if node.domain == FUSED).values()) == 1
    rng, table = np.random.default_rng(0), infer(graph)
    feeds = {}
    for name_in in graph.inputs:
        info = table.get(name_in)
        assert info is not None
        feeds[name_in] = rng.random(info.resolved).astype(np.float32)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    written, fused = (
        ort.InferenceSession(proto.SerializeToString(), options).run(None, feeds)
        for proto in (to_proto(graph, "filled"), filled(graph, lowered))
    )
    for one, two in zip(written, fused, strict=True):
        np.testing.assert_array_equal(one, two)
