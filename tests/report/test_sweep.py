"""A sweep's page and document, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import onnx
import pytest

from ocost import cli
from ocost.report import schema

HEAD = '<ir_version: 8, opset_import: ["" : 17]> '
WEIGHTS = (
    "g (float[batch, 64] x) => (float[batch, 64] y) "
    "{ s = Constant <value_ints = [64, 64]> () w = ConstantOfShape (s) y = MatMul (x, w) }"
)
FIXED = "g (float[2, 6] x) => (y) { s = Constant <value_ints = [-1, 4]> () y = Reshape (x, s) }"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(("cost", *arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def saved(text: str, path: Path) -> str:
    onnx.save(onnx.parser.parse_model(HEAD + text), path)
    return str(path)


def test_a_row_a_point(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = saved(WEIGHTS, tmp_path / "m.onnx")
    code, out, err = run(capsys, path, "--dim", "batch=1,2,8", "--level", "executed")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == lines[-1]
    start = next(place for place, line in enumerate(lines) if line.startswith("──"))
    rows = [line.split() for line in lines[start + 1 : start + 4]]
    assert [row[0] for row in rows] == ["1", "2", "8"]
    assert [row[1] for row in rows] == ["4.10", "8.19", "32.77"]  # k MACs
    said = " ".join(out.split())
    assert "batch=8 is 8 times batch=1: latency " in said
    assert "Weights are read once a run, not once an item: 16.0 KiB of the traffic" in said


def test_the_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = saved(WEIGHTS, tmp_path / "m.onnx")
    arguments = (path, "--level", "executed", "--format", "json")
    _, out, _ = run(capsys, *arguments, "--dim", "batch=4")
    alone = json.loads(out)
    assert not {"swept", "points", "under"} & alone.keys()
    code, out, _ = run(capsys, *arguments, "--dim", "batch=4,8", "--under", "1s")
    assert code == 0
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.load("ocost.cost/1")).validate(document)
    assert document["swept"] == {"batch": [4, 8]}
    first, second = document["points"]
    assert {key: document[key] for key in alone} == alone
    assert first["totals"] == alone["totals"]
    assert second["inputs"] == {"x": [8, 64]}
    assert first["weight_bytes"] == second["weight_bytes"] == 64 * 64 * 4
    assert first["latency_per_item_s"] == alone["totals"]["latency_s"] / 4
    assert first["latency_over_first"] == 1.0
    assert second["latency_over_first"] < 2
    assert document["under"] == {
        "limit_s": 1.0,
        "dim": "batch",
        "largest": {"size": 8, "latency_s": second["totals"]["latency_s"]},
        "next": None,
        "how": "swept",
        "reason": None,
    }


def test_a_point_that_the_model_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = saved(FIXED, tmp_path / "m.onnx")
    code, out, _ = run(capsys, path, "--dim", "x[0]=2,3,4")
    assert code == 0
    assert "x[0]=3 can't be costed: " in out
    code, out, _ = run(capsys, path, "--dim", "x[0]=2,3,4", "--format", "json")
    document = json.loads(out)
    jsonschema.Draft202012Validator(schema.load("ocost.cost/1")).validate(document)
    assert [point["totals"] is None for point in document["points"]] == [False, True, False]
    assert "Reshape" in document["points"][1]["refused"]
    assert run(capsys, path, "--dim", "x[0]=3,5")[0] == 2


def test_a_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, report = saved(WEIGHTS, tmp_path / "m.onnx"), tmp_path / "r.json"
    assert run(capsys, path, "--dim", "batch=1,2", "--report", str(report))[0] == 0
    assert len(json.loads(report.read_text())["points"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dim", "batch=1,x"), "--dim batch=1,x: write it as --dim batch=1,2,4,8"),
        (("--dim", "batch=1,"), "--dim batch=1,: write it as --dim batch=1,2,4,8"),
        (("--dim", "batch=,"), "--dim batch=,: write it as --dim batch=1,2,4,8"),
        (("--dim", "batch=1,-2"), "--dim batch=1,-2: write it as --dim batch=1,2,4,8"),
        (("--dim", "batch="), "--dim batch=: write it as --dim batch=1"),
        (("--dim", "=1,2"), "--dim =1,2: write it as --dim batch=1,2,4,8"),
        (("--dim", "rows=1,2"), "--dim rows: no input has a dim 'rows'"),
        (("--dim", "batch=1,2", "--dim", "batch=3,4"), "batch is swept already"),
        (("--dim", "batch=1,2", "--dim", "batch=3"), "batch is given as 3, and is swept too"),
        (("--under", "2ms"), "--under is about a sweep: give sizes"),
        (("--dim", "batch=1,2", "--under", "2"), "--under 2: write it as --under 20ms"),
        (("--dim", "batch=1,2", "--under", "0ms"), "--under 0ms: write it as --under 20ms"),
        (("--dim", "batch=1,2", "--device", "host", "--device", "nvidia-t4"), "of one device"),
    ],
)
def test_what_can_not_be_swept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    path = saved(WEIGHTS, tmp_path / "m.onnx")
    code, out, err = run(capsys, path, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["diff", "optimize", "profile"])
def test_only_cost_sweeps(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code = cli.run((command, "@odd_channels", "--dim", "input[0]=1,2"))
    assert code == 2
    assert "several sizes are a sweep, which `cost` makes" in capsys.readouterr().err
