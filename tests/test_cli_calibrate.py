"""``ocost calibrate``, and calibrated devices in other commands, as a user meets them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ocost import cli
from ocost.costmodel.catalogue import find
from ocost.costmodel.device_file import document
from ocost.runtime.calibration import calibrate as module
from ocost.runtime.calibration.case import Case, activation
from ocost.runtime.calibration.quiet import Quiet


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This machine, measured for a moment."""
    path = tmp_path_factory.mktemp("devices") / "board.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Quiet, "wait", lambda *_: None)
        sizes = (1 << 16, 1 << 17, 1 << 18, 1 << 19)  # long beside what a busy machine adds
        cases = [Case("Relu", (activation(1, size),)) for size in sizes for _ in range(8)]
        patch.setattr(module, "_nodes", lambda *_: cases)
        assert cli.run(["calibrate", "-o", str(path), "--budget", "500ms"]) == 0
    return path


@pytest.fixture
def elsewhere(board: Path, tmp_path: Path) -> Path:
    """The same, as if it were of another CPU."""
    device = find(board)
    assert device.calibration is not None
    there = replace(device.calibration.provenance, cpu="another CPU")
    moved = replace(device, calibration=replace(device.calibration, provenance=there))
    path = tmp_path / "laptop.json"
    path.write_text(json.dumps(document(moved)))
    return path


def test_the_page(capsys: pytest.CaptureFixture[str], board: Path, tmp_path: Path) -> None:
    code, out, err = run(capsys, "devices", str(board))
    assert (code, err) == (0, "")
    assert "calibrated" in out
    assert "Relu" in out


def test_it_is_a_device_like_any_other(capsys: pytest.CaptureFixture[str], board: Path) -> None:
    code, out, _ = run(capsys, "cost", "@mobilenet_v2", "--device", str(board))
    assert code == 0
    verdict = out.splitlines()[0]
    assert " on board" in verdict
    assert " to " in verdict  # the interval
    assert out.splitlines()[-1] == verdict
    assert len(out.splitlines()) <= 24


def test_each_number_says_what_made_it(capsys: pytest.CaptureFixture[str], board: Path) -> None:
    code, out, _ = run(capsys, "cost", "@mobilenet_v2", "--device", str(board), "--format", "json")
    assert code == 0
    nodes = json.loads(out)["nodes"]
    assert {n["estimator"] for n in nodes} <= {"calibrated", "measured", "roofline"}
    for node in nodes:
        if node["latency_s"]:
            assert node["latency_low_s"] <= node["latency_s"] <= node["latency_high_s"]


def test_of_another_machine_it_predicts(
    capsys: pytest.CaptureFixture[str], elsewhere: Path
) -> None:
    code, out, _ = run(capsys, "cost", "@mobilenet_v2", "--device", str(elsewhere))
    assert code == 0
    assert "on laptop" in out.splitlines()[0] or "on board" in out.splitlines()[0]


@pytest.mark.parametrize("command", [("profile",), ("diff", "--measure")])
def test_of_another_machine_it_is_not_compared_with_a_measurement_here(
    capsys: pytest.CaptureFixture[str], elsewhere: Path, command: tuple[str, ...]
) -> None:
    name, *options = command
    code, out, err = run(capsys, name, "@mobilenet_v2", "--device", str(elsewhere), *options)
    assert (code, out) == (2, "")
    assert "can't be compared with a measurement taken here: its CPU is another CPU" in err
    assert err.count("\n") == 1


def test_other_threads_than_it_was_calibrated_with(
    capsys: pytest.CaptureFixture[str], board: Path
) -> None:
    for command in (("cost", "@mobilenet_v2"), ("profile", "@mobilenet_v2")):
        code, _, err = run(capsys, *command, "--device", str(board), "--threads", "2")
        assert code == 2
        assert "thread" in err
        assert err.count("\n") == 1


def test_a_damaged_one(capsys: pytest.CaptureFixture[str], board: Path, tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    path.write_text(board.read_text().replace('"coefficients"', '"coefficient"'))
    code, out, err = run(capsys, "cost", "@mobilenet_v2", "--device", str(path))
    assert (code, out) == (2, "")
    assert "its calibration can't be read (coefficients is missing)" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "board.json", "--budget", "soon"), "--budget soon"),
        (("-o", "board.json", "--budget", "0s"), "--budget 0s"),
        (("-o", "board.toml"), "is a .json file"),
        (("-o", "board.json", "--threads", "0"), "--threads"),
        ((), "-o"),
    ],
)
def test_what_is_asked_wrongly(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "calibrate", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert not list(tmp_path.iterdir())


def test_a_busy_machine(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "Quiet", lambda _: Quiet(0.0, lambda: 0.5))
    code, _, err = run(capsys, "calibrate", "-o", str(tmp_path / "board.json"))
    assert code == 2
    assert "too busy to be measured: other programs take 50% of a core" in err
