"""What lowering answers: the executed graph, its lineage, what it declines."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto, parser

from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, Tensor, from_proto, load, verify
from ocost.graph.shapes import Given, infer
from ocost.passes.lowering import Lowered, OptimizationLevel, Target, lower
from ocost.passes.lowering.onnxruntime_cpu import pipeline
from ocost.passes.lowering.rule import Bundle, LoweringRule, Step

ALL = Target()
BASIC = Target(level=OptimizationLevel.BASIC)


def model(text: str, opset: int = 17, functions: str = "", **shapes: tuple[int, ...]) -> Graph:
    """A graph with constants of which only the shape is known."""
    header = f'<ir_version: 8, opset_import: ["" : {opset}, "com.microsoft" : 1, "own" : 1]>'
    proto = parser.parse_model(f"{header}\n{text}\n{functions}")
    for name, shape in shapes.items():
        proto.graph.initializer.add(name=name, data_type=TensorProto.FLOAT, dims=shape)
    for index, node in enumerate(proto.graph.node):
        node.name = node.name or f"{node.op_type}{index}"
    return from_proto(proto)


def covers(lowered: Lowered) -> dict[str, list[str]]:
    """By executed operator, in order: what it stands for, ``between`` in front for glue."""
    found: dict[str, list[str]] = {}
    for node in lowered.lineage.executed:
        text = "+".join(sorted(node.originals))
        found.setdefault(node.op_type, []).append(
            f"between {text}" if node.status == "layout" else text
        )
    return found


NORM = {"s": (32,), "b": (32,), "m": (32,), "v": (32,)}


def test_a_residual_block() -> None:
    graph = model(
        """g (float[1,32,8,8] x) => (float[1,32,8,8] y) {
            h = Conv <pads = [1,1,1,1]> (x, w)
            c = Conv <pads = [1,1,1,1]> (h, u)
            n = BatchNormalization (c, s, b, m, v)
            a = Add (n, h)
            y = Relu (a)
        }""",
        w=(32, 32, 3, 3),
        u=(32, 32, 3, 3),
        **NORM,
    )
    lowered = lower(graph, ALL)
    assert covers(lowered) == {
        "ReorderInput": ["between Conv0"],
        "Conv": ["Conv0", "Add3+BatchNormalization2+Conv1+Relu4"],
        "ReorderOutput": ["between Add3+BatchNormalization2+Conv1+Relu4"],
    }
    assert set(lowered.lineage.originals.values()) == {"once"}
    fused = lowered.graph.producer(lowered.graph.node("ReorderOutput").inputs[0])
    assert fused is not None
    assert fused.string("activation", "") == "Relu"
    assert len(fused.inputs) == 4
    verify(lowered.graph)


def test_padded_channels_are_data() -> None:
    graph = model(
        "g (float[1,32,8,8] x) => (float[1,23,8,8] y) { y = Conv (x, w) }", w=(23, 32, 1, 1)
    )
    wide, narrow = (lower(graph, ALL._replace(block=block)) for block in (16, 8))
    for lowered, channels in ((wide, 32), (narrow, 24)):
        conv = next(n for n in lowered.graph if n.op_type == "Conv")
        weights = lowered.graph.constant(conv.inputs[1])
        assert weights is not None
        assert weights.shape == (channels, 32, 1, 1)
        assert lowered.blocked[conv.outputs[0]] == 23  # without padding
    assert not lower(graph, ALL._replace(block=0)).blocked


def test_what_becomes_of_originals() -> None:
    graph = model(
        """g (float[2,4] x) => (float[2,4] y, float[2,4] z) {
            r = Relu (x)
            i = Identity (r)
            q = Relu (x)
            k = Sqrt (w)
            y = Mul (i, k)
            z = own.twice (q)
        }""",
        functions='<domain: "own", opset_import: ["" : 17]> twice (a) => (b) { b = Add (a, a) }',
        w=(4,),
    )
    fates = lower(graph, BASIC).lineage.originals
    assert fates["Identity1"] == "cse"
    assert {fates["Relu0"], fates["Relu2"]} == {"once", "cse"}
    assert fates["Sqrt3"] == "folded"
    assert fates["twice5"] == "inlined"
    assert fates["twice5/b"] == "once"


def test_an_operator_without_a_kernel_is_several_nodes() -> None:
    graph = model("g (float[2,4] x) => (float[2,4] y) { y = HardSwish (x) }")
    lowered = lower(graph, ALL)
    assert covers(lowered) == {"HardSigmoid": ["HardSwish0"], "Mul": ["HardSwish0"]}
    assert lowered.lineage.originals == {"HardSwish0": "multi"}


def test_what_a_moved_transpose_leaves() -> None:
    graph = model(
        """g (float[2,3,4] x) => (float[2,3,4] y) {
            t = Transpose <perm = [0,2,1]> (x)
            r = Relu (t)
            y = Transpose <perm = [0,2,1]> (r)
        }"""
    )
    lowered = lower(graph, BASIC)
    assert covers(lowered) == {"Relu": ["Relu1+Transpose0+Transpose2"]}


def test_bodies_are_lowered() -> None:
    graph = model(
        """g (float[1,32,8,8] x, bool c) => (y) {
            y = If (c) <
                then_branch = t () => (p) { a = Conv (x, w) p = Relu (a) },
                else_branch = e () => (q) { q = Neg (x) }
            >
        }""",
        w=(32, 32, 1, 1),
    )
    lowered = lower(graph, ALL).graph
    owner = next(iter(lowered))
    body = lowered.subgraphs(owner)["then_branch"]
    assert [n.op_type for n in body] == ["ReorderInput", "Conv", "ReorderOutput"]
    verify(lowered)


def test_the_taken_branch_of_a_decided_if_stands_in_its_place() -> None:
    graph = model(
        """g (float[4] x) => (float[4] y) {
            c = Constant <value = bool {1}> ()
            y = If (c) <
                then_branch = t () => (p) { p = Relu (x) },
                else_branch = e () => (q) { q = Neg (x) }
            >
        }"""
    )
    lowered = lower(graph, BASIC)
    assert [n.op_type for n in lowered.graph] == ["Relu"]
    fates = lowered.lineage.originals
    assert fates["If1"] == "folded"
    assert fates["If1/else_branch/q"] == "dead"


def test_what_stood_in_the_way_is_said() -> None:
    graph = model(
        """g (float[1,32,8,8] x) => (float[1,32,8,8] y) {
            c = Conv (x, w)
            y = Add (k, c)
        }""",
        w=(32, 32, 1, 1),
        k=(32, 1, 1),
    )
    (declined,) = lower(graph, BASIC).declined
    assert declined.rule == "ConvAddFusion"
    assert declined.nodes == ("Conv0", "Add1")
    assert declined.reason == "the constant 'k' is the first operand of 'Add1'"


def test_a_rule_holds_in_its_versions() -> None:
    graph = model(
        """g (float[1,16,8,8] x) => (float[1,16,4,4] y) {
            p = Constant <value_ints = [0,0,1,1,0,0,1,1]> ()
            t = Pad (x, p)
            y = MaxPool <kernel_shape = [3,3], strides = [2,2]> (t)
        }"""
    )
    before, now = (lower(graph, BASIC._replace(version=(1, v))).graph for v in (31, 32))
    assert [n.op_type for n in before] == ["MaxPool"]
    assert [n.op_type for n in now] == ["Pad", "MaxPool"]


def test_open_dims_stay_open() -> None:
    text = """g (float[N,3,8] x) => (float[N,3,4] y) {{
        m = MatMul (x, w)
        y = Add (m, b)
    }}"""
    operators = []
    for batch in ("N", "2"):
        graph = model(text.replace("N", batch).format(), w=(8, 4), b=(4,))
        operators.append([n.op_type for n in lower(graph, BASIC).graph])
    assert operators == [["MatMul", "Add"], ["Reshape", "Gemm", "Reshape"]]


def test_sizes_that_are_given_instead_of_the_files() -> None:
    graph = model(
        """g (float[1,16,8,8] x) => (float y) {
            s = Shape (x)
            f = Cast <to = 1> (s)
            y = ReduceSum <keepdims = 0> (f)
        }"""
    )
    given = Given(shapes={"x": (1, 16, 4, 4)})
    (constant,) = lower(graph, BASIC, given).graph.initializers.values()
    assert constant.data() == np.float32(1 + 16 + 4 + 4)


def test_constants_that_are_read_twice_over_and_over_fold_in_linear_time() -> None:
    """Each Add reads the one before it twice: there are 2 ** 400 ways back to the first."""
    steps = "\n".join(f"c{i + 1} = Add (c{i}, c{i})" for i in range(400))
    graph = model(f"g (float[64] x) => (float[64] y) {{ {steps} y = Mul (x, c400) }}", c0=(64,))
    lowered = lower(graph, ALL)
    assert [node.op_type for node in lowered.graph] == ["Mul"]
    assert lowered.lineage.originals["Add0"] == "folded"


def test_no_weight_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load("@mobilenet_v2")
    read = Tensor.data

    def small(tensor: Tensor) -> np.ndarray:
        assert tensor.size <= 64, f"{tensor.name} {tensor.shape} was read"
        return read(tensor)

    monkeypatch.setattr(Tensor, "data", small)
    before = [n.id for n in graph]
    assert len(lower(graph, ALL).graph) < len(graph)
    assert [n.id for n in graph] == before


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "odd_channels", "resnet18_qdq", "gpt2_4l", "silero_vad"]
)
def test_samples_lower_to_graphs_that_can_be_costed(name: str) -> None:
    graph = load(f"@{name}")
    lowered = lower(graph, ALL)
    verify(lowered.graph)
    found = cost_graph(lowered.graph, find("x86-server-core")).coverage
    assert not found.unknown
    paths = {scope.path(node) for scope, node in lowered.graph.walk()}
    assert {e.name for e in lowered.lineage.executed} == paths
    known = set(lowered.lineage.originals)
    assert all(known.issuperset(e.originals) for e in lowered.lineage.executed)


def test_a_sum_in_blocks_of_unequal_dims_has_a_size() -> None:
    """Reshapes stand around it, whose contents decide what all behind them costs."""
    graph = model(
        """g (float[1,3,H,W] x) => (float[1,32,a,b] y) {
            c = Conv (x, w)
            r = Relu (c)
            m = GlobalAveragePool (r)
            d = Conv (m, v)
            y = Add (r, d)
        }""",
        w=(32, 3, 1, 1),
        v=(32, 32, 1, 1),
    )
    lowered = lower(graph, ALL).graph
    assert [n.op_type for n in lowered].count("Reshape") == 3
    given = Given(dims={"H": 8, "W": 6})
    assert not cost_graph(lowered, find("x86-server-core"), given).coverage.unknown
    made = infer(lowered, given).get("y")
    assert made is not None
    assert made.resolved == (1, 32, 8, 6)


def test_every_step_is_listed_once() -> None:
    def names(steps: tuple[Step, ...]) -> list[tuple[str, object]]:
        found: list[tuple[str, object]] = []
        for step in steps:
            if isinstance(step, Bundle):
                found += [(rule.name, rule.apply) for rule in step.rules]
            else:
                found.append((step.name, step.apply))
        return found

    for steps in (pipeline.BASIC, pipeline.EXTENDED, pipeline.LAYOUT):
        listed = names(steps)
        assert len(listed) == len(set(listed))


def test_a_rule_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``docs/lowering.md`` says: one function, listed."""

    def drop(work, node) -> bool:
        if work.next(node, "Abs") is None:
            return False
        work.bypass(node, node.inputs[0])
        return True

    rule = LoweringRule("AbsOfNeg", ("Neg",), drop)
    monkeypatch.setattr(pipeline, "BASIC", (*pipeline.BASIC, rule))
    graph = model("g (float[4] x) => (float[4] y) { n = Neg (x) y = Abs (n) }")
    assert [n.op_type for n in lower(graph, BASIC).graph] == ["Abs"]


def test_no_runtime_is_imported() -> None:
    code = (
        "import sys; from ocost.graph import load; from ocost.passes.lowering import Target, lower;"
        "lower(load('@resnet18'), Target()); assert 'onnxruntime' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_changes_nothing_folds_with_what_it_stands_in() -> None:
    """Nobody runs a product by 1 whose factor comes to be a constant: no reader stands for it."""
    graph = model(
        """g (float[1,8,4,4] x) => (float[1,4,4,4] y) {
            o = Constant <value_ints = [1]> ()
            z = Constant <value_ints = [0]> ()
            s = Shape (x)
            c = Gather (s, o)
            h = Constant <value_ints = [2]> ()
            d = Div (c, h)
            e = Mul (d, o)
            y = Slice (x, z, e, o)
        }"""
    )
    lowered = lower(graph, BASIC)
    assert [e.originals for e in lowered.lineage.executed] == [("Slice7",)]
    assert lowered.lineage.originals["Mul6"] == "folded"
