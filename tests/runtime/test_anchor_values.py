"""A tensor of the optimised graph holds the values of the original tensor that it stands for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

import ocost
from ocost.graph import from_proto, load
from ocost.graph.shapes import infer
from ocost.lineage.attribution import attribute
from ocost.runtime.feeds.inputs import make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session
from ocost.runtime.protocol import Options, SessionLevel


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(Path(ocost.__file__).parent / "bench")
    return importlib.import_module("anchor_values")


def linked(
    sample: str, level: SessionLevel, folder: Path
) -> tuple[onnx.ModelProto, onnx.ModelProto, Mapping[str, str], Mapping[str, np.ndarray]]:
    graph = load(sample)
    model = named(graph)
    saved = folder / "saved.onnx"
    open_session(model, Options(level=level), optimized=saved)
    optimised = onnx.load(saved)
    tensors = attribute(graph, from_proto(optimised)).tensors
    return model, optimised, tensors, make_feeds(graph, infer(graph))


@pytest.mark.parametrize(
    ("sample", "level"),
    [
        ("@gpt2_4l", SessionLevel.ALL),
        ("@mobilenet_v2", SessionLevel.ALL),
        ("@odd_channels", SessionLevel.ALL),
        ("@odd_channels", SessionLevel.BASIC),
        ("@resnet18_qdq", SessionLevel.ALL),
        ("@shufflenet_v2", SessionLevel.ALL),
    ],
)
def test_values(sample: str, level: SessionLevel, tmp_path: Path, values: ModuleType) -> None:
    model, optimised, tensors, feeds = linked(sample, level, tmp_path)
    assert len(tensors) >= len(optimised.graph.node)
    found = values.check(model, optimised, tensors, feeds)
    assert found.wrong == ()
    assert (found.compared, found.sensitive, found.hidden) == (len(tensors), 0, 0)


def test_a_wrong_anchor_is_found(tmp_path: Path, values: ModuleType) -> None:
    """Each tensor is linked to the next one's original: what is no copy of that is wrong."""
    model, optimised, tensors, feeds = linked("@mobilenet_v2", SessionLevel.BASIC, tmp_path)
    shifted = dict(zip(tensors, [*list(tensors.values())[1:], *tensors.values()], strict=False))
    found = values.check(model, optimised, shifted, feeds)
    copies = sum(node.op_type == "Flatten" for node in optimised.graph.node)
    assert len(found.wrong) == found.compared - copies == len(tensors) - copies


def test_arrangements(values: ModuleType) -> None:
    array = np.arange(2 * 20 * 3 * 3, dtype=np.float32).reshape(2, 20, 3, 3)
    padded = np.pad(array, ((0, 0), (0, 12), (0, 0), (0, 0)))  # of 20 channels to 32
    blocks = padded.reshape(2, 2, 16, 3, 3).transpose(0, 1, 3, 4, 2)
    for held in (blocks, blocks.reshape(2, 32, 3, 3), array.transpose(0, 2, 3, 1), array[:, None]):
        assert values.distance(held, array, 0) == 0
    # |y - 2y| over |y|
    assert values.distance(2 * array, array, 0) == pytest.approx(1)
    assert values.distance(array[:1], array, 0) == np.inf
    signed = np.array([-128, 0, 127], np.int8)
    assert values.distance(np.array([0, 128, 255], np.uint8), signed, 0) == 0
