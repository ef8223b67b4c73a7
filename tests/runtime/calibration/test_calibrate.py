"""A machine measured within a budget: the real runtime, for a second or two."""

from pathlib import Path

import numpy as np
import pytest

from ocost import OcostError, calibrate, cost
from ocost.costmodel.catalogue import find
from ocost.runtime.calibration import calibrate as module
from ocost.runtime.calibration.case import Case, activation, weight


def some(random: np.random.Generator, block: int) -> list[Case]:
    """Nodes that are long enough to be told, of which many are measured in a second."""
    rows = [int(size) for size in random.integers(16, 64, 60)]
    products = [Case("Gemm", (activation(r, 256), weight(256, 256), weight(256))) for r in rows]
    return [c for p, r in zip(products, rows, strict=True) for c in (p, relu(r, block))]


def relu(rows: int, block: int) -> Case:
    return Case("Relu", (activation(1, block, rows, 256),))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else this machine does while the tests run, and however slow it is."""
    monkeypatch.setattr(module.Quiet, "wait", lambda *_: None)
    monkeypatch.setattr(module, "_nodes", some)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calibrated") / "board.json"
    with pytest.MonkeyPatch.context() as patch:
        small.__wrapped__(patch)
        calibrate(path, budget_s=2.0)
    return path


def test_the_device_is_what_was_measured(file: Path) -> None:
    device = find(file)
    assert (device.name, device.source, device.cores) == ("board", "calibrated", 1)
    assert device.peaks["float32"] > 1e8
    assert device.bandwidth > 1e8
    assert 0 < device.overhead_s < 1e-3
    found = device.calibration
    assert found is not None
    assert found.kernels
    assert all(v >= 0 for model in found.kernels.values() for v in model.coefficients.values())
    assert found.provenance.threads == 1
    assert found.provenance.runtime_version == device.runtime_version != ""


def test_nothing_is_left_beside_it(file: Path) -> None:
    assert [path.name for path in file.parent.iterdir()] == ["board.json"]


def test_it_predicts(file: Path) -> None:
    found = cost("@mobilenet_v2", file)
    totals = found.totals
    assert None not in (totals.latency_low_s, totals.latency_s, totals.latency_high_s)
    assert totals.latency_low_s < totals.latency_s < totals.latency_high_s
    assert "calibrated" in {node.estimator for node in found.nodes}
    ends = [(n.latency_low_s, n.latency_s, n.latency_high_s) for n in found.nodes if n.latency_s]
    assert all(low <= s <= high for low, s, high in ends)


def test_an_interrupted_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "board.json"

    def interrupt(text: str) -> None:
        if text.startswith("pass 1 of 2, 3 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(path, budget_s=60.0, tell=interrupt)
    assert not path.exists()
    kept = (tmp_path / "board.json.part").read_text().splitlines()
    assert len(kept) >= 4  # what they are of, and three packs at least

    monkeypatch.setattr(module.Journal, "add", lambda *_: pytest.fail("measured once more"))
    calibrate(path, budget_s=0.01)  # which is spent already
    found = find(path).calibration
    assert found is not None
    assert sum(m.measured for name, m in found.kernels.items() if "any" not in name) >= 3
    assert not (tmp_path / "board.json.part").exists()


def test_more_threads_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(OcostError, match="--threads 100000: this process may use"):
        calibrate(tmp_path / "board.json", threads=100_000)


def test_a_runtime_that_refuses_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = module._machine(1)

    def refuse(*_: object, **__: object) -> None:
        raise OcostError("no")

    monkeypatch.setattr(module, "_machine", lambda _: machine)
    monkeypatch.setattr(module, "measured", refuse)
    with pytest.raises(OcostError, match="no node could be measured"):
        calibrate(tmp_path / "board.json", budget_s=0.2)


@pytest.mark.parametrize(
    ("name", "said"), [("board.toml", "is a .json file"), ("none/board.json", "no folder")]
)
def test_where_it_can_not_go(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(OcostError, match=said):
        calibrate(tmp_path / name)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "board.json"
    path.write_text("mine")
    with pytest.raises(OcostError, match="overwrite it with --force"):
        calibrate(path)
    assert path.read_text() == "mine"
