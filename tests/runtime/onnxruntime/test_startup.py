"""Start-up is measured in another process, whose failures are one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ocost.graph import OcostError
from ocost.runtime.onnxruntime import startup as module
from ocost.runtime.onnxruntime.startup import startup
from ocost.runtime.profiles import Startup
from ocost.runtime.protocol import Options, SessionLevel

OPTIONS = Options(threads=2, level=SessionLevel.BASIC)


def model(megabytes: int) -> onnx.ModelProto:
    weight = np.ones((megabytes * 1024, 256), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["w", "i"], ["y"])],
        "g",
        [helper.make_tensor_value_info("i", onnx.TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 256])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def test_parameters_stay_in_memory(tmp_path: Path) -> None:
    found = startup(model(32), OPTIONS)
    assert found.low_s <= found.open_s <= found.high_s
    assert 0 < found.openings <= 5
    assert found.parse_s is not None
    assert 0 < found.parse_s < found.high_s
    if sys.platform == "linux":
        assert found.memory_bytes is not None
        assert found.memory_bytes >= 32 * 2**20 * 0.9  # pages may be shared with what was freed


def test_a_file_can_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    onnx.save(model(1), file)
    assert startup(file, OPTIONS).open_s > 0
    assert list(tmp_path.iterdir()) == [file]


def test_where_the_system_tells_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.onnx"
    onnx.save(model(1), file)
    monkeypatch.setattr(module, "_resident_bytes", lambda: None)
    found = module._measure(file, OPTIONS)
    assert isinstance(found, Startup)
    assert found.memory_bytes is None


def test_a_model_that_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"nonsense")
    with pytest.raises(OcostError, match=r"can't be measured: .*can't open the model") as caught:
        startup(file, OPTIONS)
    assert "\n" not in str(caught.value)


def test_a_process_that_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.onnx"
    onnx.save(model(1), file)

    def died(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], -11, "", "")

    monkeypatch.setattr(subprocess, "run", died)
    with pytest.raises(OcostError, match="its process ended with code -11"):
        startup(file, OPTIONS)

    def slow(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("python", 120)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(OcostError, match="takes over 120 s"):
        startup(file, OPTIONS)
