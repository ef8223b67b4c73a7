"""Several models' page and document, gates and exit codes, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from ocost import cli
from ocost.report import schema

from ..compare.precisions import saved


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(("diff", *arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_column_a_model_by_predicted_time(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = saved(tmp_path, ["float32", "dynamic_s8", "qdq"])
    code, out, err = run(capsys, *paths, "-q")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[0] == lines[-1]
    assert lines[0].endswith("1 of 2 others slower than float32")
    head = next(line.split() for line in lines if line.startswith("   ") and "float32" in line)
    assert head[0] == "float32"
    assert set(head[1:]) == {"dynamic_s8", "qdq"}
    assert head[-1] == "dynamic_s8"  # the slowest is the last
    assert any(line.startswith("dynamic_s8 is ") for line in lines)
    assert not any(line.startswith("qdq is ") and "slower" in line for line in lines[1:-1])
    code, out, _ = run(capsys, *paths, "-q", "-v")
    assert " pw_quant" in out  # node by node


def test_many_models_stand_in_blocks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (path,) = saved(tmp_path, ["float32"])
    code, out, _ = run(capsys, *[path] * 12, "-q", "--top", "0")
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    assert out.count("\npeak memory ") > 1
    assert "net.float32 (12)" in out


def test_the_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    paths = saved(tmp_path, ["float32", "half_ports", "dynamic_s8"])
    report = tmp_path / "r.json"
    gate = ("--fail-on", "written.macs:0%", "--fail-on", "latency:50%")
    code, out, err = run(capsys, *paths, "-q", "--format", "json", "--report", str(report), *gate)
    document = json.loads(out)
    assert json.loads(report.read_text()) == document
    jsonschema.Draft202012Validator(schema.load("ocost.diff/1")).validate(document)
    assert [after["name"] for after in document["afters"]] == ["half_ports", "dynamic_s8"]
    assert document["order"]["predicted"][-1] == "dynamic_s8"
    assert document["order"]["measured"] is None
    assert code == 1  # one is over, of the second
    assert [(g["after"], g["ok"]) for g in document["gates"]] == [
        ("half_ports", True),
        ("half_ports", True),
        ("dynamic_s8", True),
        ("dynamic_s8", False),
    ]
    assert err.startswith("ocost: gate failed for dynamic_s8: executed.latency_s: limit 50%, ")
    assert err.count("\n") == 1
    (slower,) = document["afters"][1]["slower"]
    before, after = slower["latency_s"]
    assert slower["by"] == "predicted"
    assert after - before == pytest.approx(slower["added_s"] - slower["saved_s"])


def test_each_is_what_two_models_alone_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, *others = saved(tmp_path, ["float32", "half", "qdq"])
    _, out, _ = run(capsys, first, *others, "-q", "--format", "json")
    document = json.loads(out)
    for place, path in enumerate(others):
        _, out, _ = run(capsys, first, path, "-q", "--format", "json")
        alone = json.loads(out)
        assert not {"afters", "order", "name"} & alone.keys()
        shared = ("schema", "before", "made_by", "device", "environment")
        after = document["afters"][place]
        assert {k: v for k, v in after.items() if k not in ("name", "slower")} == {
            k: v for k, v in alone.items() if k not in shared
        }
        if not place:
            assert {k: document[k] for k in alone} == alone


def test_the_same_file_twice(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, other = saved(tmp_path, ["float32", "half"])
    code, out, _ = run(capsys, first, first, other, "-q")
    assert code == 0
    assert "float32 (2)" in out
    assert "float32 or float32 (2) is predicted fastest" in out


def test_outputs_decide_the_exit_code_where_they_are_compared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = saved(tmp_path, ["float32", "float32", "half"])
    assert run(capsys, *paths, "-q")[0] == 0
    code, out, _ = run(capsys, *paths, "-q", "--check")
    assert code == 1
    assert "half: Outputs differ: " in out
    assert run(capsys, *paths[:2], paths[0], "-q", "--check")[0] == 0
    alike = ("--check", "--fail-on", "outputs.cosine:0.999")
    assert run(capsys, *paths, "-q", *alike)[0] == 0


def test_a_measured_gate_names_its_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = saved(tmp_path, ["float32", "float32", "half"])
    code, out, err = run(
        capsys, *paths, "-q", "--measure", "--budget", "0.2", "--fail-on", "latency:-99%"
    )
    assert code == 1
    assert "ocost: gate failed for float32 (2): measured.latency_s: limit -99%, up to " in err
    assert "ocost: gate failed for half: measured.latency_s: " in err
    assert "outputs" not in out
    assert "apart" in out


@pytest.mark.parametrize("bad", ["missing.onnx", "text.onnx"])
def test_a_model_that_can_not_be_read_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, bad: str
) -> None:
    (tmp_path / "text.onnx").write_text("no model", encoding="utf-8")
    first, other = saved(tmp_path, ["float32", "half"])
    code, out, err = run(capsys, first, other, str(tmp_path / bad), "-q")
    assert (code, out) == (2, "")
    assert bad in err
    assert err.count("\n") == 1


def test_other_inputs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    first, other = saved(tmp_path, ["float32", "half"])
    code, out, _ = run(capsys, first, other, "@odd_channels", "-q")
    assert code == 0
    assert "odd_channels: the graphs have different inputs and outputs" in out
    code, _, err = run(capsys, first, other, "@mobilenet_v2", "--measure")
    assert code == 2
    assert "only one of the first model and @mobilenet_v2 has the input" in err
    assert err.count("\n") == 1
