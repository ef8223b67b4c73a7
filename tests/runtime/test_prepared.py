"""Models for a runtime elsewhere: named, whole or not at all, never in place of an input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ocost.graph import OcostError, load
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.prepared import prepare
from ocost.runtime.protocol import Options

F = onnx.TensorProto.FLOAT


def model() -> onnx.ModelProto:
    """Two Adds of a large constant, without names."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["a"]), helper.make_node("Add", ["a", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", F, [2000])],
        [helper.make_tensor_value_info("y", F, [2000])],
        [numpy_helper.from_array(np.ones(2000, np.float32), "w")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def answers(file: Path) -> None:
    names = [node.name for node in onnx.load(file, load_external_data=False).graph.node]
    assert names == ["a", "y"]
    session = open_session(file, Options())
    assert (run_once(session, {"x": np.zeros(2000, np.float32)})[0] == 2).all()


def test_nodes_are_named_and_weights_kept(tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / "in.onnx")
    prepare(load(tmp_path / "in.onnx"), tmp_path / "named.onnx")
    answers(tmp_path / "named.onnx")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.onnx", "named.onnx"]


def test_external_data_goes_along(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    onnx.save(model(), tmp_path / "in.onnx", save_as_external_data=True, location="w.bin")
    prepare(load(tmp_path / "in.onnx"), tmp_path / "there" / "named.onnx")
    answers(tmp_path / "there" / "named.onnx")
    assert (tmp_path / "there" / "named.onnx.data").stat().st_size == 8000


def test_weightless_models_get_weights(tmp_path: Path) -> None:
    prepare(load("@odd_channels"), tmp_path / "named.onnx")
    open_session(tmp_path / "named.onnx", Options())


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / "in.onnx", save_as_external_data=True, location="w.bin")
    graph = load(tmp_path / "in.onnx")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    for own in before:
        with pytest.raises(OcostError, match="belongs to the model itself"):
            prepare(graph, own, force=True)
    (tmp_path / "other.onnx").write_bytes(b"mine")
    for source in (graph, load("@odd_channels")):
        with pytest.raises(OcostError, match=r"other\.onnx: exists already"):
            prepare(source, tmp_path / "other.onnx")
    assert (tmp_path / "other.onnx").read_bytes() == b"mine"
    prepare(graph, tmp_path / "other.onnx", force=True)
    answers(tmp_path / "other.onnx")
    assert {file: file.read_bytes() for file in before} == before
