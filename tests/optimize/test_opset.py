"""Conversion to another opset: by onnx's converter, checked like a pass, touching nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper, parser

import ocost
from ocost.cli import run as cli
from ocost.costmodel.catalogue import find
from ocost.graph import Graph, OcostError, from_proto, load, to_proto, verify
from ocost.graph.versions import exists, same_operator
from ocost.optimize import opset
from ocost.optimize.fixed_point import again
from ocost.optimize.opset import convert
from ocost.optimize.optimized import Optimized, optimize_graph
from ocost.optimize.pipeline import run
from ocost.optimize.plan import plan
from ocost.runtime.equality.cut import CutRegion, regions
from ocost.runtime.equality.equivalence import Checker, check
from ocost.runtime.equality.result import nothing

DEVICE = find("x86-server-core")
LAYER_NORM = """
g (float[N, 4, 8] x) => (float[N, 4, 8] y)
<float two = {2.0}, float eps = {0.00001},
 float[8] s = {1,2,3,4,5,6,7,8}, float[8] b = {8,7,6,5,4,3,2,1}> {
    mean = ReduceMean <axes = [-1]> (x)
    d = Sub (x, mean)
    p = Pow (d, two)
    v = ReduceMean <axes = [-1]> (p)
    e = Add (v, eps)
    r = Sqrt (e)
    q = Div (d, r)
    m = Mul (q, s)
    y = Add (m, b)
}"""


def proto(text: str, version: int, ir: int = 8, more: str = "") -> ModelProto:
    """A model in onnx's text syntax; ``more`` are functions."""
    header = f'<ir_version: {ir}, opset_import: ["" : {version}, "own" : 1]>'
    return parser.parse_model(f"{header}\n{text}\n{more}")


def graph(text: str, version: int, **options: object) -> Graph:
    return from_proto(proto(text, version, **options))  # type: ignore[arg-type] # options by name


def chain(*calls: str, shape: str = "2, 4, 8") -> str:
    return f"g (float[{shape}] x) => (float[{shape}] y) {{ {' '.join(calls)} }}"


def optimize(found: Graph, version: int, **options: object) -> Optimized:
    return ocost.optimize_model(found, opset=version, **options)  # type: ignore[arg-type] # options by name


def of_conversion(found: Optimized) -> list[str]:
    return [entry.reason for entry in found.made.entries if entry.stage == "opset"]


# --- it fires ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [17, 18, 21])
def test_an_older_model_gets_its_layer_normalization(version: int) -> None:
    before = graph(LAYER_NORM, 13)
    plain = ocost.optimize_model(before)
    reasons = [d.reason for d in plain.made.declined if d.by == "recompose-layernorm"]
    assert reasons == ["opset 17 has LayerNormalization; convert with --opset 17"]
    found = optimize(before, version)
    assert [n.op_type for n in found.graph] == ["LayerNormalization"]
    assert found.graph.opset[""] == version
    assert found.equivalence.ok
    assert of_conversion(found)[0].startswith(f"opset 13 became {version}: ")
    assert not any(found.made.residual.values())


@pytest.mark.parametrize(
    ("calls", "old", "new", "kinds"),
    [
        (["y = Clip <min = 0.0, max = 1.0> (x)"], 6, 13, ["Clip"]),
        (["y = ReduceMean <axes = [1]> (x) z = Relu(x)"], 13, 18, ["ReduceMean", "Relu"]),
        (
            ["a = Softmax <axis = 1> (x) y = Relu (a)"],
            11,
            13,
            ["Shape", "Flatten", "Softmax", "Reshape", "Relu"],
        ),
        (["a, b = Split <axis = 1> (x) y = Concat <axis = 1> (b, a)"], 11, 18, ["Split", "Concat"]),
        (
            ["a = Unsqueeze <axes = [0]> (x) y = Squeeze <axes = [0]> (a)"],
            12,
            13,
            ["Unsqueeze", "Squeeze"],
        ),
        (["y = Pad <pads = [0,0,1,0,0,1]> (x)"], 9, 21, ["Pad"]),
        (
            ["a = ReduceMean <keepdims = 1, axes = [2]> (x) y = Add (x, a)"],
            17,
            13,
            ["ReduceMean", "Add"],
        ),
    ],
)
@pytest.mark.parametrize("ir", [3, 8])
def test_operators_are_written_as_the_opset_has_them(
    calls: list[str], old: int, new: int, kinds: list[str], ir: int
) -> None:
    before = graph(chain(*calls).replace("[2, 4, 8] y", "[A, B, C] y"), old, ir=ir)
    after = before.copy()
    convert(after, new)
    verify(after)
    model = to_proto(after)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == kinds
    assert [entry.version for entry in model.opset_import] == [new, 1]
    assert check(before, after).ok


def test_upsample_becomes_resize() -> None:
    text = """g (float[1, 2, 4, 4] x) => (float[1, 2, 8, 8] y) <float[4] s = {1, 1, 2, 2}> {
        u = Upsample <mode = "nearest"> (x, s) y = Relu (u) }"""
    before = graph(text, 9)
    after = before.copy()
    convert(after, 13)
    assert [n.op_type for n in after] == ["Resize", "Relu"]
    assert check(before, after).ok


def test_bodies_are_converted_too() -> None:
    text = """g (float[2, 4, 8] x, bool c) => (float[2, 4, 8] y, float[2, 4, 8] z) {
        y = If (c) <
            then_branch = a () => (float[2, 4, 8] t) {
                r = ReduceSum <axes = [1]> (x) t = Add (x, r) },
            else_branch = b () => (float[2, 4, 8] e) { e = Relu (x) }>
        n = Constant <value_int = 3> ()
        k = Constant <value = bool {1}> ()
        z = Loop (n, k, x) <body = l (int64 i, bool go, float[2, 4, 8] v) =>
                (bool on, float[2, 4, 8] w) {
            on = Identity (go) u = ReduceSum <axes = [2]> (v) w = Add (v, u) }>
    }"""
    before = graph(text, 12)
    after = before.copy()
    convert(after, 13)
    sums = [node for _, node in after.walk() if node.op_type == "ReduceSum"]
    assert [len(node.inputs) for node in sums] == [2, 2]
    onnx.checker.check_model(to_proto(after), full_check=True)
    assert check(before, after).ok
    found = optimize(before, 13)
    assert found.equivalence.ok
    assert found.graph.opset[""] == 13


# --- what it does not change comes out as it went in ---------------------------------------------


def rich() -> ModelProto:
    """A model with all that a converter likes to lose."""
    made = proto(
        """g (float[N, 4, 8] x) => (float[N, 4, 8] y) <float[8] w = {1,2,3,4,5,6,7,8}> {
        a = Mul (x, w) b = own.twice (a) c = ReduceMean <axes = [1]> (b) y = Add (b, c) }""",
        13,
        more='<domain: "own", opset_import: ["" : 13]> twice (i) => (o) { o = Add (i, i) }',
    )
    made.producer_name, made.domain, made.model_version = "me", "here", 4
    made.doc_string = made.graph.doc_string = "a text"
    for part in (made, made.graph, *made.graph.node, made.graph.initializer[0]):
        part.metadata_props.add(key="kept", value="yes")
    for node in made.graph.node:
        node.doc_string, node.name = "why", f"node {node.output[0]}"
    made.graph.value_info.append(helper.make_tensor_value_info("a", 1, ["N", 4, 8]))
    note = made.graph.quantization_annotation.add(tensor_name="a")
    note.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="w")
    return made


def test_all_else_comes_out_as_it_went_in() -> None:
    before = rich()
    expected = ModelProto()
    expected.CopyFrom(before)
    expected.opset_import[0].version = 18
    mean = expected.graph.node[2]
    del mean.attribute[:]
    mean.input.append("c/axes")
    expected.graph.initializer.append(numpy_helper.from_array(np.array([1]), "c/axes"))
    after = from_proto(before)
    (rewrite,) = convert(after, 18)
    assert to_proto(after) == expected
    assert rewrite.reason == "opset 13 became 18: ReduceMean is written otherwise"
    assert rewrite.change.removed == rewrite.change.added == ("node c",)


def test_another_opset_alone_is_a_rewrite() -> None:
    before = proto(chain("y = Relu (x)"), 13)
    found = optimize(from_proto(before), 17)
    before.opset_import[0].version = 17
    assert to_proto(found.graph) == before
    assert of_conversion(found) == ["opset 13 became 17: no operator has changed"]


def test_the_model_s_own_opset_changes_nothing() -> None:
    before = graph(LAYER_NORM, 13)
    found = run(before, plan(only=["remove-noops"], onnxsim=False, opset=13), DEVICE)
    assert to_proto(found.graph) == to_proto(before)
    assert not found.marks


def test_a_second_run_finds_nothing() -> None:
    chosen = plan(opset=18)
    both = again(graph(LAYER_NORM, 13), lambda g: run(g, chosen, DEVICE), bare=True)
    assert both.first.entries
    assert both.differences == []


def test_large_and_external_weights_stay_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = proto(
        "g (float[N, 512] x) => (float[N, 512] y) { a = MatMul (x, w) y = Clip <min = 0.0> (a) }", 6
    )
    weights = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin")
    asked = []
    ask = opset._converted

    def spy(model: ModelProto, version: int) -> ModelProto:
        asked.append(model.ByteSize())
        return ask(model, version)

    monkeypatch.setattr(opset, "_converted", spy)
    before = load(tmp_path / "m.onnx")
    after = before.copy()
    convert(after, 13)
    assert max(asked) < 1000
    (weight,) = (t for t in to_proto(after).graph.initializer if t.name == "w")
    assert weight.data_location == TensorProto.EXTERNAL
    assert (
        cli(
            [
                "optimize",
                str(tmp_path / "m.onnx"),
                "--opset",
                "13",
                "-o",
                str(tmp_path / "o.onnx"),
                "-q",
            ]
        )
        == 0
    )
    made = onnx.load(tmp_path / "o.onnx")
    assert made.opset_import[0].version == 13
    assert check(before, from_proto(made)).ok


def test_large_constant_nodes_are_not_read(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.ones((64, 64), np.float32))
    model = proto("g (float[N, 64] x) => (float[N, 64] y) { y = MatMul (x, w) }", 8)
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=weights))
    onnx.save(model, tmp_path / "m.onnx")
    after = load(tmp_path / "m.onnx")
    convert(after, 13)
    model.opset_import[0].version = 13
    assert to_proto(after) == model


# --- it refuses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "old", "new", "reason"),
    [
        (chain("y = Relu (x)"), 13, 999, "the installed onnx knows opsets 1 to"),
        (chain("a = Gelu (x) y = Relu (a)"), 20, 17, "it has no Gelu, which 'a' is"),
        (
            chain("a = Relu (x)", "y = ReduceMean <axes = [1]> (a)"),
            13,
            12,
            "converter refuses ReduceMean 'y': No Adapter",
        ),
        (
            chain("y = own.twice (x)"),
            11,
            13,
            "the model's function 'twice' calls Softmax, which is",
        ),
    ],
)
def test_the_impossible_is_one_line(
    text: str, old: int, new: int, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = '<domain: "own", opset_import: ["" : 11]> twice (i) => (o) { o = Softmax (i) }'
    onnx.save(proto(text, old, more=twice if "own." in text else ""), tmp_path / "m.onnx")
    code = cli(["optimize", str(tmp_path / "m.onnx"), "--opset", str(new), "-q"])
    out, err = capsys.readouterr()
    assert code == 2
    assert not out
    assert err.startswith(f"ocost: error: --opset {new}: ")
    assert reason in err
    assert err.count("\n") == 1


def test_a_converter_that_dies_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dies = tmp_path / "dies.py"
    dies.write_text("import os; os.abort()\n")
    monkeypatch.setattr(opset, "_CHILD", dies)
    with pytest.raises(
        OcostError, match=r"^--opset 13: onnx's version converter died \(code -6\)$"
    ):
        convert(graph(chain("y = Clip <min = 0.0> (x)"), 6), 13)


def test_a_conversion_that_changes_outputs_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """onnx's converter leaves a Hardmax as it is, though its axis means another from 13 on."""
    model = proto(chain("i = Identity (x)", "y = Hardmax <axis = 1> (i)"), 11)
    found = optimize(from_proto(model), 13)
    assert found.graph.opset[""] == 11
    assert found.equivalence.ok
    assert [n.op_type for n in found.graph] == ["Hardmax"]  # the passes' own rewrites stay
    assert [d.by for d in found.made.declined] == ["opset"]
    onnx.save(model, tmp_path / "m.onnx")
    assert cli(["optimize", str(tmp_path / "m.onnx"), "--opset", "13", "-q"]) == 0
    page = capsys.readouterr().out
    assert "Not converted to another opset: outputs differed with it" in " ".join(page.split())


@pytest.mark.parametrize("allowed", [False, True])
def test_a_conversion_that_is_not_proven_is_left_out(
    allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither whole nor in parts."""
    monkeypatch.setattr(Checker, "check", lambda *_, **__: nothing(None, "nothing runs it"))
    found = optimize_graph(
        graph(chain("y = ReduceMean <axes = [1]> (x)"), 13),
        plan(only=["remove-noops"], onnxsim=False, opset=18),
        DEVICE,
        allow_uncompared=allowed,
    )
    assert found.graph.opset[""] == (18 if allowed else 13)
    assert ("opset" in found.proven.unproven) is not allowed


@pytest.mark.parametrize(
    "call",
    [
        "BatchNormalization (x, s, s, s, s)",  # trained there, unless told that it is a test
        "PRelu (x, s)",  # a slope for each channel there
    ],
)
def test_written_alike_is_no_proof(call: str) -> None:
    """Neither onnxruntime nor the reference evaluator has these operators as opset 6 did."""
    model = graph(
        f"g (float[2,4,4] x) => (float[2,4,4] y) <float[4] s = {{1, 2, 3, 4}}> {{ y = {call} }}",
        6,
        ir=4,
    )
    found = optimize(model, 13)
    assert found.graph.opset[""] == 6
    assert list(found.proven.unproven) == ["opset"]


def test_a_conversion_can_stand_on_its_regions() -> None:
    """Only nodes whose operators the opsets describe otherwise are in a region."""
    before = graph(chain("a = Relu (x)", "m = ReduceMean <axes = [1]> (a)", "y = Add (a, m)"), 13)
    after = before.copy()
    convert(after, 18)
    (region,) = regions(before, after, None)
    assert isinstance(region, CutRegion)
    assert [n.op_type for n in region.before] == ["ReduceMean"]
    assert check(region.before, region.after).ok


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        ("Add", 13, 14, True),  # further types
        ("Add", 6, 7, False),  # broadcasting
        ("Relu", 6, 22, True),
        ("Hardmax", 11, 13, False),
        ("Softmax", 11, 13, False),
        ("ReduceMean", 13, 18, False),
        ("Upsample", 9, 10, False),
        ("Gelu", 17, 20, False),
    ],
)
def test_operators_that_mean_the_same(kind: str, one: int, other: int, same: bool) -> None:
    assert same_operator(kind, "", one, other) is same
    assert same_operator(kind, "", other, one) is same


def test_deprecated_operators_are_not_to_be_used() -> None:
    assert exists("Upsample", "", 9)
    assert not exists("Upsample", "", 13)
    assert not exists("LayerNormalization", "", 16)
