"""Inputs from a model's own hints."""

import json

import numpy as np
import pytest
from onnx import ModelProto

from ocost.graph.errors import OcostError
from ocost.models.inputs import InputHint, input_hints, make_inputs


def _model(hints):
    model = ModelProto()
    text = hints if isinstance(hints, str) else json.dumps(hints)
    model.metadata_props.add(key="ocost.inputs", value=text)
    return model


def _one(**hint):
    return make_inputs(_model({"x": hint}))["x"]


def test_no_hints_no_inputs():
    assert input_hints(ModelProto()) == {}
    assert make_inputs(ModelProto()) == {}


def test_hints_are_read():
    hints = input_hints(_model({"ids": {"dtype": "int64", "shape": [1, 8], "low": 0, "high": 9}}))
    assert hints == {"ids": InputHint("int64", (1, 8), low=0, high=9)}


def test_a_value_fills_the_shape_or_is_the_whole():
    filled = _one(dtype="int64", shape=[], value=16000)
    assert (filled.shape, filled.dtype, filled) == ((), np.int64, 16000)
    whole = _one(dtype="float32", shape=[2, 2], value=[1, 2, 3, 4])
    assert whole.tolist() == [[1, 2], [3, 4]]
    assert _one(dtype="string", shape=[2], value="a").tolist() == ["a", "a"]


def test_drawn_values_keep_to_the_hint():
    ids = _one(dtype="int32", shape=[500], low=3, high=6)
    assert (ids.dtype, set(ids.tolist())) == (np.int32, {3, 4, 5})
    assert set(_one(dtype="int64", shape=[100]).tolist()) == {0, 1}
    assert _one(dtype="bool", shape=[3]).tolist() == [True] * 3
    uniform = _one(dtype="float32", shape=[500], low=2.0, high=3.0)
    assert uniform.dtype == np.float32
    assert uniform.min() >= 2.0 > uniform.max() - 1.0
    # The mean of 10,000 draws with spread 0.1 has a standard error of 0.001: 4 of them.
    normal = _one(dtype="float16", shape=[100, 100], mean=5.0, std=0.1)
    assert normal.dtype == np.float16
    assert normal.astype(np.float64).mean() == pytest.approx(5.0, abs=0.004)


def test_the_seed_decides():
    model = _model({"x": {"dtype": "float32", "shape": [10]}})
    first, again, other = (make_inputs(model, seed)["x"] for seed in (0, 0, 1))
    assert first.tolist() == again.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        ("{", "broken"),
        ([1], "broken"),
        ({"x": {"dtype": "float32"}}, "shape"),
        ({"x": {"dtype": "float32", "shape": ["n"]}}, "broken"),
        ({"x": {"dtype": "float32", "shape": [1], "colour": "red"}}, "colour"),
        ({"x": {"dtype": "fl", "shape": [1]}}, "'x'"),
        ({"x": {"dtype": "string", "shape": [1]}}, "'x': a string needs a value"),
        ({"x": {"dtype": "float32", "shape": [3], "value": [1, 2]}}, "'x'"),
        ({"x": {"dtype": "int64", "shape": [3], "low": 4, "high": 4}}, "'x'"),
        ({"x": {"dtype": "float32", "shape": [-3]}}, "'x'"),
    ],
)
def test_broken_hints_are_one_clear_line(hints, message):
    with pytest.raises(OcostError, match=message) as caught:
        make_inputs(_model(hints))
    assert "\n" not in str(caught.value)
