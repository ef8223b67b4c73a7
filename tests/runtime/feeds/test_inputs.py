"""Inputs that a model can be run with, made or read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost.graph import Graph, OcostError, from_proto, load
from ocost.graph.shapes import Given, infer
from ocost.models import samples
from ocost.runtime.feeds.inputs import given_by, load_feeds, make_feeds
from ocost.runtime.naming import named
from ocost.runtime.onnxruntime.session import open_session, run_once
from ocost.runtime.protocol import Options

F, I64, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
Array = np.ndarray[Any, Any]


def graph(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, tuple[int, list[int | str] | None]],
    constants: dict[str, Array] | None = None,
    metadata: dict[str, object] | None = None,
    functions: list[onnx.FunctionProto] | None = None,
) -> Graph:
    """A model whose outputs are those of its last node."""
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info(n, *typed) for n, typed in inputs.items()],
            [helper.make_empty_tensor_value_info(name) for name in nodes[-1].output],
            [numpy_helper.from_array(v, k) for k, v in (constants or {}).items()],
        ),
        ir_version=8,
        functions=functions,
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
    )
    if metadata is not None:
        helper.set_model_props(made, {"ocost.inputs": json.dumps(metadata)})
    return from_proto(made)


def feeds(made: Graph, given: Given | None = None, seed: int = 0) -> dict[str, Array]:
    return make_feeds(made, infer(made, given), seed=seed)


node = helper.make_node


@pytest.mark.parametrize("sample", [s.name for s in samples()])
def test_every_sample_runs_on_them(sample: str) -> None:
    made = load(f"@{sample}")
    outputs = run_once(open_session(named(made), Options()), feeds(made))
    assert all(np.isfinite(output).all() for output in outputs)


def test_the_seed_decides() -> None:
    made = graph([node("Relu", ["x"], ["y"])], {"x": (F, [50, 100])})
    first, again, other = (feeds(made, seed=seed)["x"] for seed in (0, 0, 1))
    assert first.dtype == np.float32
    assert (first == again).all()
    assert (first != other).any()
    # 5,000 standard normal draws: their mean has a standard error of 0.014.
    assert abs(first.mean()) < 0.06
    assert first.std() == pytest.approx(1, abs=0.05)


def test_indices_lie_within_the_table_however_they_get_there() -> None:
    nodes = [
        node("Cast", ["i"], ["c"], to=I64),
        node("Unsqueeze", ["c", "axis"], ["u"]),
        node("Gather", ["table", "u"], ["y"]),
    ]
    constants = {"table": np.zeros((7, 2), np.float32), "axis": np.array([0])}
    drawn = feeds(graph(nodes, {"i": (TensorProto.INT32, [500])}, constants))["i"]
    assert (drawn.dtype, set(drawn.tolist())) == (np.int32, set(range(7)))


def test_the_smallest_of_several_tables_counts() -> None:
    nodes = [
        node("Gather", ["wide", "i"], ["a"]),
        node("Gather", ["narrow", "i"], ["b"], axis=1),
        node("Add", ["a", "b"], ["y"]),
    ]
    constants = {"wide": np.zeros(9, np.float32), "narrow": np.zeros((1, 4), np.float32)}
    drawn = feeds(graph(nodes, {"i": (I64, [300])}, constants))["i"]
    assert set(drawn.tolist()) == {0, 1, 2, 3}


def test_coordinates_lie_within_each_axis_that_they_count_along() -> None:
    # Pairs index the second and third axis, of 5 and 3: the smaller limits both.
    constants = {"data": np.zeros((2, 5, 3), np.float32)}
    nodes = [node("GatherND", ["data", "i"], ["y"], batch_dims=1)]
    drawn = feeds(graph(nodes, {"i": (I64, [2, 200, 2])}, constants))["i"]
    assert set(drawn.reshape(-1).tolist()) == {0, 1, 2}


def test_readers_in_bodies_and_functions_are_found() -> None:
    branch = helper.make_graph(
        [node("Gather", ["table", "i"], ["t"])],
        "then",
        [],
        [helper.make_tensor_value_info("t", F, [200])],
    )
    other = helper.make_graph(
        [node("Cast", ["i"], ["e"], to=F)],
        "else",
        [],
        [helper.make_tensor_value_info("e", F, [200])],
    )
    function = helper.make_function(
        "own",
        "Look",
        ["data", "where"],
        ["found"],
        [node("Gather", ["data", "where"], ["found"])],
        [helper.make_opsetid("", 17)],
    )
    nodes = [
        node("If", ["c"], ["h"], then_branch=branch, else_branch=other),
        node("Look", ["table", "j"], ["k"], domain="own"),
        node("Add", ["h", "k"], ["y"]),
    ]
    constants = {"table": np.zeros(6, np.float32)}
    inputs = {"c": (B, []), "i": (I64, [200]), "j": (I64, [200])}
    drawn = feeds(graph(nodes, inputs, constants, functions=[function]))
    assert set(drawn["i"].tolist()) == set(drawn["j"].tolist()) == set(range(6))


@pytest.mark.parametrize("forbids", [True, False])
@pytest.mark.parametrize("negated", [True, False])
def test_a_boolean_mask_lets_everything_pass(forbids: bool, negated: bool) -> None:
    read = "n" if negated else "m"
    sides = ["low", "x"] if forbids else ["x", "low"]
    nodes = [node("Not", ["m"], ["n"]), node("Where", [read, *sides], ["y"])]
    inputs = {"m": (B, [4]), "x": (F, [4])}
    drawn = feeds(graph(nodes, inputs, {"low": np.array(-np.inf, np.float32)}))["m"]
    # Where the condition is true the first side is taken: that must not be the -inf.
    assert drawn.tolist() == [forbids == negated] * 4


def test_other_masks_are_ones() -> None:
    nodes = [
        node("Cast", ["attention_mask"], ["f"], to=F),
        node("Add", ["f", "Mask"], ["a"]),
        node("Where", ["b", "a", "Mask"], ["y"]),
    ]
    inputs = {"attention_mask": (I64, [3]), "Mask": (F, [3]), "b": (B, [3])}
    drawn = feeds(graph(nodes, inputs))
    assert {k: v.tolist() for k, v in drawn.items()} == {
        "attention_mask": [1, 1, 1],
        "Mask": [1, 1, 1],
        "b": [True] * 3,
    }


def test_lengths_are_those_of_the_whole_sequence() -> None:
    weights = {"w": np.zeros((1, 8, 3), np.float32), "r": np.zeros((1, 8, 2), np.float32)}
    nodes = [node("LSTM", ["x", "w", "r", "", "n"], ["y"], hidden_size=2)]
    inputs = {"x": (F, [6, 4, 3]), "n": (TensorProto.INT32, [4])}
    assert feeds(graph(nodes, inputs, weights))["n"].tolist() == [6] * 4


def test_divisors_and_radicands_are_positive() -> None:
    nodes = [
        node("Div", ["i", "j"], ["q"]),
        node("Cast", ["q"], ["f"], to=F),
        node("Sqrt", ["x"], ["s"]),
        node("Add", ["f", "s"], ["y"]),
    ]
    drawn = feeds(graph(nodes, {"i": (I64, [200]), "j": (I64, [200]), "x": (F, [200])}))
    assert set(drawn["i"].tolist()) == {0, 1}
    assert set(drawn["j"].tolist()) == {1}
    assert 0.5 <= drawn["x"].min() <= drawn["x"].max() <= 1.5


def test_eight_bits_are_filled_and_text_is_text() -> None:
    nodes = [
        node("Identity", ["t"], ["s"]),
        node("DequantizeLinear", ["q", "scale"], ["y"]),
    ]
    inputs = {"t": (TensorProto.STRING, [2]), "q": (TensorProto.INT8, [20000])}
    drawn = feeds(graph(nodes, inputs, {"scale": np.array(0.1, np.float32)}))
    assert drawn["t"].tolist() == ["a", "a"]
    assert (drawn["q"].dtype, drawn["q"].min(), drawn["q"].max()) == (np.int8, -128, 127)


def test_what_the_user_gives_counts_before_what_the_model_suggests() -> None:
    hint = {"i": {"dtype": "int64", "shape": [2], "value": [3, 4]}}
    made = graph([node("Identity", ["i"], ["y"])], {"i": (I64, ["n"])}, metadata=hint)
    assert feeds(made)["i"].tolist() == [3, 4]
    assert feeds(made, Given(values={"i": np.array([5, 6, 7])}))["i"].tolist() == [5, 6, 7]
    # Two suggested elements can't fill five.
    assert len(feeds(made, Given(dims={"n": 5}))["i"]) == 5
    range_ = {"i": {"dtype": "int64", "shape": [2], "low": 8, "high": 9}}
    made = graph([node("Identity", ["i"], ["y"])], {"i": (I64, ["n"])}, metadata=range_)
    assert feeds(made, Given(dims={"n": 3}))["i"].tolist() == [8, 8, 8]


def test_initializers_that_can_be_overridden_are_left_alone() -> None:
    inputs = {"x": (F, [2]), "w": (F, [2])}
    made = graph([node("Add", ["x", "w"], ["y"])], inputs, {"w": np.ones(2, np.float32)})
    assert list(feeds(made)) == ["x"]


def test_broken_hints_are_one_clear_line() -> None:
    broken = graph(
        [node("Relu", ["x"], ["y"])],
        {"x": (F, [2])},
        metadata={"x": {"dtype": "fl", "shape": [2]}},
    )
    with pytest.raises(OcostError, match=r"ocost\.inputs metadata are broken at 'x'"):
        feeds(broken)


def test_an_input_without_declared_rank_takes_a_shape_that_fits() -> None:
    unknown = graph([node("Relu", ["x"], ["y"])], {"x": (F, None)})
    assert feeds(unknown)["x"].dtype == np.float32
    nodes = [node("MatMul", ["x", "w"], ["y"])]
    fixed = graph(nodes, {"x": (F, None)}, {"w": np.ones((7, 2), np.float32)})
    assert feeds(fixed)["x"].shape[-1] == 7


_FOREIGN = ("BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E8M0", "FLOAT4E2M1", "INT4", "UINT4", "COMPLEX64")


@pytest.mark.parametrize(
    "dtype",
    [getattr(TensorProto, name) for name in _FOREIGN],
)
def test_types_that_numpy_itself_lacks_are_made(dtype: int) -> None:
    foreign = graph([node("Identity", ["x"], ["y"])], {"x": (dtype, [50])})
    made = feeds(foreign)["x"]
    assert made.dtype == helper.tensor_dtype_to_np_dtype(dtype)
    assert len(set(made.tolist())) > 1
    if dtype != TensorProto.COMPLEX64:
        assert np.isfinite(made.astype(np.float32)).all()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (helper.make_sequence_type_proto, list),
        (helper.make_optional_type_proto, np.ndarray),
    ],
)
def test_containers_are_made_of_what_they_hold(
    kind: Callable[[onnx.TypeProto], onnx.TypeProto], expected: type
) -> None:
    held = helper.make_tensor_type_proto(F, [2, None])
    made = helper.make_model(
        helper.make_graph(
            [node("Identity", ["s"], ["y"])],
            "g",
            [helper.make_value_info("s", kind(held))],
            [helper.make_value_info("y", kind(held))],
        )
    )
    drawn = feeds(from_proto(made))["s"]
    assert isinstance(drawn, expected)
    first = drawn[0] if isinstance(drawn, list) else drawn
    assert (first.dtype, first.shape[0], first.ndim) == (np.float32, 2, 2)


PLAIN = graph(
    [node("Cast", ["i"], ["c"], to=F), node("Add", ["x", "c"], ["y"])],
    {"x": (F, [2, "n"]), "i": (TensorProto.UINT8, [1])},
)


def test_files_of_both_kinds_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.ones((2, 3)), i=np.array([7]))
    (tmp_path / "in.json").write_text('{"x": [[1, 1, 1], [1.0, 1, 1]], "i": [7]}')
    for name in ("in.npz", "in.json"):
        read = load_feeds(tmp_path / name, PLAIN)
        assert (read["x"].dtype, read["x"].tolist()) == (np.float32, [[1.0] * 3] * 2)
        assert (read["i"].dtype, read["i"].tolist()) == (np.uint8, [7])


def test_text_is_read(tmp_path: Path) -> None:
    made = graph([node("Identity", ["t"], ["y"])], {"t": (TensorProto.STRING, [2])})
    (tmp_path / "in.json").write_text('{"t": ["a", "bc"]}')
    assert load_feeds(tmp_path / "in.json", made)["t"].tolist() == ["a", "bc"]
    assert load_feeds(tmp_path / "in.json", made)["t"].dtype == object


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no arrays by input name"),
        ("[1]", 'no arrays by input name, as in {"x": [1, 2]}'),
        ('{"i": [[1], [2, 3]]}', "no arrays by input name"),
        ('{"x": [[1], [1]]}', "no contents for input i"),
        ('{"x": [[1], [1]], "i": [7], "z": 1}', "no input 'z'; it has x, i"),
        ('{"x": [[1]], "i": [7]}', "input 'x' is 1x1, the model wants 2x?"),
        ('{"x": [1, 1], "i": [7]}', "input 'x' is 2, the model wants 2x?"),
        ('{"x": [[1], [1]], "i": [7.5]}', "input 'i' holds float64 contents that are no uint8"),
        ('{"x": [[1], [1]], "i": [256]}', "input 'i' holds int64 contents that are no uint8"),
        ('{"x": [[1], [1]], "i": ["a"]}', "that are no uint8"),
        ('{"x": [["a"], ["b"]], "i": [7]}', "input 'x' holds text contents that are no float32"),
        ('{"x": [[null], [1]], "i": [7]}', "input 'x' holds object contents that are no float32"),
    ],
)
def test_a_file_that_does_not_fit_is_one_clear_line(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "in.json"
    file.write_text(text)
    with pytest.raises(OcostError) as caught:
        load_feeds(file, PLAIN)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(OcostError, match="can't be read"):
        load_feeds(tmp_path / "nowhere.npz", PLAIN)
    with pytest.raises(OcostError, match=r"a \.npz or \.json file"):
        load_feeds(tmp_path / "in.txt", PLAIN)
    (tmp_path / "in.npz").write_bytes(b"PK nothing")
    with pytest.raises(OcostError, match=r"in\.npz: no \.npz archive$"):
        load_feeds(tmp_path / "in.npz", PLAIN)
    np.savez_compressed(tmp_path / "in.npz", x=np.arange(6.0).reshape(2, 3), i=np.array([7]))
    whole = (tmp_path / "in.npz").read_bytes()
    for at in range(0, len(whole), 7):
        (tmp_path / "in.npz").write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
        with contextlib.suppress(OcostError):  # no other class
            load_feeds(tmp_path / "in.npz", PLAIN)
    middle = len(whole) // 4  # within the first array
    (tmp_path / "in.npz").write_bytes(whole[:middle] + b"\xff" + whole[middle + 1 :])
    with pytest.raises(OcostError, match="no arrays by input name"):
        load_feeds(tmp_path / "in.npz", PLAIN)


def test_what_inputs_tell_the_cost_model() -> None:
    # All shapes, but only contents that are small enough to decide one.
    made = graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        {"x": (F, ["n", 8]), "shape": (I64, [2])},
    )
    feeds: dict[str, Array] = {"x": np.zeros((400, 8), np.float32), "shape": np.array([8, 400])}
    found = given_by(made, feeds)
    assert found.shapes == {"x": (400, 8), "shape": (2,)}
    assert list(found.values) == ["shape"]
    made_shape = infer(made, found).get("y")
    assert made_shape is not None
    assert made_shape.resolved == (8, 400)


@pytest.mark.parametrize("size", [1 << 45, 1 << 62])  # 2^49 bytes, and more than numpy counts
def test_an_input_that_does_not_fit_into_memory_is_one_clear_line(size: int) -> None:
    made = graph([node("Relu", ["x"], ["y"])], {"x": (F, ["n", 4])})
    with pytest.raises(OcostError, match=rf"^input 'x' can't be made as large as {size}x4; give"):
        feeds(made, Given(dims={"n": size}))
