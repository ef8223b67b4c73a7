"""What a plan tries between its draws, and what it says of what it could not reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocost.graph import OcostError, from_proto
from ocost.graph.shapes import Given
from ocost.runtime.feeds.plan import Plan, plan

from .conftest import Model, opened, same

SUM = "g (float[2,3] x, float[2,3] z) => (float[2,3] y) { y = Add (x, z) }"


def values(found: Plan, name: str) -> list[Any]:
    return [draw.feeds()[name] for draw in found.draws]


def test_an_ordinary_model_gets_few_draws_that_are_the_same_each_time() -> None:
    nodes = "g (float[2,256] x) => (float[2,9] y) { h = Relu (x) y = MatMul (h, w) }"
    made = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {nodes}')
    weight = np.ones((256, 9), np.float32).repeat(30, 1)[:, :9]
    large = np.ones((256, 300), np.float32)
    made.graph.initializer.extend(
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(large, "unused")]
    )
    model = Model(made)
    first, again = model.plan(), model.plan()
    assert 6 <= len(first.draws) <= 12
    assert first.notes == ()
    assert [d.what for d in first.draws] == [d.what for d in again.draws]
    for a, b in zip(first.draws, again.draws, strict=True):
        once, twice, other = a.feeds()["x"], a.feeds()["x"], b.feeds()["x"]
        assert once.tobytes() == twice.tobytes() == other.tobytes()


def test_floats_have_several_scales_and_special_values_in_draws_of_their_own() -> None:
    found = opened("g (float[50] x) => (float[50] y) { y = Relu (x) }").plan()
    for draw in found.draws:
        x = draw.feeds()["x"]
        assert draw.special == (not np.isfinite(x).all())
    special = [d.feeds()["x"] for d in found.draws if d.special]
    assert np.isnan(special[0]).any()
    assert np.isposinf(special[0]).any()
    assert np.isneginf(special[0]).any()
    assert np.isfinite(special[0]).sum() > 25
    usual = [x for d, x in zip(found.draws, values(found, "x"), strict=True) if not d.special]
    scales = [np.abs(x).max() for x in usual]
    assert min(scales) < 0.1
    assert 10 < sorted(scales)[-3] < 200 or max(scales) > 1000
    assert any(((x == 0) & np.signbit(x)).any() for x in usual)
    assert any(len(set(x.tolist())) <= 4 for x in usual)  # ties


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_integers_take_the_whole_range(dtype: str) -> None:
    found = opened(f"g ({dtype}[8] x) => ({dtype}[8] y) {{ y = Identity (x) }}").plan()
    drawn = np.concatenate(values(found, "x"))
    held = np.iinfo(dtype)
    assert drawn.dtype == dtype
    assert int(drawn.max()) == held.max
    assert int(drawn.min()) <= held.min + 1


def test_indices_stay_within_their_table_and_count_from_the_end_too() -> None:
    found = opened("g (float[5,2] t, int64[40] i) => (float[40,2] y) { y = Gather (t, i) }").plan()
    drawn = np.concatenate(values(found, "i"))
    assert set(drawn.tolist()) == set(range(-5, 5))


def test_a_divisor_is_never_zero() -> None:
    found = opened("g (int64[9] x, int64[9] z) => (int64[9] y) { y = Div (x, z) }").plan()
    drawn = np.concatenate(values(found, "z"))
    assert 0 not in drawn
    assert drawn.min() < 0 < drawn.max()


def test_flags_are_flipped_and_few_single_ones_have_every_combination() -> None:
    found = opened(
        """g (bool a, bool b, bool c, bool[20] m) => (bool[20] y)
        { d = And (a, b) e = And (d, c) y = And (e, m) }"""
    ).plan()
    flags = {tuple(bool(d.feeds()[n]) for n in "abc") for d in found.draws}
    assert len(flags) == 8
    masks = values(found, "m")
    assert any(m.all() for m in masks)
    assert any(not m.any() for m in masks)
    assert any(0 < m.sum() < 20 for m in masks)


@pytest.mark.parametrize("dtype", ["float", "int64"])
def test_a_mask_lets_everything_pass_nothing_and_some(dtype: str) -> None:
    found = opened(
        f"""g (float[20] x, {dtype}[20] attention_mask) => (float[20] y)
        {{ m = Cast <to = 1> (attention_mask) y = Mul (x, m) }}"""
    ).plan()
    masks = [set(m.tolist()) for m in values(found, "attention_mask")]
    assert {1} in masks
    assert {0} in masks
    assert {0, 1} in masks


def test_strings_are_those_that_the_graph_knows_and_others() -> None:
    found = opened(
        """g (string[6] s) => (int64[6] y) { y = ai.onnx.ml.LabelEncoder
        <keys_strings = ["red", "green"], values_int64s = [1, 2]> (s) }"""
    ).plan()
    drawn = set(np.concatenate(values(found, "s")).tolist())
    assert {"red", "green", ""} <= drawn
    assert any(not text.isascii() for text in drawn)


# --- sizes -----------------------------------------------------------------------------------


def sizes(found: Plan, name: str) -> set[tuple[int, ...]]:
    return {draw.feeds()[name].shape for draw in found.draws}


def test_open_dims_have_two_sizes_besides_1() -> None:
    found = opened("g (float[n,m] x) => (float[n,m] y) { y = Relu (x) }").plan()
    shapes = sizes(found, "x")
    assert (1, 1) in shapes
    for axis in (0, 1):
        assert len({shape[axis] for shape in shapes} - {1}) >= 2
    assert any(a != b for a, b in shapes)
    assert found.notes == ()


def fpn(sides: str) -> Model:
    """Halves its input five times and adds what it doubles again to what there was before."""
    halves = "\n".join(
        f"h{i + 1} = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (h{i})" for i in range(5)
    )
    return opened(
        f"""g (float[n,3,{sides}] h0) => (float[a,b,c,d] y)
        <float[4] scales = {{1.0, 1.0, 32.0, 32.0}}, float[0] roi = {{}}>
        {{ {halves}
           up = Resize <mode = "nearest"> (h5, roi, scales)
           y = Add (up, h0) }}"""
    )


def test_sides_that_are_halved_five_times_are_multiples_of_32() -> None:
    found = fpn("h,w").plan()
    shapes = {shape[2:] for shape in sizes(found, "h0")} - {(1, 1)}  # 1 is stretched to any
    assert all(height % 32 == width % 32 == 0 for height, width in shapes)
    assert all(len({shape[axis] for shape in shapes}) >= 2 for axis in (0, 1))
    assert found.notes == ()


def test_a_dim_that_a_weight_fixes_is_found_and_said_to_have_one_size() -> None:
    found = opened(
        """g (float[n,k] x) => (float[n,2] y) <float[7,2] w =
        {1,2,3,4,5,6,7,8,9,10,11,12,13,14}> { y = MatMul (x, w) }"""
    ).plan()
    shapes = sizes(found, "x")
    assert {shape[1] for shape in shapes} == {7}
    assert len({shape[0] for shape in shapes}) >= 2
    assert found.notes == ("tried at one size only: k",)


def test_dims_that_must_change_together_do() -> None:
    # t is p + q: neither can be changed alone.
    found = opened(
        """g (float[p] a, float[q] b, float[t] c) => (float[t] y)
        { j = Concat <axis = 0> (a, b) y = Add (j, c) }"""
    ).plan()
    assert len(sizes(found, "c")) >= 2
    for draw in found.draws:
        a, b, c = (draw.feeds()[n].shape[0] for n in "abc")
        assert c in (1, a + b) or a + b == 1


def test_an_input_without_declared_rank_has_several() -> None:
    proto = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[2,2] a, float c) => (float[2,2] y) '
        "{ y = Add (a, c) }"
    )
    proto.graph.input[1].type.tensor_type.ClearField("shape")
    found = Model(proto).plan()
    assert len({len(shape) for shape in sizes(found, "c")}) >= 3


# --- branches --------------------------------------------------------------------------------

NESTED = """g (float[4] x, bool flag) => (float[4] y) <float big = {900}, float low = {-40}> {
  y = If (flag) <
    then_branch = t () => (float[4] ty) {
      s = ReduceSum <keepdims = 0> (x) c = Greater (s, big)
      ty = If (c) <then_branch = p () => (float[4] a) { a = Relu (x) },
                   else_branch = q () => (float[4] b) { b = Abs (x) }> },
    else_branch = e () => (float[4] ey) {
      r = ReduceMin <keepdims = 0> (x) d = Less (r, low)
      ey = If (d) <then_branch = v () => (float[4] a) { a = Neg (x) },
                   else_branch = w () => (float[4] b) { b = Exp (x) }> }>
}"""


def test_branches_within_branches_are_reached() -> None:
    found = opened(NESTED).plan()
    ways = set()
    for draw in found.draws:
        x, flag = draw.feeds()["x"], bool(draw.feeds()["flag"])
        if not draw.special:
            ways.add((flag, bool(x.sum() > 900) if flag else bool(x.min() < -40)))
    assert len(ways) == 4
    assert found.notes == ()


def test_a_branch_that_nothing_reaches_is_said() -> None:
    found = opened(
        """g (float[4] x) => (float[4] y) <float none = {-1}> {
          a = Abs (x) s = ReduceSum <keepdims = 0> (a) c = Less (s, none)
          [pick] y = If (c) <then_branch = t () => (float[4] p) { p = Relu (x) },
                             else_branch = e () => (float[4] q) { q = Neg (x) }> }"""
    ).plan()
    assert found.notes == ("the then branch of 'pick' was never taken",)


def test_branches_that_shapes_decide_are_not_looked_for() -> None:
    model = opened(
        """g (float[4] x) => (float[4] y) <int64 four = {4}> {
          n = Size (x) c = Equal (n, four)
          y = If (c) <then_branch = t () => (float[4] p) { p = Relu (x) },
                      else_branch = e () => (float[4] q) { q = Neg (x) }> }"""
    )
    found = model.plan()
    assert found.notes == ()
    assert model.runs <= len(found.draws) + 3


def test_what_a_loops_own_values_decide_is_said_to_be_unknown() -> None:
    found = opened(
        """g (float[4] x) => (float[4] y) <bool go = {1}, int64 n = {3}, float big = {3}> {
          y = Loop (n, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)
            { s = ReduceSum <keepdims = 0> (v) g = Greater (s, big)
              [pick] w = If (g) <then_branch = t () => (float[4] p) { p = Relu (v) },
                                 else_branch = e () => (float[4] q) { q = Abs (v) }>
              d = Identity (c) }> }"""
    ).plan()
    assert found.notes == ("which ways 'pick' went is not known",)


def test_a_loop_makes_no_trip_one_and_several() -> None:
    found = opened(
        """g (float[4] x, int64 n) => (float[4] y) <bool go = {1}, int64 two = {2}> {
          m = Mul (n, two)
          y = Loop (m, go, x) <body = b (int64 i, bool c, float[4] v) => (bool d, float[4] w)
            { w = Relu (v) d = Identity (c) }> }"""
    ).plan()
    trips = {2 * int(n) for n in values(found, "n")}
    assert any(t <= 0 for t in trips)
    assert any(t > 1 for t in trips)
    assert found.notes == ("'y' never made 1 trip",)  # it is always an even number


def test_a_branch_that_wants_other_sizes_is_reached() -> None:
    # The else branch takes 3 columns alone, the first inputs fit the other.
    found = opened(
        """g (float[n,k] x, bool flag) => (float[n,a] y)
        <float[3,1] w = {1,2,3}, float[5,1] v = {1,2,3,4,5}> {
          y = If (flag) <then_branch = t () => (float[n,a] p) { p = MatMul (x, v) },
                         else_branch = e () => (float[n,b] q) { q = MatMul (x, w) }> }"""
    ).plan()
    ways = {(bool(d.feeds()["flag"]), d.feeds()["x"].shape[1]) for d in found.draws}
    assert {(True, 5), (False, 3)} <= ways
    assert not any("never taken" in note for note in found.notes)


# --- what is given ---------------------------------------------------------------------------


def test_the_users_own_inputs_come_first_and_their_sizes_are_kept() -> None:
    model = opened("g (float[n,m] x) => (float[n,m] y) { y = Relu (x) }")
    mine = {"x": np.full((5, 6), 7, np.float32)}
    found = model.plan(feeds=mine)
    assert (found.draws[0].feeds()["x"] == 7).all()
    assert found.draws[1].feeds()["x"].shape == (5, 6)
    assert len(sizes(found, "x")) >= 2


def test_the_users_own_inputs_must_run() -> None:
    model = opened("g (float[5] x, int64[n] i) => (float[n] y) { y = Gather (x, i) }")
    mine = {"x": np.ones(5, np.float32), "i": np.array([6])}
    with pytest.raises(OcostError, match="doesn't run on the inputs given"):
        model.plan(feeds=mine)


def test_given_sizes_come_first_and_given_contents_stay() -> None:
    model = opened(
        "g (float[n] x, int64 i) => (float[n] y) { f = Cast <to = 1> (i) y = Add (x, f) }"
    )
    found = model.plan(Given(dims={"n": 6}, values={"i": np.array(41)}))
    assert found.draws[0].feeds()["x"].shape == (6,)
    assert {int(i) for i in values(found, "i")} == {41}
    assert len(sizes(found, "x")) >= 2


def test_initializers_that_a_caller_may_override_get_other_contents_once() -> None:
    made = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[2] x, float[2] w) => (float[2] y) '
        "<float[2] w = {1.0, 0.0}> { y = Mul (x, w) }"
    )
    found = Model(made).plan()
    other = [d.feeds()["w"] for d in found.draws if "w" in d.feeds()]
    assert len(other) == 1
    assert (other[0] != [1, 0]).all()


def test_a_model_that_runs_on_nothing_says_why() -> None:
    graph = from_proto(opened(SUM).model)

    def refuse(_: Mapping[str, Any]) -> object:
        raise OcostError("no kernel for this")

    def watch(_: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        raise AssertionError

    found = plan(graph, Given(), refuse, watch, budget_s=10)
    assert found.draws == ()
    assert found.notes == ("the model ran on no inputs that were tried: no kernel for this",)


def test_inputs_of_gigabytes_are_drawn_few_times() -> None:
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [70, 1000, 1000])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        )
    )
    shapes = []

    def run(feeds: Mapping[str, Any]) -> object:
        shapes.append(feeds["x"].shape)
        return None

    def watch(_: Sequence[str]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        raise AssertionError

    found = plan(from_proto(made), Given(), run, watch, budget_s=600)
    assert len(found.draws) == 2
    assert found.notes == ("few inputs were drawn, as they take 280 MB",)
    assert shapes == [(70, 1000, 1000)] * 3
    x = found.draws[0].feeds()["x"]
    assert len(np.unique(x[0, 0])) > 900
    assert not (x[0] == x[1]).all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("g (int64[1] n) => (float[k] y) { y = ConstantOfShape (n) }", "sizes"),
        ("g (float[6] x, int64[2] s) => (float[a,b] y) { y = Reshape (x, s) }", "shapes"),
        ("g (float[6] x, int64[2] s) => (float[a] y, float[b] z) { y, z = Split (x, s) }", "parts"),
        ("g (float[2,1,3] x, int64[2] a) => (float[b,c,d,e,f] y) { y = Unsqueeze (x, a) }", "axes"),
        (
            """g (float[5,4,3] x, int64[2] i, int64[2] j, int64[2] a) => (float[b,c,d] y)
            { y = Slice (x, i, j, a) }""",
            "axes of parts",
        ),
        (
            """g (float[2,3] x, int64[2] s) => (float[a,b] y)
            { t = Identity (s) y = Tile (x, t) }""",
            "repeats",
        ),
    ],
)
def test_integers_that_decide_shapes_have_several_valid_contents(text: str, reason: str) -> None:
    model = opened(text)
    found = model.plan()
    outputs = [model.run(draw.feeds())[0] for draw in found.draws]
    assert len({output.shape for output in outputs}) >= 2, reason
    assert all(same(output, output) for output in outputs)
