"""Gather of places that are known."""

from __future__ import annotations

import numpy as np
import pytest

from ocost.passes.gathers import SimplifyGathers

from .conftest import model


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def scalar(value: int) -> np.ndarray:
    return np.array(value, np.int64)


def values(ran, tensor: str):
    return ran.graph.initializers[tensor].data().tolist()


def test_of_a_constant(run) -> None:
    """A negative index counts from the end, a scalar one takes the axis away."""
    graph = model(
        """g (float[2] x) => (float[2] y) {
            c = Gather <axis = 1> (table, i) y = Mul (x, c)
        }""",
        table=np.arange(6, dtype=np.float32).reshape(2, 3),
        i=scalar(-1),
    )
    ran = run(SimplifyGathers(), graph)
    assert ran.ops == ["Mul"]
    assert values(ran, next(iter(ran.graph)).inputs[1]) == [2.0, 5.0]
    assert len(ran.graph.initializers) == 1


def test_a_large_result_stays_a_gather(run) -> None:
    graph = model(
        "g (float[1100] x) => (float[1100] y) { c = Gather (table, i) y = Mul (x, c) }",
        table=np.arange(7, dtype=np.float32),
        i=np.arange(1100) % 7,
    )
    assert run(SimplifyGathers(), graph).ops == ["Gather", "Mul"]


def test_of_a_table_that_a_caller_may_override(run) -> None:
    graph = model(
        """g (float[1] x, float[2] t) => (float[1] y) <float[2] t = {1, 2}> {
            c = Gather (t, i) y = Mul (x, c)
        }""",
        i=ints(1),
    )
    assert run(SimplifyGathers(), graph).ops == ["Gather", "Mul"]


def gather(i: np.ndarray, shape: str = "N, 6", axis: int = 1):
    return model(
        f"""g (float[{shape}] x) => (float y) {{
            a = Abs (x) b = Gather <axis = {axis}> (a, i) y = ReduceSum <keepdims = 0> (b)
        }}""",
        i=i,
    )


@pytest.mark.parametrize("i", [ints(0, 1, 2, 3, 4, 5), ints(-6, -5, 2, 3, -2, -1)])
def test_everything_in_order(run, i: np.ndarray) -> None:
    assert run(SimplifyGathers(), gather(i)).ops == ["Abs", "ReduceSum"]


@pytest.mark.parametrize(
    ("i", "shape", "axis", "lists"),
    [
        (ints(2, 3, 4), "N, 6", 1, [[2], [5], [1]]),
        (ints(-3, -2, -1), "N, 6", -1, [[3], [6], [1]]),
        (ints(0, 1, 2), "4, 6", 0, [[0], [3], [0]]),
    ],
)
def test_a_range(run, i: np.ndarray, shape: str, axis: int, lists) -> None:
    ran = run(SimplifyGathers(), gather(i, shape, axis))
    (node,) = (n for n in ran.graph if n.op_type == "Slice")
    assert [values(ran, name) for name in node.inputs[1:]] == lists


@pytest.mark.parametrize(
    ("i", "axis"),
    [
        (ints(1, 0, 2, 3, 4, 5), 1),
        (ints(0, 2, 4), 1),
        (ints(4, 5), 1),  # a Slice would read more than these two indices
        (ints(-3, -2, -1), 0),  # of an open dim
        (scalar(0), 1),
        (ints(0, 1, 2, 3, 4, 5).reshape(1, 6), 1),  # another rank
    ],
)
def test_other_places(i: np.ndarray, axis: int) -> None:
    graph = gather(i, axis=axis)
    assert not SimplifyGathers().run(graph).rewrites


@pytest.mark.parametrize("place", [0, -1, 2])
def test_one_place_whose_axis_comes_back(run, place: int) -> None:
    graph = model(
        """g (float[N, 5] x) => (float[N, 1] y) {
            a = Gather <axis = 1> (x, i) b = Unsqueeze (a, p) y = Neg (b)
        }""",
        i=scalar(place),
        p=ints(-1),
    )
    ran = run(SimplifyGathers(), graph)
    assert ran.ops == ["Gather", "Neg"]
    assert [t.data().tolist() for t in ran.graph.initializers.values()] == [[place]]


@pytest.mark.parametrize(
    ("body", "axes"),
    [
        ("a = Gather <axis = 1> (x, i) b = Unsqueeze (a, p) y = Neg (b) z = Neg (b)", ints(0)),
        ("a = Gather <axis = 1> (x, i) b = Unsqueeze (a, p) y = Neg (b) z = Neg (a)", ints(1)),
        ("a = Gather <axis = 1> (x, i) b = Unsqueeze (a, p) y = Neg (b) z = Neg (b)", ints(1, 2)),
    ],
)
def test_another_axis_or_reader(run, body: str, axes: np.ndarray) -> None:
    text = f"g (float[N, 5] x) => (float[] y, float[] z) {{ {body} }}"
    graph = model(text, i=scalar(1), p=axes)
    assert not SimplifyGathers().run(graph).rewrites


def packed(tails: list[str], opset: int = 17, dims: str = "3, N, 4"):
    gathers = " ".join(f"g{i} = Gather <axis = 0> (a, i{i})" for i in range(3))
    tails_ = " ".join(f"t{i} = {tail}" for i, tail in enumerate(tails))
    ends = " ".join(f"y{i} = Neg (t{i})" for i in range(3))
    outputs = ", ".join(f"float[A{i}, B{i}, C{i}] y{i}" for i in range(3))
    return model(
        f"g (float[{dims}] x) => ({outputs}) {{ a = Abs (x) {gathers} {tails_} {ends} }}",
        opset,
        i0=scalar(0),
        i1=scalar(1),
        i2=scalar(-1),
        p=ints(0),
        s=ints(-1, 2, 2),
        z=ints(0, 2, 2),
    )


@pytest.mark.parametrize("opset", [12, 17, 18])
def test_packed_parts_whose_axis_is_taken(run, opset: int) -> None:
    unsqueeze = "Unsqueeze <axes = [0]> ({})" if opset < 13 else "Unsqueeze ({}, p)"
    tails = [unsqueeze.format("g0"), "Reshape (g1, s)", "Reshape (g2, s)"]
    ran = run(SimplifyGathers(), packed(tails, opset))
    assert ran.ops == ["Abs", "Split", "Reshape", "Reshape", "Neg", "Neg", "Neg"]


@pytest.mark.parametrize(
    "tails",
    [
        ["Unsqueeze (g0, p)", "Unsqueeze (g1, p)", "Relu (g2)"],  # a Squeeze would be added
        ["Reshape (g0, s)", "Reshape (g1, s)", "Reshape (g2, z)"],  # 0 would copy the axis of 1
    ],
)
def test_packed_parts_that_would_need_more_nodes(run, tails: list[str]) -> None:
    ran = run(SimplifyGathers(), packed(tails))
    assert "Split" not in ran.ops


def test_parts_of_more_than_there_are_gathers(run) -> None:
    ran = run(SimplifyGathers(), packed(["Reshape (g0, s)"] * 3, dims="4, N, 4"))
    assert "Split" not in ran.ops
