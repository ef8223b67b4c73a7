"""The bench of precisions makes every variant, and says which pairs are predicted in order."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import ocost

BENCH = Path(ocost.__file__).parent / "bench"
OPERATORS = {
    "float32": {"Conv", "Relu"},
    "float16": {"Cast", "Conv", "Relu"},
    "qdq": {"QuantizeLinear", "DequantizeLinear", "Conv"},
    "qop": {"QuantizeLinear", "DequantizeLinear", "QLinearConv"},
    "dynamic": {"DynamicQuantizeLinear", "ConvInteger", "Cast", "Mul", "Relu"},
}


@pytest.fixture
def precisions(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("precisions")


@pytest.fixture
def model():
    weight = np.random.default_rng(0).normal(size=(16, 16, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["y"], ["z"], "relu"),
        ],
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 16, 32, 32])],
        [helper.make_tensor_value_info("z", 1, [1, 16, 32, 32])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def test_every_variant_is_what_it_says(precisions, model):
    feeds = [{"x": np.ones((1, 16, 32, 32), np.float32)}]
    for name, variant in precisions.variants(model, feeds):
        types = {node.op_type for node in variant.graph.node}
        assert types >= OPERATORS.pop(name)
        (given,) = variant.graph.input
        assert given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert OPERATORS == {}


@pytest.mark.parametrize(
    ("ratio", "low", "high", "answers"),
    [
        (1.5, 1.4, 1.6, {"yes", "**no**"}),  # which of the two hangs on what is predicted
        (1.5, 0.9, 2.1, {"-"}),  # not sure
        (1.1, 1.05, 1.15, {"-"}),  # not far enough apart
    ],
)
def test_pairs_that_are_apart_and_sure_count(
    precisions, model, tmp_path, monkeypatch, capsys, ratio, low, high, answers
):
    measured = SimpleNamespace(ratio=ratio, low=low, high=high)
    monkeypatch.setattr(precisions, "compare", lambda *_, **__: measured)
    file, page = tmp_path / "m.onnx", tmp_path / "page.md"
    onnx.save(model, file)
    code = precisions.main([str(file), "--device", "x86-server-core", "-o", str(page)])
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "| m " in line]
    assert len(rows) == 10
    assert {row[-2].strip() for row in rows} == answers
    assert code == ("**no**" in answers)
    assert "| m " in page.read_text(encoding="utf-8")
