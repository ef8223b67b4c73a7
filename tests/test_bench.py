"""The benchmarks run; what they say of time is nobody's to assert."""

import importlib
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

import ocost
from ocost.models import pack

BENCH = Path(ocost.__file__).parent / "bench"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)


@pytest.fixture
def corpus(tmp_path):
    """Two exports of one product of 2 x 64 by 64 x 3 = 384 MACs, the second one weightless."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [64, 3], [0.5, 1.5] * 96)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 3])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "packed").mkdir()
    onnx.save(model, tmp_path / "packed" / "net_v1.0.dyn.onnx")
    onnx.save(pack.pack(model), tmp_path / "packed" / "net_v1.0.keepbn.qdq.onnx")
    columns = "model\tgmacs_torchvision_meta\tgflops_flop_counter"
    (tmp_path / "REFERENCE.tsv").write_text(f"{columns}\nnet_v1.0\t0.000\t0.000002\n")
    return tmp_path


def _row(page, *start):
    """The cells after these of the one row that starts with them."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    (found,) = [row[len(start) :] for row in rows if tuple(row[: len(start)]) == start]
    return found


def test_corpus(corpus, tmp_path):
    page = tmp_path / "page.md"
    assert importlib.import_module("corpus").main([str(corpus), "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    # Read: (2 x 64 + 64 x 3) x 4 = 1 280 bytes; written: 2 x 3 x 4 = 24; too few for MiB.
    for variant in ("dyn", "keepbn.qdq"):
        row = _row(text, f"net_v1.0.{variant}")
        assert row[:-1] == ["1", "1", "100.0", "1 / 0 / 0", "384", "192", "0.00", "0.00"]
    assert _row(text, "net_v1.0", "dyn, keepbn.qdq") == ["384", "yes"]
    # 2 x 384 FLOP are 0.000001 GFLOP, not 0.000002.
    assert _row(text, "net_v1.0", "384") == ["0.000", "yes", "0.0000010", "**no**"]
    assert "* net_v1.0: -616 MACs, unexplained" in text
    assert str(corpus) not in text


def test_corpus_without_a_model(tmp_path, capsys):
    assert importlib.import_module("corpus").main([str(tmp_path), "-o", str(tmp_path / "p")]) == 1
    assert "no model" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_cost_speed(corpus, monkeypatch, capsys):
    measuring = importlib.import_module("measuring")
    for name in ("onnx", "onnx-tool"):
        monkeypatch.delitem(measuring.COLUMNS, name)
    monkeypatch.setitem(measuring.COLUMNS, "column", ("no such tool", False))
    model = corpus / "packed" / "net_v1.0.keepbn.qdq.onnx"
    speed = importlib.import_module("cost_speed")
    assert speed.main([str(model), "--seconds", "0", "--processes", "2"]) == 0
    text = capsys.readouterr().out
    # One node; 192 weights of 4 bytes and the graph around them: less than 0.05 MB; 5 rounds.
    assert _row(text, "net_v1.0.keepbn.qdq", "1")[:2] == ["0.0", "5"]
    # Whole processes: two runs each of all three, and what they come to.
    *times, over_onnx, over_info = map(float, _row(text, "net_v1.0.keepbn.qdq", "2"))
    assert [over_onnx, over_info] == [
        pytest.approx(times[0] / other, rel=0.1) for other in times[1:]
    ]
    assert "no such tool is left out: crashed" in text
    assert "ocost / column" not in text


def test_cost_speed_without_a_model(corpus, monkeypatch, capsys):
    measuring = importlib.import_module("measuring")
    for name in (measuring.OURS, "ModelInfo", "onnx-tool", measuring.BARE):
        monkeypatch.delitem(measuring.COLUMNS, name)
    model = corpus / "broken.onnx"
    model.write_bytes(b"")
    assert importlib.import_module("cost_speed").main([str(model), "--seconds", "0"]) == 1
    assert "left out" in capsys.readouterr().out


def test_optimize_peers(corpus, monkeypatch, tmp_path):
    peers, page = importlib.import_module("optimize_peers"), tmp_path / "page.md"
    monkeypatch.setattr(peers, "apart", lambda job, file, argument, *_: job(file, argument))
    tools = {name: peers.TOOLS[name] for name in ("original", "onnxsim")}
    monkeypatch.setattr(peers, "TOOLS", tools)
    assert peers.main([str(corpus / "packed" / "net_v1.0.dyn.onnx"), "-o", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    # One MatMul whatever is done to it: of the original, onnxsim, onnxslim (left out) and ocost.
    row = _row(text, "net_v1.0.dyn", "1")
    assert row[:5] == ["1", "-", "1", "+0.00", "yes"]
    for figure in ("nodes", "executed traffic", "predicted time"):
        assert _row(text, figure) == ["0", "1", "0", "0"]
    assert "Outputs are equal in 1, differ in 0" in text


def test_what_takes_too_long_is_said_so(corpus, tmp_path):
    peers = importlib.import_module("optimize_peers")
    model = corpus / "packed" / "net_v1.0.dyn.onnx"
    for _ in range(2):  # the second time off the file
        answer = peers.apart(peers.examine, model, "ocost", tmp_path, 0.0)
        assert answer == "takes more than 0 s"


def test_runtime_ledger(capsys):
    assert importlib.import_module("runtime_ledger").main(["@odd_channels", "--budget", "0.2"]) == 0
    text = capsys.readouterr().out
    steps = [line for line in text.splitlines() if line.startswith("| @odd_channels")]
    assert len(steps) > 1
    assert "none to all; steps: " in steps[-1]
    assert "* product of the steps in the interval of none against all: " in text
    for line in text.splitlines()[-3:]:
        found, of = map(int, line.rpartition(": ")[2].split(" of "))
        assert 0 <= found <= of < len(steps)


def test_ledger(corpus, capsys):
    assert importlib.import_module("ledger_sums").main([str(corpus)]) == 0
    out = capsys.readouterr().out
    assert _row(out, "net_v1.0.dyn", "0")[-1] == "nothing"
    assert "2 models, 2 known as executed; 0 leave something" in out
