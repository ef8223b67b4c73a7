"""A changed graph as a new file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from ocost.graph import OcostError, Tensor, load
from ocost.graph import write as writing
from ocost.graph.write import write
from ocost.models import resolve

TEXT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N, 512] x) => (float[N, 512] y) {
    t = Mul (x, w)
    y = Add (t, v)
}"""


def stored(folder: Path) -> Path:
    """A model whose two weights of 2 KiB lie in a file of their own."""
    model = parser.parse_model(TEXT)
    for name, value in (("w", 2.0), ("v", 3.0)):
        array = np.full(512, value, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    path = folder / "model.onnx"
    onnx.save_model(
        model, path, save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    return path


def weights(path: Path) -> dict[str, float]:
    return {t.name: float(numpy_helper.to_array(t)[0]) for t in onnx.load(path).graph.initializer}


def test_external_weights_are_gathered_without_those_that_are_gone(tmp_path: Path) -> None:
    graph = load(stored(tmp_path))
    graph.remove_node("y")
    graph.remove_initializer("v")
    graph.set_interface(graph.inputs, ["t"])
    graph.skeleton.output[0].name = "t"
    (tmp_path / "out").mkdir()
    write(graph, tmp_path / "out" / "new.onnx")
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == ["new.onnx", "new.onnx.data"]
    assert (tmp_path / "out" / "new.onnx.data").stat().st_size == 512 * 4
    assert weights(tmp_path / "out" / "new.onnx") == {"w": 2.0}


def test_new_weights_go_beside_the_others(tmp_path: Path) -> None:
    graph = load(stored(tmp_path))
    graph.set_initializer(Tensor.from_array("w", np.full(512, 7, np.float32)))
    write(graph, tmp_path / "new.onnx")
    assert weights(tmp_path / "new.onnx") == {"w": 7.0, "v": 3.0}
    assert (tmp_path / "new.onnx").stat().st_size < 1024
    assert weights(tmp_path / "model.onnx") == {"w": 2.0, "v": 3.0}  # untouched


def test_over_protobuf_s_limit_weights_go_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_MESSAGE", 10_000)
    graph = load(resolve("@odd_channels"))
    write(graph, tmp_path / "new.onnx")
    assert (tmp_path / "new.onnx.data").stat().st_size > 10_000
    onnx.checker.check_model(str(tmp_path / "new.onnx"), full_check=True)


def test_a_weightless_graph_gets_its_weights(tmp_path: Path) -> None:
    graph = load(resolve("@odd_channels"))
    write(graph, tmp_path / "new.onnx")
    again = load(tmp_path / "new.onnx")
    assert not again.header.source.fillers
    for name, tensor in graph.initializers.items():
        np.testing.assert_array_equal(again.initializers[name].data(), tensor.data())


def test_nothing_is_overwritten_or_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored(tmp_path)
    graph = load(path)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir()}
    with pytest.raises(OcostError, match="exists already"):
        write(graph, path)
    with pytest.raises(OcostError, match="no folder"):
        write(graph, tmp_path / "none" / "x.onnx")
    (tmp_path / "new.onnx.data").write_bytes(b"mine")
    with pytest.raises(OcostError, match=r"new.onnx.data: exists already"):
        write(graph, tmp_path / "new.onnx")
    (tmp_path / "new.onnx.data").unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OcostError, match="No space left"):
        write(graph, tmp_path / "new.onnx")
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == before


def test_no_model_without_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load(stored(tmp_path))
    made = tmp_path / "made.onnx"
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target.suffix == ".data":
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OcostError, match="Permission denied"):
        write(graph, made)
    assert sorted(tmp_path.iterdir()) == before


def test_in_its_own_place_with_force(tmp_path: Path) -> None:
    graph = load(stored(tmp_path))
    write(graph, tmp_path / "model.onnx", force=True)
    assert weights(tmp_path / "model.onnx") == {"w": 2.0, "v": 3.0}


def test_the_model_s_own_data_are_safe_even_with_force(tmp_path: Path) -> None:
    graph = load(stored(tmp_path))
    before = (tmp_path / "weights.bin").read_bytes()
    with pytest.raises(OcostError, match=r"weights.bin belongs to the model"):
        write(graph, tmp_path / "weights.bin", force=True)
    assert (tmp_path / "weights.bin").read_bytes() == before
