"""The commands as a user meets them: what they print, where, and with which exit code."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import onnx
import pytest
from onnx import helper

from ocost import cli
from ocost.graph import load, save, to_proto
from ocost.report import schema


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_cost(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "cost", "@mobilenet_v2", "--top", "3")
    assert (code, err) == (0, "")
    assert "300.8" in out  # MMACs
    assert "mobilenet_v2.onnx: 222 nodes, executed as 56\n" in out
    assert "56/56 nodes costed, all shapes exact" in out
    assert "as written" in out  # a column
    assert "\x1b" not in out  # no terminal, no colour


def test_cost_as_json_holds_to_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "cost", "@resnet18", "--level", "written", "--format", "json")
    document = json.loads(out)
    assert code == 0
    jsonschema.validate(document, schema.load("ocost.cost/1"))
    assert document["totals"]["macs"] == 1_814_073_344
    assert document["totals"]["params"] == 11_689_512
    assert document["level"] == "written"
    assert document["model"]["nodes"] == document["coverage"]["nodes"] == 69
    assert sum(n["flops"] for n in document["nodes"]) == document["totals"]["flops"]


def test_cost_of_what_the_runtime_executes(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "cost", "@mobilenet_v2", "--format", "json")
    assert code == 0
    document = json.loads(out)
    jsonschema.validate(document, schema.load("ocost.cost/1"))
    assert document["level"] == "executed"
    # The model is the file's, the coverage that of what is executed.
    assert document["model"]["opset"] == {"": 13}
    assert document["model"]["nodes"] == 222
    assert document["coverage"]["nodes"] == len(document["nodes"]) == 56
    _, out, _ = run(capsys, "cost", "@mobilenet_v2", "--level", "written", "--format", "json")
    assert document["model"] == json.loads(out)["model"]
    kinds = [(node["domain"], node["op_type"]) for node in document["nodes"]]
    assert kinds.count(("com.microsoft.nchwc", "Conv")) == 52
    # The runtime folds BatchNormalizations and Clips into them.
    covered = {name for node in document["nodes"] for name in node["originals"]}
    assert len([name for name in covered if "Clip" in name]) == 35


def test_without_rules_an_ideal_runtime_is_taken_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, error = run(
        capsys, "cost", "@odd_channels", "--level", "executed", "--device", "nvidia-t4"
    )
    assert (code, error) == (0, "")
    assert "25 nodes, executed as 9, all costed" in out
    assert "note: executed on the target 'ideal'" in out


def test_same_input_same_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("diff", "@odd_channels", "--format", "json")
    assert run(capsys, *arguments)[1] == run(capsys, *arguments)[1]


def test_one_column_a_device_shows_where_the_bound_changes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # A 1x1 convolution of 64 x 28 x 28: 2 x 64 x 64 x 784 = 6,422,528 FLOP + bias 50,176 over
    # 2 x 200,704 + 16,640 bytes read and written = 15.5 FLOP/byte: above a Raspberry Pi 4's
    # ridge of 4.5, below the 10980XE's of 48.
    f = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"], "conv")],
        "g",
        [helper.make_tensor_value_info("x", f, [1, 64, 28, 28])],
        [helper.make_tensor_value_info("y", f, [1, 64, 28, 28])],
        [
            helper.make_tensor("w", f, [64, 64, 1, 1], [0.5] * 4096),
            helper.make_tensor("b", f, [64], [0.5] * 64),
        ],
    )
    path = tmp_path / "pointwise.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    devices = ("--device", "i9-10980xe", "--device", "raspberry-pi-4")
    written = ("cost", str(path), *devices, "--level", "written")
    code, out, _ = run(capsys, *written, "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["nodes"][0]["intensity"] == pytest.approx((6_422_528 + 50_176) / 418_048)
    assert document["nodes"][0]["bound"] == "memory"
    assert document["other_devices"][0]["nodes"][0]["bound"] == "compute"
    _, text, _ = run(capsys, *written)
    assert "memory" in text
    assert "compute" in text
    assert "raspberry-pi-4" in text


def test_devices_that_execute_different_graphs_have_tables_of_their_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    devices = ("--device", "nvidia-h100", "--device", "x86-server-core", "--device", "nvidia-t4")
    code, text, err = run(capsys, "cost", "@odd_channels", *devices, "-v")
    assert (code, err) == (0, "")
    first, second = text.split("Slowest nodes")[1:]
    assert first.startswith("  ranked by nvidia-h100")
    assert "fused::" not in second
    assert "nchwc::Conv" in second
    assert "nvidia-h100, nvidia-t4: 9/9 nodes costed" in text
    assert "x86-server-core: 14/14 nodes costed" in text
    _, out, _ = run(capsys, "cost", "@odd_channels", *devices, "--format", "json")
    document = json.loads(out)
    jsonschema.validate(document, schema.load("ocost.cost/1"))
    core, card = document["other_devices"]
    assert [len(each["nodes"]) for each in (document, core, card)] == [9, 14, 9]
    assert [len(each["blockers"]) for each in (document, core, card)] == [0, 1, 0]
    assert core["totals"]["traffic_bytes"] > document["totals"]["traffic_bytes"]


def test_diff_without_after_optimises(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "diff", "@mobilenet_v2")
    assert code == 0
    assert "\nmobilenet_v2.onnx -> ocost with onnxsim" in out
    assert "as written, 0 % as executed; outputs equal\n" in out
    assert "Outputs are equal" in out
    assert "fold-batchnorm" in out
    assert "As executed: by rules" in out


def test_diff_of_two_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before, after = tmp_path / "a.onnx", tmp_path / "b.onnx"
    graph = load("@odd_channels")
    save(graph, before)
    last = list(graph)[-1]
    model = to_proto(graph)
    model.graph.node[-1].name = f"{last.name}_renamed"
    onnx.save(model, after)
    code, out, _ = run(capsys, "diff", str(before), str(after), "--format", "json")
    document = json.loads(out)
    assert code == 0
    jsonschema.validate(document, schema.load("ocost.diff/1"))
    delta = document["levels"]["written"]["delta"]
    assert (delta["macs"], delta["traffic_bytes"], delta["latency_s"]) == (0, 0, 0)
    assert document["rewrites"] == []


def test_devices_and_explain(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "devices")
    assert code == 0
    assert "nvidia-a100" in out
    assert "host" in out
    code, out, _ = run(capsys, "devices", "i9-10980xe", "--format", "json")
    assert json.loads(out)["devices"][0]["peaks"]["float32"] == 4.608e12
    code, out, _ = run(capsys, "explain", "Conv")
    assert "kernel volume" in out
    assert "costmodel/ops/conv.py" in out
    assert run(capsys, "explain", "pointwise")[0] == 0
    assert run(capsys, "explain", "SequenceAt")[0] == 0
    assert run(capsys, "explain", "nvidia-t4")[0] == 0


def test_report_goes_to_a_file_too(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code, out, _ = run(capsys, "cost", "@odd_channels", "--report", str(report))
    assert code == 0
    assert "all costed" in out
    assert json.loads(report.read_text())["schema"] == "ocost.cost/1"
    text = tmp_path / "report.txt"
    assert run(capsys, "cost", "@odd_channels", "--report", str(text))[0] == 0
    assert text.read_text(encoding="utf-8") == out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.json", "report.txt"]


def test_a_report_never_overwrites_an_input(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = tmp_path / "m.onnx"
    save(load("@odd_channels"), model)
    before = model.read_bytes()
    code, out, err = run(capsys, "cost", str(model), "--report", str(model))
    assert (code, out) == (2, "")
    assert "would overwrite an input" in err
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (("profile", "@odd_channels"), "--inputs"),
        (("profile", "@odd_channels"), "--from"),
        (("profile", "@odd_channels", "--from", "t.json"), "--optimized"),
        (("diff", "@odd_channels", "--measure"), "--inputs"),
    ],
)
def test_a_report_never_overwrites_a_measurement(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...], option: str
) -> None:
    file = tmp_path / "given.json"
    file.write_text("{}", encoding="utf-8")
    code, out, err = run(capsys, *command, option, str(file), "--report", str(file))
    assert (code, out) == (2, "")
    assert "would overwrite an input" in err
    assert file.read_text(encoding="utf-8") == "{}"


def test_a_report_never_overwrites_the_product(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "out.json"
    command = ("optimize", "@odd_channels", "-o", str(file), "--report", str(file))
    code, out, err = run(capsys, *command)
    assert (code, out) == (2, "")
    assert "is where the product goes" in err
    assert not file.exists()


def test_dims_and_values(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    f = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], "relu")],
        "g",
        [helper.make_tensor_value_info("x", f, ["batch", 8])],
        [helper.make_tensor_value_info("y", f, ["batch", 8])],
    )
    path = str(tmp_path / "m.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    _, out, _ = run(capsys, "cost", path, "--format", "json")
    document = json.loads(out)
    assert document["model"]["assumed_dims"] == {"batch": 1}
    assert document["coverage"]["assumed"] == 1
    for given in (("--dim", "batch=4"), ("--shape", "x=4x8")):
        _, out, _ = run(capsys, "cost", path, "--format", "json", *given)
        document = json.loads(out)
        assert document["totals"]["flops"] == 32
        assert document["model"]["assumed_dims"] == {}
    code, _, err = run(capsys, "cost", path, "--strict-dims")
    assert code == 2
    assert "batch" in err


def _saved(text: str, path: Path) -> str:
    head = '<ir_version: 8, opset_import: ["" : 17]> '
    onnx.save(onnx.parser.parse_model(head + text), path)
    return str(path)


def test_dims_that_the_model_fixes_and_sizes_that_the_user_changes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = "g (float[2, d] x, float[30, 5] w) => (y) { y = MatMul (x, w) }"
    path = _saved(text, tmp_path / "m.onnx")
    code, out, _ = run(capsys, "cost", path)
    assert code == 0
    assert "open dims that the model fixes: d is 30\n" in out
    code, out, _ = run(capsys, "cost", path, "--dim", "x[0]=8", "--format", "json")
    document = json.loads(out)
    jsonschema.validate(document, schema.load("ocost.cost/1"))
    assert document["model"]["inferred_dims"] == {"d": 30}
    assert document["model"]["overridden"] == {"x": [2, None]}
    assert document["totals"]["macs"] == 8 * 30 * 5
    code, out, _ = run(capsys, "cost", path, "--shape", "x=8x30")
    assert "x is 8x30, the file says 2x?\n" in out
    code, _, err = run(capsys, "optimize", path, "--shape", "x=8x30")
    assert code == 2
    assert "optimising keeps the sizes that the file fixes, 'x' has others given" in err


LOOP = """
g (float[512] x) => (y) {
    y = Loop (, , x) <
        body = b (int64 i, bool go, float[512] v) => (bool again, float[512] w) {
            w = Exp (v)
            top = ReduceMax <keepdims = 0> (w)
            again = Cast <to = 9> (top)
        }
    >
}
"""


def test_trips(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = _saved(LOOP, tmp_path / "m.onnx")
    _, once, _ = run(capsys, "cost", path, "--format", "json")
    assert "--trips y=..." in json.loads(once)["notes"][0]
    code, out, _ = run(capsys, "cost", path, "--trips", "y=80", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["totals"]["flops"] == 80 * json.loads(once)["totals"]["flops"]
    assert document["notes"] == ["'y' runs 80 times, as given by --trips"]
    code, out, _ = run(capsys, "diff", path, path, "--trips", "y=80")
    assert code == 0
    assert "'y' runs 80 times, as given by --trips" in out
    for wrong, said in {
        "z=80": "--trips z: the model has no Loop 'z'; it has y",
        "y": "--trips y: write it as --trips /decoder/Loop=80",
    }.items():
        code, _, err = run(capsys, "cost", path, "--trips", wrong)
        assert code == 2
        assert said in err


def test_gates(capsys: pytest.CaptureFixture[str]) -> None:
    gates = ("--fail-on", "written.latency:-50%", "--fail-on", "written.flops:0%")
    code, out, err = run(capsys, "diff", "@repvgg_a0", "--format", "json", *gates)
    assert code == 1
    document = json.loads(out)
    jsonschema.validate(document, schema.load("ocost.diff/1"))
    assert [g["ok"] for g in document["gates"]] == [False, True]
    assert err.startswith("ocost: gate failed: written.latency_s: limit -50%, actual -")
    assert err.count("\n") == 1
    assert run(capsys, "diff", "@repvgg_a0", "--fail-on", "written.flops:0%")[0] == 0


def test_check_compares_the_outputs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = run(capsys, "diff", "@odd_channels", "--check")
    assert code == 0
    assert "Outputs are equal on " in out.replace("\n", " ")
    before, after = tmp_path / "a.onnx", tmp_path / "b.onnx"
    for path, slope in ((before, 0.1), (after, 0.2)):
        model = onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 17]> g (float[2, 3] x) => (float[2, 3] y) '
            f"{{ y = LeakyRelu<alpha = {slope}> (x) }}"
        )
        onnx.save(model, path)
    code, out, _ = run(capsys, "diff", str(before), str(after), "--check", "--format", "json")
    assert code == 1
    document = json.loads(out)
    jsonschema.validate(document, schema.load("ocost.diff/1"))
    assert document["equivalence"]["ok"] is False
    code, out, _ = run(capsys, "diff", str(before), str(after), "--check")
    assert code == 1
    assert "Outputs differ: " in out
    assert run(capsys, "diff", str(before), str(after), "--check", "--tolerance", "1")[0] == 0
    likeness = ("diff", str(before), str(after), "--check", "--fail-on")
    assert run(capsys, *likeness, "outputs.cosine:0.9")[0] == 0
    code, _, err = run(capsys, *likeness, "outputs.cosine:0.9999")
    assert code == 1
    assert "outputs.cosine: limit 0.9999, actual 0.9" in err


def test_what_can_not_be_compared_is_not_equal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17, "my": 1]> g (float[2] x) => (float[2] y) '
        "{ a = my.Unheard(x)  b = Identity(a)  y = Relu(b) }"
    )
    path, out = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(model, path)
    code, text, _ = run(capsys, "diff", str(path), str(path), "--check")
    assert code == 1
    assert "Outputs not compared: " in text
    assert run(capsys, "diff", str(path), str(path), "--check", "--allow-uncompared")[0] == 0
    code, text, _ = run(capsys, "optimize", str(path), "-o", str(out), "--format", "json")
    assert code == 0
    document = json.loads(text)
    jsonschema.validate(document, schema.load("ocost.optimize/1"))
    assert document["equivalence"]["status"] == "not compared"
    assert [rewrite["proof"] for rewrite in document["rewrites"]] == ["construction"]
    assert [node.op_type for node in onnx.load(out).graph.node] == ["Unheard", "Relu"]


def test_measure(capsys: pytest.CaptureFixture[str]) -> None:
    measure = ("diff", "@odd_channels", "--measure", "--budget", "0.2")
    gates = ("--fail-on", "latency:1000%", "--fail-on", "executed.macs:50%")
    code, out, err = run(capsys, *measure, *gates, "--format", "json")
    assert (code, err) == (0, "")
    document = json.loads(out)
    jsonschema.validate(document, schema.load("ocost.diff/1"))
    assert document["device"]["name"] == "host"
    assert document["environment"]["threads"] == 1
    assert document["equivalence"]["ok"] is True
    assert list(document["levels"]) == ["written", "executed", "executed_runtime", "measured"]
    assert document["levels"]["measured"]["conclusion"]["sentence"]
    gates_found = [(g["level"], g["metric"]) for g in document["gates"]]
    assert gates_found == [("measured", "latency_s"), ("executed", "macs")]
    code, out, err = run(capsys, *measure, "--fail-on", "latency:-100%")
    assert code == 1
    assert err.startswith("ocost: gate failed: measured.latency_s: limit -100%, up to ")
    assert "\n  measured " in out


@pytest.mark.parametrize(
    "command",
    [
        ("cost", "@gpt2_4l"),
        ("cost", "@mobilenet_v2", "--device", "nvidia-t4", "--device", "host"),
        ("diff", "@mobilenet_v2"),
        ("optimize", "@odd_channels"),
        ("profile", "@silero_vad", "--budget", "0.2"),
        ("diff", "@odd_channels", "--measure", "--budget", "0.2"),
    ],
)
def test_a_page_fits_into_a_terminal(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    code, out, _ = run(capsys, *command)
    lines = out.splitlines()
    assert code == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0] == lines[-1]


def test_verbose_shows_types_and_shapes_of_every_node(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "cost", "@resnet18", "-v")
    assert "/Relu_output_0_nchwc  1x3x224x224, 64x3x7x7, 64 -> 1x64x112x112 float32\n" in out
    _, out, _ = run(capsys, "cost", "@resnet18", "-v", "--level", "written")
    assert "/conv1/Conv  1x3x224x224, 64x3x7x7 -> 1x64x112x112 float32\n" in out
    _, out, _ = run(capsys, "cost", "@silero_vad", "-v", "--level", "written")
    # In a branch of a branch; of several types.
    assert "/decoder/rnn/Slice_2  float32 512x128, int64 1, int64 1, int64 1 -> float32 256" in out
    _, out, _ = run(capsys, "diff", "@resnet18", "-v")
    assert "/bn1/BatchNormalization  1x64x112x112, 64, 64, 64, 1 more -> 1x64x112x112 f" in out
    _, out, _ = run(capsys, "profile", "@odd_channels", "-v", "--budget", "0.2")
    assert " -> 1x13x80x80 float32" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mobilenet_v2"], "did you mean the sample @mobilenet_v2? ocost cost @mobilenet_v2"),
        (["MobileNetV2.onnx"], "to cost a model: ocost cost MobileNetV2.onnx"),
        (["@resnet18"], "to cost a model: ocost cost @resnet18"),
        (["optimise"], "there is no command 'optimise'; did you mean optimize?"),
        (["coast", "@resnet18"], "did you mean cost?"),
        (["frobnicate"], "there are cost, diff, optimize, profile, calibrate, devices, explain"),
        (["cost", "mobilenet_v2"], "mobilenet_v2: no such file; did you mean @mobilenet_v2?"),
        (["diff", "resnet18.onnx"], "resnet18.onnx: no such file; did you mean @resnet18?"),
        (["profile", "nothing.onnx"], "nothing.onnx: no such file\n"),
    ],
)
def test_what_may_have_been_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("ocost: error: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_model_beside_it_may_have_been_meant(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "encoder.onnx").write_bytes(b"x")
    _, _, err = run(capsys, "cost", str(tmp_path / "encodr.onnx"))
    assert f"did you mean {tmp_path / 'encoder.onnx'}?" in err


@pytest.mark.parametrize("arguments", [["-h"], ["cost", "-h"], ["explain", "--help"], []])
def test_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0 if arguments else 2, "")  # no command is no success
    assert out.startswith("Usage: ocost ")
    assert max(map(len, out.splitlines())) <= 80
    for form in ("[ARGS]...", "V...]", "N...]"):
        out = out.replace(form, "")
    assert "..." not in out  # no text is cut off


def test_explain_without_a_name_lists_topics(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "explain")
    assert code == 0
    for name in ("traffic_bytes", "fold-batchnorm", "depthwise", "nvidia-t4", "AveragePool"):
        assert name in out


BAD = {
    "nothing but latency is measured": [
        *("diff", "@odd_channels", "--measure", "--fail-on", "measured.flops:0%")
    ],
    "no time to measure in": ["diff", "@odd_channels", "--measure", "--budget", "0"],
    "inputs that nothing is measured with": ["diff", "@odd_channels", "--inputs", "x.npz"],
    "unreadable gate": ["diff", "@odd_channels", "--fail-on", "latency"],
    "gate at a level that is not there": [
        *("diff", "@odd_channels", "--fail-on", "measured.latency:5%")
    ],
    "no such file": ["cost", "nothing.onnx"],
    "a directory": ["cost", "."],
    "not an ONNX model": ["cost", __file__],
    "no model argument": ["cost"],
    "unknown sample": ["cost", "@mobilenet"],
    "unknown device": ["cost", "@odd_channels", "--device", "abacus"],
    "unknown input": ["cost", "@odd_channels", "--shape", "nope=1x3"],
    "contradicting shape": ["cost", "@odd_channels", "--shape", "x=1x4x10x10"],
    "unreadable shape": ["cost", "@odd_channels", "--shape", "x=1,3"],
    "unreadable value": ["cost", "@odd_channels", "--value", "x=abc"],
    "unknown dim": ["cost", "@odd_channels", "--dim", "batch=2"],
    "too many threads": ["cost", "@odd_channels", "--threads", "64"],
    "unknown format": ["cost", "@odd_channels", "--format", "xml"],
    "unknown option": ["cost", "@odd_channels", "--fast"],
    "unknown command": ["prophesy"],
    "unknown name": ["explain", "Nope"],
    "report in no folder": ["cost", "@odd_channels", "--report", "no/such/folder/r.json"],
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err.startswith("ocost: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_bug_is_not_called_bad_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("ocost.api.cost", fail)
    code, _, err = run(capsys, "cost", "@odd_channels")
    assert code == 2
    assert err.startswith("ocost: internal error: RuntimeError: odd")


def test_a_full_disk_is_no_bug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ocost.api.cost", fail)
    code, _, err = run(capsys, "cost", "@odd_channels")
    assert code == 2
    assert err.startswith("ocost: error: no room for temporary files in ")
    assert err.endswith("name another folder in TMPDIR\n")


def test_as_a_process() -> None:
    command = [sys.executable, "-m", "ocost", "cost", "missing.onnx"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == "ocost: error: missing.onnx: no such file\n"


@pytest.mark.parametrize(("flag", "coloured"), [("always", True), ("never", False)])
def test_colour(capsys: pytest.CaptureFixture[str], flag: str, coloured: bool) -> None:
    _, out, _ = run(capsys, "cost", "@odd_channels", "--color", flag)
    assert ("\x1b[" in out) is coloured


def test_no_color_is_honoured_on_a_terminal() -> None:
    code = (
        "import pty, os, sys; os.environ['TERM'] = 'xterm-256color'\n"
        "pid, fd = pty.fork()\n"
        "if pid == 0: os.execv(sys.executable,"
        " [sys.executable, '-m', 'ocost.cli', 'cost', '@odd_channels'])\n"
        "out = b''\n"
        "while True:\n"
        "    try: part = os.read(fd, 65536)\n"
        "    except OSError: break\n"
        "    if not part: break\n"
        "    out += part\n"
        "os.waitpid(pid, 0); sys.stdout.buffer.write(out)"
    )
    outputs = []
    for extra in ({}, {"NO_COLOR": "1"}):
        environment = {"PATH": "", "LANG": "C.UTF-8", **extra}
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env=environment
        )
        outputs.append(result.stdout)
    assert b"\x1b[1m" in outputs[0]
    assert b"\x1b[3" not in outputs[1]  # bold may stay, colours go


def test_a_gate_does_not_pass_on_what_is_not_costed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = []
    for name, op in (("a", "Relu(x)"), ("b", "acme.Turbo(x)")):
        model = onnx.parser.parse_model(
            '<ir_version: 8, opset_import: ["" : 17, "acme" : 1]> '
            f"g (float[2, 3] x) => (float[2, 3] y) {{ y = {op} }}"
        )
        paths.append(str(tmp_path / f"{name}.onnx"))
        onnx.save(model, paths[-1])
    code, _, err = run(capsys, "diff", *paths, "--fail-on", "written.flops:0%")
    assert code == 1
    assert "actual not known" in err


def test_a_report_does_not_replace_weights_or_a_device(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model, weights = tmp_path / "m.onnx", tmp_path / "w.bin"
    save(load("@odd_channels"), model)
    weights.write_bytes(b"weights")
    assert run(capsys, "cost", str(model), "--report", str(weights))[0] == 2
    assert weights.read_bytes() == b"weights"


def test_a_name_from_the_file_does_not_reach_the_terminal_raw(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = run(capsys, "cost", "no\x1b[2Jsuch\nfile.onnx")
    assert code == 2
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_profile(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    options = ("--budget", "0.2", "--level", "basic", "--report", str(file))
    code, out, err = run(capsys, "profile", "@odd_channels", *options)
    assert (code, err) == (0, "")
    assert out.startswith("odd_channels.onnx: ")
    assert "largest miss: " in out
    document = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, schema.load("ocost.profile/1"))
    environment = document["environment"]
    assert (environment["level"], environment["threads"]) == ("basic", 1)
    assert document["device"]["name"] == "host"
    attribution = document["attribution"]
    assert attribution["mapped"] == attribution["executed_nodes"] == len(document["nodes"])
    placed = sum(node["measured_s"] or 0 for node in document["originals"])
    whole = sum(node["measured_s"] for node in document["nodes"])
    assert placed + sum(attribution["unplaced"].values()) == pytest.approx(whole)


def test_the_runtime_s_own_ledger(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    options = ("--ledger", "--budget", "0.2", "--report", str(file))
    code, out, err = run(capsys, "profile", "@odd_channels", *options)
    assert (code, err) == (0, "")
    assert out.startswith("What the runtime does by itself")
    document = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.validate(document, schema.load("ocost.profile/1"))
    names = [one["name"] for one in document["runtime_ledger"]]
    assert "NchwcTransformer" in names
    assert all(name in out for name in names)
    product = math.prod(one["step_ratio"] for one in document["runtime_ledger"])
    assert document["runtime_ledger_total"]["product"] == pytest.approx(product)


@pytest.mark.parametrize("other", [("--from", "trace.json"), ("--prepare", "-o", "named.onnx")])
def test_a_ledger_is_measured_here(
    capsys: pytest.CaptureFixture[str], other: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, "profile", "@odd_channels", "--ledger", *other)
    assert (code, out) == (2, "")
    assert err.startswith("ocost: error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (None, "can't be read"),
        ('{"nothing": [1]}', "has no input 'nothing'"),
        ('{"x": [[1, 2]]}', "the model wants 1x3x"),
        ("[", "no arrays by input name"),
    ],
)
def test_bad_inputs_for_a_profile(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, contents: str | None, message: str
) -> None:
    file = tmp_path / "inputs.json"
    if contents is not None:
        file.write_text(contents, encoding="utf-8")
    code, out, err = run(capsys, "profile", "@odd_channels", "--inputs", str(file))
    assert (code, out) == (2, "")
    assert err.startswith(f"ocost: error: {file}: ")
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ("--level", "most"),
        ("--budget", "0"),
        ("--threads", "0"),
        ("--device", "nowhere"),
        ("--shape", "y=1"),
    ],
)
def test_a_profile_that_can_t_be_taken(
    capsys: pytest.CaptureFixture[str], options: tuple[str, str]
) -> None:
    code, out, err = run(capsys, "profile", "@odd_channels", *options)
    assert (code, out) == (2, "")
    assert err.startswith("ocost: error: ")
    assert err.count("\n") == 1


def test_ctrl_c(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ocost.api.profile", interrupted)
    assert run(capsys, "profile", "@odd_channels") == (2, "", "ocost: interrupted\n")

    def interrupted_import(*_: object, **__: object) -> None:
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr("ocost.api.profile", interrupted_import)
    assert run(capsys, "profile", "@odd_channels") == (2, "", "ocost: interrupted\n")


def test_a_terminated_profile_leaves_nothing_behind(tmp_path: Path) -> None:
    """SIGTERM is what a CI's timeout sends."""
    command = [sys.executable, "-m", "ocost.cli", "profile", "@odd_channels", "--budget", "60"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    while process.poll() is None and not list(tmp_path.iterdir()):
        time.sleep(0.01)
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (2, "", "ocost: interrupted\n")
    assert list(tmp_path.iterdir()) == []
