"""A profile that was taken elsewhere, and what it is compared with."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import ocost
from ocost.cli import run
from ocost.graph import OcostError
from ocost.report.profile_document import profile_document
from ocost.report.schema import load

MODEL = "@odd_channels"


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a prepared model, the graph that a session saved, and its profile."""
    import onnxruntime as ort

    folder = tmp_path_factory.mktemp("elsewhere")
    ocost.prepare(MODEL, folder / "named.onnx")
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.enable_profiling = True
    options.optimized_model_filepath = str(folder / "saved.onnx")
    options.profile_file_prefix = str(folder / "p")
    session = ort.InferenceSession(folder / "named.onnx", options)
    (given,) = session.get_inputs()
    for _ in range(6):
        session.run(None, {given.name: np.ones(given.shape, np.float32)})
    Path(session.end_profiling()).rename(folder / "trace.json")
    return folder


def test_with_the_graph_that_was_saved(taken: Path) -> None:
    found = ocost.read_profile(
        taken / "named.onnx", taken / "trace.json", optimized=taken / "saved.onnx"
    )
    assert found.validation.time_mapped_fraction == 1
    assert found.validation.originals_covered_fraction == 1
    assert found.executed.level == "executed"
    assert found.environment.cpu is None
    assert found.origin == taken / "trace.json"
    assert found.memory is None
    assert found.startup is None


def test_by_names_alone(taken: Path) -> None:
    found = ocost.read_profile(taken / "named.onnx", taken / "trace.json")
    assert any("names alone" in note for note in found.notes)
    assert found.validation.time_mapped_fraction == 1
    predicted = [node.predicted_s for node in found.validation.nodes if node.originals]
    assert any(seconds is not None for seconds in predicted)


def test_the_document_is_as_the_schema_says(taken: Path) -> None:
    document = profile_document(ocost.read_profile(taken / "named.onnx", taken / "trace.json"))
    jsonschema.Draft202012Validator(load("ocost.profile/1")).validate(document)
    assert document["trace"] == str(taken / "trace.json")
    assert document["environment"]["cpu"] is None


def test_the_command(taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(taken / "named.onnx"), "--from", str(taken / "trace.json")]
    assert run(["profile", *files, "--optimized", str(taken / "saved.onnx")]) == 0
    page = capsys.readouterr().out
    assert "measured elsewhere: trace.json" in page
    assert run(["profile", *files, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "ocost.profile/1"


def test_a_file_that_is_no_profile(taken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = taken / "saved.onnx"
    assert run(["profile", str(taken / "named.onnx"), "--from", str(wrong)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "saved.onnx" in line


@pytest.mark.parametrize("optimized", [True, False])
def test_the_profile_of_another_model(taken: Path, optimized: bool) -> None:
    saved = taken / "saved.onnx" if optimized else None
    with pytest.raises(OcostError, match=r"trace\.json: none of the \d+ nodes in it is found"):
        ocost.read_profile("@gpt2_4l", taken / "trace.json", optimized=saved)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--prepare"], "-o named.onnx"),
        (["-o", "x.onnx"], "-o goes with --prepare"),
        (["--optimized", "x.onnx"], "--optimized with --from"),
        (["--prepare", "-o", "x.onnx", "--from", "t.json"], "it goes with -o and --force"),
        (["--prepare", "-o", "x.onnx", "--report", "r.json"], "it goes with -o and --force"),
        (["--from", "t.json", "--inputs", "x.npz"], "with --from give --shape"),
    ],
)
def test_options_that_don_t_go_together(
    options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profile", MODEL, *options]) == 2
    assert text in capsys.readouterr().err


def test_the_prepared_model_overwrites_nothing(taken: Path) -> None:
    with pytest.raises(OcostError, match="exists already"):
        ocost.prepare(MODEL, taken / "named.onnx")
    assert run(["profile", MODEL, "--prepare", "-o", str(taken / "named.onnx"), "--force"]) == 0
