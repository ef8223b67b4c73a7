"""Peak memory by onnxruntime's arena, and what is predicted of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper, parser

from ocost.costmodel.cost import cost_nodes
from ocost.costmodel.storage import stored
from ocost.graph import Graph, from_proto, load
from ocost.graph.shapes import infer
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.arena import arena_peak, peak
from ocost.runtime.onnxruntime.trace import Arena, Body, Event
from ocost.runtime.protocol import Options, SessionLevel

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
HEAD = '<ir_version: 8, opset_import: ["":17]>'
AS_WRITTEN = Options(level=SessionLevel.DISABLE)
X = {"x": np.ones((64, 32), np.float32)}
SIZE = 64 * 32 * 4


def model(body: str, constants: str = "") -> ModelProto:
    """From x [64, 32] to y [32, 64]."""
    return parser.parse_model(f"{HEAD}\ng (float[64,32] x) => (float[32,64] y) {constants} {body}")


def predicted(graph: Graph) -> int:
    shapes = infer(graph)
    found = stored(shapes, cost_nodes(shapes))
    assert found is not None
    return found.peak_bytes


def test_squeezenet_takes_what_its_liveness_says(optimised) -> None:
    """The first fire module: 64 blocked channels of 55 x 55, and 64 of each branch, 128 together.

    That is Concat at 4 x 55 x 55 x (64 + 64 + 128) = 3,097,600; but the first convolution and
    its pooling are larger: 4 x 64 x (111 x 111 + 55 x 55) = 3,928,576.
    """
    graph = load(LIGHT / "light_squeezenet.onnx")
    found = arena_peak(named(graph), Options(), make_feeds(graph, infer(graph)))
    assert found is not None
    assert found.peak_bytes == 4 * 64 * (111 * 111 + 55 * 55) == 3_928_576
    assert predicted(optimised(graph)) == found.peak_bytes
    assert found.high_water_bytes is None or found.high_water_bytes >= found.peak_bytes
    assert found.held_bytes >= found.peak_bytes + found.baseline_bytes


@pytest.mark.parametrize("sample", ["@odd_channels", "@repvgg_a0", "@shufflenet_v2"])
def test_samples_take_what_is_predicted(sample: str, optimised) -> None:
    """RepVGG's branches are added in place: else its first stage would take four tensors."""
    graph = load(sample)
    found = arena_peak(named(graph), Options(), make_feeds(graph, infer(graph)))
    assert found is not None
    assert found.peak_bytes == predicted(optimised(graph))


@pytest.mark.parametrize(
    ("middle", "tensors"),
    [
        ("b = Relu(a)", 2),  # a, over which b is written, and y
        ("b = Softmax(a)", 2),
        ("b = Exp(a)", 2),  # a and b, then b and y
        ("c = Relu(a) b = Add(a, c)", 3),  # a outlives c, and Add makes a tensor of its own
        ("c = Relu(a) d = Relu(c) b = Add(d, a)", 3),
    ],
)
def test_what_is_in_place(middle: str, tensors: int) -> None:
    made = model(f"{{ a = Transpose<perm=[0,1]>(x) {middle} y = Transpose<perm=[1,0]>(b) }}")
    found = arena_peak(made, AS_WRITTEN, X)
    assert found is not None
    assert found.peak_bytes == tensors * SIZE
    # The input is alive as well until the first node is done, with one more tensor.
    assert predicted(from_proto(made)) == found.peak_bytes


def test_what_is_computed_from_constants_in_the_run_takes_memory() -> None:
    """Nothing is folded as written: w [32, 32] beside x, then beside the result."""
    weights = ", ".join(["1"] * 1024)
    made = model(
        "{ w = Neg(k) a = MatMul(x, w) y = Transpose<perm=[1,0]>(a) }",
        f"<float[32,32] k = {{{weights}}}>",
    )
    found = arena_peak(made, AS_WRITTEN, X)
    assert found is not None
    assert found.peak_bytes == 2 * SIZE  # a and y; w and a are 4 x 1024 + SIZE
    assert predicted(from_proto(made)) == 2 * SIZE + 4 * 1024  # x, w and a


def test_an_addend_that_is_read_again_is_not_written_over() -> None:
    def conv(reader: str) -> int:
        nodes = [
            helper.make_node("Relu", ["x"], ["r"]),
            helper.make_node("Neg", ["r"], ["z"]),
            helper.make_node(
                "Conv",
                ["r", "w", "", "z"],
                ["c"],
                domain="com.microsoft.nchwc",
                kernel_shape=[1, 1],
            ),
            helper.make_node("Add", ["c", reader], ["y"]),
        ]
        value = helper.make_tensor_value_info
        f = onnx.TensorProto.FLOAT
        weight = helper.make_tensor("w", f, [16, 16, 1, 1], [0.0] * 256)
        graph = helper.make_graph(
            nodes, "g", [value("x", f, [1, 16, 4, 4])], [value("y", f, [1, 16, 4, 4])], [weight]
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft.nchwc", 1)]
        return predicted(from_proto(helper.make_model(graph, opset_imports=opsets)))

    # 4 x 16 x 16 bytes each: x and r, r and z; then r and c in z's place, c and y.
    assert conv("c") == 2 * 1024
    assert conv("z") == 3 * 1024  # r, z and c; then z, c and y


def node(name: str, *arena: int, bodies: tuple[Body, ...] = ()) -> Event:
    return Event(name, "Relu", "", 0, 1, bodies, Arena(*arena) if arena else None)


def test_the_output_of_a_branch_counts() -> None:
    """A branch's output is there before its first node begins: the branch makes t beside it.

    So at the end of t two tensors are alive, and again at the end of y: the If's output and y.
    """
    branch = "float[64,32] o) { t = Relu(x) o = Transpose<perm=[0,1]>(t) }"
    made = parser.parse_model(
        f"{HEAD}\ng (bool c, float[64,32] x) => (float[32,64] y) "
        f"{{ a = If(c) <then_branch = p () => ({branch}, else_branch = q () => ({branch}> "
        "y = Transpose<perm=[1,0]>(a) }"
    )
    found = arena_peak(made, AS_WRITTEN, {"c": np.array(True), **X})
    assert found is not None
    assert (found.peak_bytes, found.baseline_bytes) == (2 * SIZE, 0)


def test_the_baseline_is_what_was_there_before_the_first_node() -> None:
    """A body's nodes finish before their owner: the branch's is the first of all."""
    inner = Body(0, 1, (node("then", 150, 30, 160, 4096),))  # on top of 20 for its output
    run = Body(
        0, 9, (node("if", 120, 20, 200, 4096, bodies=(inner,)), node("last", 130, 10, 240, 4096))
    )
    found = peak(run)
    assert found is not None
    assert (found.peak_bytes, found.node, found.baseline_bytes) == (50, "then", 100)
    assert (found.high_water_bytes, found.held_bytes) == (140, 4096)


def test_without_an_arena_nothing_is_known() -> None:
    assert peak(Body(0, 9, (node("a"),))) is None
    opened_with_more = Body(0, 9, (node("a", 150, 50, 900, 4096), node("b", 120, 20, 900, 4096)))
    found = peak(opened_with_more)
    assert found is not None
    assert found.high_water_bytes is None


def test_a_model_that_is_folded_has_no_peak() -> None:
    made = parser.parse_model(
        f"{HEAD}\ng () => (float[2] y) <float[2] k = {{1, 2}}> {{ y = Neg(k) }}"
    )
    assert arena_peak(made, Options(), {}) is None
