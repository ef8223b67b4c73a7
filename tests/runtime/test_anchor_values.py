"""A tensor of the optimised graph holds the values of the original tensor that it stands for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper

from ocost.graph import from_proto, load
from ocost.models.inputs import make_inputs
from ocost.runtime.attribution import attribute
from ocost.runtime.naming import named
from ocost.runtime.session import Level, Options, open_session, run_once

Array = npt.NDArray[np.float64]


def intermediates(model: onnx.ModelProto, names: Iterable[str]) -> dict[str, Array]:
    """Values of tensors of a model that is run as it is."""
    there = {output.name for output in model.graph.output}
    wanted = list(dict.fromkeys(names))
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in wanted if name not in there
    )
    session = open_session(model, Options(level=Level.DISABLE))
    outputs = run_once(session, make_inputs(model))
    order = [output.name for output in session.get_outputs()]
    return {
        name: np.asarray(value, np.float64)
        for name, value in zip(order, outputs, strict=True)
        if name in wanted
    }


def unblocked(array: Array, block: int) -> Array:
    """[N, C/b, H, W, b], which is called [N, C, H, W], as the latter."""
    n, c, h, w = array.shape
    return array.reshape(n, c // block, h, w, block).transpose(0, 1, 4, 2, 3).reshape(n, c, h, w)


def layouts(array: Array, like: Array) -> Iterable[Array]:
    """What a tensor can be in another layout, without channels that are padding."""
    yield array
    if array.ndim == like.ndim == 4:
        yield array.transpose(0, 3, 1, 2)
        for block in (8, 16):
            if array.shape[1] % block == 0:
                yield unblocked(array, block)[:, : like.shape[1]]
    if array.size == like.size:
        yield array.reshape(like.shape)


def distance(array: Array, like: Array) -> float:
    """Of the nearest layout, relative to the original."""
    scale = float(np.linalg.norm(like)) or 1.0
    near = (a for a in layouts(array, like) if a.shape == like.shape)
    return min((float(np.linalg.norm(a - like)) / scale for a in near), default=np.inf)


ROUNDED = 0.05  # sums of integers are rounded at another place


@pytest.mark.parametrize(
    ("sample", "level", "tolerance"),
    [
        ("@gpt2_4l", Level.ALL, 1e-4),
        ("@mobilenet_v2", Level.ALL, 1e-4),
        ("@odd_channels", Level.ALL, 1e-4),
        ("@odd_channels", Level.BASIC, 1e-4),
        ("@resnet18_qdq", Level.ALL, ROUNDED),
        ("@shufflenet_v2", Level.ALL, 1e-4),
    ],
)
def test_values(sample: str, level: Level, tolerance: float, tmp_path: Path) -> None:
    graph = load(sample)
    model = named(graph)
    saved = tmp_path / "saved.onnx"
    open_session(model, Options(level=level), optimized=saved)
    optimised = onnx.load(saved)
    ours = from_proto(onnx.load(saved))
    anchors = {
        made: origin
        for made, origin in attribute(graph, ours).tensors.items()
        if ours.producer(made) and graph.producer(origin)
    }
    assert len(anchors) >= len(ours)
    expected = intermediates(model, anchors.values())
    found = intermediates(optimised, anchors)
    wrong = {
        made: off
        for made, origin in anchors.items()
        if not (off := distance(found[made], expected[origin])) < tolerance
    }
    assert wrong == {}
