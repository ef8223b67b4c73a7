"""What optimising made, as JSON and as text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

import ocost
from ocost.cli import run
from ocost.graph import load
from ocost.ledger.executed import Ledger
from ocost.ledger.standing import Standing
from ocost.optimize import Optimized
from ocost.optimize.pipeline import Made
from ocost.optimize.steps import Step
from ocost.report.optimize_document import optimize_document
from ocost.report.schema import load as schema
from ocost.report.text import console
from ocost.report.text_optimize import render_optimize
from ocost.rewrite.rewriting import Declined
from ocost.runtime.timing.comparison import Comparison
from ocost.runtime.timing.stopwatch import Timing


@pytest.fixture(scope="module")
def found() -> Optimized:
    return ocost.optimize_model("@odd_channels")


def page(found: Optimized, **options: bool) -> str:
    import io

    text = io.StringIO()
    console(text, "never").print(render_optimize(found, **options))
    return text.getvalue()


def comparison(ratio: float) -> Comparison:
    timing = Timing(0.001, 0.001, 0.001, 10, False)
    verdict = "faster" if ratio < 1 else "no measurable difference"
    return Comparison(
        ratio, ratio - 0.01, ratio + 0.01, 0.005, 0.01, verdict, timing, timing, 1.0, False, 8, 8, 1
    )


def test_the_document(found: Optimized) -> None:
    document = optimize_document(found)
    jsonschema.Draft202012Validator(schema("ocost.optimize/1")).validate(document)
    assert document["equivalence"]["ok"] is True
    assert document["rewrites"]
    assert not any(document["residual"]["written"].values())
    written = document["levels"]["written"]
    for figure in ("flops", "traffic_bytes", "params", "param_bytes"):
        total = sum(r["delta"]["written"][figure] for r in document["rewrites"])
        assert total == written["delta"][figure]


def test_measured_steps(found: Optimized) -> None:
    first, *rest = found.made.marks
    steps = (Step(first, -1e-4, comparison(0.9)), *(Step(mark, -1e-9, None) for mark in rest))
    document = optimize_document(replace(found, steps=steps))
    jsonschema.Draft202012Validator(schema("ocost.optimize/1")).validate(document)
    assert document["steps"][0]["measured"]["verdict"] == "faster"
    text = page(replace(found, steps=steps))
    assert "-10.0 % (-11.0 to -9.0)" in text
    assert ("below noise" in text) == bool(rest)


def test_what_no_entry_accounts_for_is_said(found: Optimized) -> None:
    ledger = found.diff.ledger
    for level in ("written", "executed"):
        residual = {**ledger.residual, level: {**ledger.residual[level], "flops": 12}}
        diff = replace(found.diff, ledger=replace(ledger, residual=residual))
        text = page(replace(found, diff=diff))
        assert f"No entry accounts for, as {level}: flops +12" in text
    assert "No entry" not in page(found)


def test_refusals_by_reason_or_each(found: Optimized) -> None:
    declined = [Declined("fold-x", (f"n{i}",), f"'t{i}' is read twice") for i in range(3)]
    refused = replace(found, made=replace(found.made, declined=declined))
    assert "fold-x: 't0' is read twice (3 times, first: n0)" in page(refused)
    assert "fold-x: 't2' is read twice\n    at n2\n" in page(refused, explain=True)
    same = [Declined("fold-x", (f"n{i}",), "it is read twice") for i in range(3)]
    text = page(replace(found, made=replace(found.made, declined=same)), explain=True)
    assert "fold-x: it is read twice (3 times)\n    at n0\n    at n1\n    at n2\n" in text


def test_what_was_left_out_is_said_first(found: Optimized) -> None:
    diff = replace(found.diff, standing=Standing({}, 2, 0, ()))
    lines = page(replace(found, diff=diff)).splitlines()
    assert any("2 rewrites left out" in line for line in lines[:7])


def test_nothing_to_do(found: Optimized) -> None:
    diff = replace(found.diff, ledger=Ledger())
    nothing = replace(found, made=Made(found.graph), diff=diff)
    assert "Nothing to rewrite" in page(nothing)


def test_the_command_writes_the_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.onnx"
    assert run(["optimize", "@odd_channels", "-o", str(out), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "ocost.optimize/1"
    assert len(load(out)) == document["after"]["nodes"]
    assert run(["optimize", "@odd_channels", "-o", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(["diff", "@odd_channels", str(out), "--check"]) == 0


def test_a_place_that_can_t_be_written_is_refused_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["optimize", "@odd_channels", "-o", "nowhere/x.onnx"]) == 2
    assert "there is no folder nowhere" in capsys.readouterr().err


def test_measured(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--measure", "--budget", "0.2", "--no-onnxsim", "--format", "json"]
    assert run(["optimize", "@odd_channels", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(schema("ocost.optimize/1")).validate(document)
    assert "measured" in document["levels"]
    assert len(document["steps"]) >= 1
