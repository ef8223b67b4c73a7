"""Shaking moves every weight by a few units, and nothing that says what is computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ocost.graph import from_proto
from ocost.runtime.equality import stage as stages
from ocost.runtime.equality.noise import shake, shaken_feeds
from ocost.runtime.equality.stage import shaken, stage

TEXT = """<ir_version: 8, opset_import: ["": 17]> g (float[1,1,4,4] x) => (float[?,?,?,?] y)
<float[2] w = {1.5, 2}, float[1] scalar = {0.3}, float[4] scales = {1, 1, 1.5, 1.5},
 int64[2] n = {3, 4}>
{ k = Constant<value = float[2] {0.1, 0.2}>()  r = Resize(x, , scales)  y = Mul(r, scalar) }
"""


def test_weights_move_and_the_rest_stays(tmp_path: Path) -> None:
    model = onnx.parser.parse_model(TEXT)
    half = numpy_helper.from_array(np.array([0.75, 0.25], np.float16), "half")
    model.graph.initializer.append(half)
    staged = stage(from_proto(model), tmp_path / "a")
    untouched = staged.path.read_bytes()
    made = onnx.load(shaken(staged, tmp_path / "b", np.random.default_rng(0), quantised=False).path)
    assert staged.path.read_bytes() == untouched
    arrays = {t.name: numpy_helper.to_array(t) for t in made.graph.initializer}
    arrays["k"] = numpy_helper.to_array(made.graph.node[0].attribute[0].t)
    before = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for name in ("scalar", "scales", "n"):
        assert (arrays[name] == before[name]).all()
    assert arrays["w"][1] == 2  # a whole number
    # 16 units of float32, 2 of float16, each 1 + 2^-23 and 1 + 2^-10 above 1.
    assert abs(arrays["w"][0] / np.float64(1.5) - 1) == 2.0**-19
    assert np.allclose(np.abs(arrays["k"] / np.float32([0.1, 0.2]) - 1), 2.0**-19, rtol=0.1)
    assert (np.abs(arrays["half"].astype(float) / [0.75, 0.25] - 1) == 2.0**-9).all()


def test_quantised_graphs_are_shaken_more() -> None:
    ones = np.ones(1000, np.float32)
    moved = shake(ones, np.random.default_rng(0), quantised=True)
    assert sorted(set(moved.tolist())) == [1 - 2.0**-16, 1 + 2.0**-16]


def test_what_can_not_move_stays() -> None:
    largest = 3.4028234663852886e38
    odd = np.array([0, np.inf, -np.inf, largest, -largest], np.float32)
    for seed in range(4):
        moved = shake(odd, np.random.default_rng(seed), quantised=False)
        assert np.isfinite(moved).tolist() == [True, False, False, True, True]
        assert moved[:3].tolist() == [0, np.inf, -np.inf]


def test_inputs_of_whole_numbers_are_left() -> None:
    feeds = {"i": np.array([5]), "x": np.array([5.0], np.float32)}
    made = shaken_feeds(feeds, np.random.default_rng(0), quantised=False)
    assert made["i"] is feeds["i"]
    assert made["x"].dtype == np.float32
    assert made["x"] != 5


def test_weights_in_a_file_of_their_own_move_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "_APART", 100)
    w = np.linspace(0.1, 0.9, 1000, dtype=np.float32)
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[1000] x) => (float[1000] y)'
        " { y = Mul(x, w) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(w, "w"))
    staged = stage(from_proto(model), tmp_path / "a")
    assert (tmp_path / "a" / "weights.bin").stat().st_size == w.nbytes
    copy = shaken(staged, tmp_path / "b", np.random.default_rng(0), quantised=False)
    before, after = (
        numpy_helper.to_array(onnx.load(one.path).graph.initializer[0]) for one in (staged, copy)
    )
    assert (before == w).all()
    assert (before != after).all()
    assert np.allclose(before, after, rtol=2.0**-18)
