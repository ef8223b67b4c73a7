"""Whole models that a careless optimiser gets wrong: right, or declined with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper, parser

from ocost.api import find_device
from ocost.cli import run
from ocost.graph import load
from ocost.optimize import Optimized, optimize_graph, plan
from ocost.runtime.equality.equivalence import check

F = "float[1, 8, 8, 8]"
WEIGHTS = {"w": (8, 8, 3, 3), **dict.fromkeys(("scale", "shift", "mean", "variance"), (8,))}
BN = "BatchNormalization (c, scale, shift, mean, variance)"


def model(body: str, *, inputs: str = "", outputs: str = f"{F} y", ir: int = 8) -> ModelProto:
    """Nodes between x and y, with random weights."""
    made = parser.parse_model(
        f'<ir_version: {ir}, opset_import: ["" : 17]> g ({F} x{inputs}) => ({outputs}) {{ {body} }}'
    )
    rng = np.random.default_rng(0)
    for name, shape in WEIGHTS.items():
        values = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        made.graph.initializer.append(numpy_helper.from_array(values, name))
    return made


def optimised(folder: Path, made: ModelProto) -> Optimized:
    onnx.save(made, folder / "m.onnx")
    graph = load(folder / "m.onnx")
    found = optimize_graph(graph, plan(), find_device())
    assert found.equivalence.ok, found.equivalence
    assert found.left_out == 0
    assert check(graph, found.graph).ok
    return found


def ops(found: Optimized) -> list[str]:
    return [node.op_type for node in found.graph]


CONV = "c = Conv <pads = [1, 1, 1, 1]> (x, w)"


def test_weights_that_are_inputs_may_be_overridden(tmp_path: Path) -> None:
    shapes = "".join(f", float{list(shape)} {name}" for name, shape in WEIGHTS.items())
    found = optimised(tmp_path, model(f"{CONV} y = {BN}", inputs=shapes))
    assert ops(found) == ["Conv", "BatchNormalization"]
    assert found.graph.inputs == ("x", *WEIGHTS)
    assert any("a caller may override it" in d.reason for d in found.made.declined)


def test_below_ir_version_4_they_are_constants(tmp_path: Path) -> None:
    shapes = "".join(f", float{list(shape)} {name}" for name, shape in WEIGHTS.items())
    found = optimised(tmp_path, model(f"{CONV} y = {BN}", inputs=shapes, ir=3))
    assert ops(found) == ["Conv"]


def test_training_mode(tmp_path: Path) -> None:
    training = BN.replace("Normalization", "Normalization <training_mode = 1>")
    found = optimised(
        tmp_path, model(f"{CONV} y, m, v = {training}", outputs=f"{F} y, float[8] m, float[8] v")
    )
    assert ops(found) == ["Conv", "BatchNormalization"]
    assert any("training mode" in d.reason for d in found.made.declined)


def test_a_conv_that_is_used_twice(tmp_path: Path) -> None:
    found = optimised(tmp_path, model(f"{CONV} n = {BN} r = Relu (c) y = Add (n, r)"))
    assert ops(found) == ["Conv", "BatchNormalization", "Relu", "Add"]
    assert any("also read by" in d.reason for d in found.made.declined)


def test_open_dims_stay_open(tmp_path: Path) -> None:
    made = model(f"{CONV} n = {BN} y = Relu (n)")
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    found = optimised(tmp_path, made)
    assert ops(found) == ["Conv", "Relu"]
    (value,) = found.graph.skeleton.input
    assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_metadata_and_doc_strings_stay(tmp_path: Path) -> None:
    made = model(f"{CONV} n = {BN} y = Relu (n)")
    made.doc_string, made.producer_name = "what it is", "me"
    made.metadata_props.add(key="labels", value="cat,dog")
    made.graph.node[2].doc_string = "the last one"
    onnx.save(made, tmp_path / "m.onnx")
    assert run(["optimize", str(tmp_path / "m.onnx"), "-o", str(tmp_path / "o.onnx")]) == 0
    out = onnx.load(tmp_path / "o.onnx")
    assert (out.doc_string, out.producer_name) == ("what it is", "me")
    assert [(p.key, p.value) for p in out.metadata_props] == [("labels", "cat,dog")]
    assert out.graph.node[-1].doc_string == "the last one"
    assert out.ir_version == made.ir_version


def test_external_weights_go_along(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    made = model(f"{CONV} n = {BN} y = Conv <pads = [1, 1, 1, 1]> (n, w)")
    onnx.save_model(made, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    (tmp_path / "out").mkdir()
    target = ["-o", str(tmp_path / "out" / "o.onnx")]
    assert run(["optimize", str(path), "--no-onnxsim", *target]) == 0
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir() if f.is_file()} == before
    assert check(load(path), load(tmp_path / "out" / "o.onnx")).ok
    # Twice 8 x 8 x 9 weights of 4 bytes; what is under a KiB stays in the model's file.
    assert (tmp_path / "out" / "o.onnx.data").stat().st_size == 2 * 8 * 8 * 9 * 4


def test_explain_says_which_node_why_not_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = model(f"{CONV} r = Relu (c) y = {BN.replace('(c', '(r')}")
    made.graph.node[2].name = "norm"
    onnx.save(made, tmp_path / "m.onnx")
    assert run(["optimize", str(tmp_path / "m.onnx"), "--explain"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "norm" in page
    assert "put the BatchNormalization before the activation and train so" in page
