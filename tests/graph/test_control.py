"""Shapes through If, Loop and Scan."""

import numpy as np
import pytest
from onnx import parser

from ocost.graph import from_proto
from ocost.graph.shapes import Given, Quality, infer

EXACT, ASSUMED, BOUND = Quality.EXACT, Quality.ASSUMED, Quality.BOUND
HUGE = 2**63 - 1


def _infer(text, given=None, inputs="float[2, 3] x, bool c", outputs="y", opset=17):
    head = f'<ir_version: 8, opset_import: ["" : {opset}]> g ({inputs}) => ({outputs}) '
    return infer(from_proto(parser.parse_model(head + "{" + text + "}")), given)


def _known(shapes, name="y"):
    info = shapes.get(name)
    return info.shape, info.quality


# --- If --------------------------------------------------------------------------------------


def _if(then, other, before=""):
    return f"""{before}
      y = If (c) <
        then_branch = then () => (t) {{ t = {then} }},
        else_branch = other () => (e) {{ e = {other} }}
      >
    """


TAKEN = _if("Transpose (x)", "Flatten <axis = 0> (x)")


@pytest.mark.parametrize(("value", "shape"), [(True, (3, 2)), (False, (1, 6))])
def test_the_branch_that_is_taken(value, shape):
    shapes = _infer(TAKEN, Given(values={"c": np.array(value)}))
    assert _known(shapes) == (shape, EXACT)
    assert list(shapes.bodies) == [("y", "then_branch" if value else "else_branch")]


def test_a_condition_that_shapes_decide():
    before = """
      s = Size (x)
      six = Constant <value_int = 6> ()
      c = Equal (s, six)
    """
    text = _if("Transpose (x)", "Flatten <axis = 0> (x)", before)
    shapes = _infer(text, inputs="float[2, n] x")
    assert _known(shapes) == ((1, 2), ASSUMED)  # n = 1: two elements, the else branch
    assert _trips(shapes) == (1, ASSUMED)
    shapes = _infer(text, Given(dims={"n": 3}), inputs="float[2, n] x")
    assert _known(shapes) == ((3, 2), EXACT)


def test_branches_of_one_shape():
    shapes = _infer(_if("Relu (x)", "Neg (x)"))
    assert _known(shapes) == ((2, 3), EXACT)
    assert set(shapes.bodies) == {("y", "then_branch"), ("y", "else_branch")}


def test_branches_of_unequal_shapes_are_bounded_axis_by_axis():
    # 3 x 2 and 2 x 3: at most 3 in either axis.
    assert _known(_infer(_if("Transpose (x)", "Relu (x)"))) == ((3, 3), BOUND)


def test_branches_of_unequal_rank_take_the_larger():
    then = "Constant <value_floats = [1.0, 2.0]> ()"
    assert _known(_infer(_if(then, "Relu (x)"))) == ((2, 3), BOUND)  # 6 elements against 2


def test_a_branch_that_is_not_known_says_why():
    shapes = _infer(_if("Relu (x)", "Reshape (x, k)"), inputs="float[2, 3] x, bool c, int64[2] k")
    assert shapes.get("y").resolved is None
    assert "--value k" in shapes.get("y").reason


def test_contents_do_not_leave_an_undecided_if():
    then, other = "Constant <value_ints = [1]> ()", "Constant <value_ints = [2]> ()"
    shapes = _infer(_if(then, other))
    assert _known(shapes) == ((1,), EXACT)
    assert shapes.get("y").value is None
    assert shapes.get("y").constant is False
    shapes = _infer(_if(then, other), Given(values={"c": np.array(True)}))
    assert shapes.get("y").value.tolist() == [1]


def test_a_branch_that_hands_on_what_it_captures():
    text = """
      a = Transpose (x)
      y = If (c) <then_branch = t () => (a) { }, else_branch = e () => (a) { }>
    """
    assert _known(_infer(text)) == ((3, 2), EXACT)


# --- Loop ------------------------------------------------------------------------------------


def _loop(body, trips="5", go="", state="x", outputs="y, s", again="again = Identity (go)"):
    """A Loop that carries ``state`` and stacks ``out``; both are made in ``body``."""
    count = f"m = Constant <value = int64 {{{trips}}}> ()" if trips else ""
    return f"""{count}
      {outputs} = Loop ({"m" if trips is not None else ""}, {go}, {state}) <
        body = body (int64 i, bool go, float[a, b] v) => (bool again, next, out) {{
          {again}
          {body}
        }}
      >
    """


KEEP = "next = Relu (v) out = Transpose (next)"


def _trips(shapes, name="y"):
    return shapes.trips[name]


def test_a_known_trip_count():
    shapes = _infer(_loop(KEEP))
    assert _trips(shapes) == (5, EXACT)
    assert _known(shapes) == ((2, 3), EXACT)
    assert _known(shapes, "s") == ((5, 3, 2), EXACT)


@pytest.mark.parametrize(
    "again",
    [
        "again = Identity (go)",
        "one = Identity (go) again = Identity (one)",
        "again = Constant <value = bool {1}> ()",
    ],
)
def test_a_condition_that_never_ends_it(again):
    for go in ("", "yes"):
        before = "yes = Constant <value = bool {1}> ()"
        shapes = _infer(before + _loop(KEEP, go=go, again=again))
        assert _trips(shapes) == (5, EXACT)


@pytest.mark.parametrize(
    ("go", "again"),
    [
        ("", "sum = ReduceSum <keepdims = 0> (v) again = Cast <to = 9> (sum)"),
        ("c", "again = Identity (go)"),  # the first may be false
    ],
)
def test_a_condition_that_may_end_it_early(go, again):
    shapes = _infer(_loop(KEEP, go=go, again=again))
    assert _trips(shapes) == (5, BOUND)
    assert _known(shapes) == ((2, 3), BOUND)
    assert _known(shapes, "s") == ((5, 3, 2), BOUND)


def test_a_condition_that_ends_it_at_once():
    shapes = _infer(_loop(KEEP, again="again = Constant <value = bool {0}> ()"))
    assert _trips(shapes) == (1, EXACT)
    assert _known(shapes, "s") == ((1, 3, 2), EXACT)


def test_an_unknown_trip_count_is_assumed_one_and_bounds_nothing():
    text = _loop(KEEP, trips="")
    again = "sum = ReduceSum <keepdims = 0> (v) again = Cast <to = 9> (sum)"
    for text in (_loop(KEEP, trips=""), _loop(KEEP, trips="", again=again)):
        shapes = _infer(text, inputs="float[2, 3] x, int64 m")
        assert _trips(shapes) == (1, ASSUMED)
        assert _known(shapes) == ((2, 3), ASSUMED)
        assert _known(shapes, "s") == ((1, 3, 2), ASSUMED)
        shapes = _infer(text, Given(values={"m": np.array(4)}), inputs="float[2, 3] x, int64 m")
        assert _trips(shapes)[0] == 4


@pytest.mark.parametrize("trips", [None, str(HUGE), str(2**31 - 1)])
def test_a_while_loop_has_no_trip_count(trips):
    shapes = _infer(_loop(KEEP, trips=trips, go="c"))
    assert _trips(shapes) == (1, ASSUMED)


@pytest.mark.parametrize(("trips", "go"), [("0", ""), ("-3", ""), ("5", "no")])
def test_a_loop_that_does_not_run(trips, go):
    text = "no = Constant <value = bool {0}> ()" + _loop(
        "next = Transpose (v) out = Relu (v)", trips, go
    )
    shapes = _infer(text)
    assert _trips(shapes) == (0, EXACT)
    assert _known(shapes) == ((2, 3), EXACT)  # as it came in
    assert _known(shapes, "s") == ((0, 2, 3), EXACT)


def test_a_carried_value_that_grows():
    # Rows: 2 at first, 1 more a trip, so 2 + 5 x 1 = 7 at the end.
    body = """
      axes = Constant <value_ints = [0]> ()
      low = Constant <value_ints = [0]> ()
      high = Constant <value_ints = [1]> ()
      row = Slice (v, low, high, axes)
      next = Concat <axis = 0> (v, row)
      out = Relu (row)
    """
    shapes = _infer(_loop(body))
    assert _known(shapes) == ((7, 3), BOUND)
    assert _known(shapes, "s") == ((5, 1, 3), BOUND)
    # In the body stand the shapes of the last trip: 6 rows go in.
    assert shapes.bodies["y", "body"].get("v").shape == (6, 3)
    shapes = _infer(_loop(body, trips="1"))
    assert _known(shapes) == ((3, 3), EXACT)


def test_a_carried_value_that_shrinks_is_bounded_by_the_first_trip():
    # Rows: 2, then none; the second trip drops one that is not there.
    body = """
      axes = Constant <value_ints = [0]> ()
      low = Constant <value_ints = [1]> ()
      high = Constant <value_ints = [99]> ()
      next = Slice (v, low, high, axes)
      out = Constant <value_float = 1.0> ()
    """
    shapes = _infer(_loop(body, trips="2"))
    assert _known(shapes) == ((1, 3), BOUND)
    assert shapes.bodies["y", "body"].get("v").shape == (2, 3)


def test_a_carried_value_that_grows_unevenly_is_not_known():
    # Doubled five times, 2 rows make 64; adding 2 a trip would make 12.
    shapes = _infer(_loop("next = Concat <axis = 0> (v, v) out = Relu (v)"))
    info = shapes.get("y")
    assert info.resolved is None
    assert info.reason == "a Loop's carried value changes its shape unevenly"
    assert shapes.get("s").resolved is None


def test_a_carried_value_that_changes_its_rank_is_not_known():
    body = "zero = Constant <value_ints = [0]> () next = Unsqueeze (v, zero) out = Relu (x)"
    shapes = _infer(_loop(body))
    assert shapes.get("y").resolved is None
    assert "changes its shape" in shapes.get("y").reason
    assert _known(shapes, "s") == ((5, 2, 3), BOUND)  # that one does not depend on it


def test_contents_do_not_go_round():
    text = """
      m = Constant <value = int64 {3}> ()
      zero = Constant <value_ints = [0]> ()
      y = Loop (m, , zero) <
        body = body (int64 i, bool go, int64[1] v) => (bool again, next) {
          again = Identity (go)
          one = Constant <value_ints = [1]> ()
          next = Add (v, one)
        }
      >
    """
    shapes = _infer(text)
    assert _known(shapes) == ((1,), EXACT)
    assert shapes.get("y").value is None  # 3, not the 1 of a single trip
    assert shapes.bodies["y", "body"].get("v").value is None


def test_loops_in_loops():
    text = """
      m = Constant <value = int64 {3}> ()
      k = Constant <value = int64 {4}> ()
      y, s = Loop (m, , x) <
        body = outer (int64 i, bool go, float[2, 3] v) => (bool again, next, rows) {
          again = Identity (go)
          next, rows = Loop (k, , v) <
            body = inner (int64 j, bool go2, float[2, 3] u) => (bool again2, w, sum) {
              again2 = Identity (go2)
              w = Add (u, x)
              sum = ReduceSum <keepdims = 0> (w)
            }
          >
        }
      >
    """
    shapes = _infer(text)
    assert _known(shapes) == ((2, 3), EXACT)
    assert _known(shapes, "s") == ((3, 4), EXACT)
    assert _trips(shapes) == (3, EXACT)
    assert _trips(shapes.bodies["y", "body"], "next") == (4, EXACT)


def test_a_body_with_too_few_outputs_is_a_reason():
    text = """
      m = Constant <value = int64 {3}> ()
      y = Loop (m, , x) <body = b (int64 i, bool go, float[2, 3] v) => (bool go) { }>
    """
    shapes = _infer(text)
    assert shapes.get("y").reason == "the body has 1 outputs where 2 are needed"


# --- Scan ------------------------------------------------------------------------------------


def _scan(attributes="", inputs="h, x"):
    """A running sum over the columns of x, each of which goes out doubled."""
    return f"""
      y, s = Scan <num_scan_inputs = 1, {attributes} body = b (state, part) => (next, out) {{
        next = Add (state, part)
        out = Concat <axis = 0> (part, part)
      }}> ({inputs})
    """


@pytest.mark.parametrize(
    ("attributes", "state", "stacked", "trips"),
    [
        # Rows of x[2, 3]: two trips; what goes out has 2 x 3 elements.
        ("", "float[3] h", (2, 6), 2),
        ("scan_input_axes = [0], scan_output_axes = [0],", "float[3] h", (2, 6), 2),
        # Columns: three trips, each of 2 elements, 4 go out.
        ("scan_input_axes = [1],", "float[2] h", (3, 4), 3),
        ("scan_input_axes = [-1],", "float[2] h", (3, 4), 3),
        ("scan_input_axes = [1], scan_output_axes = [1],", "float[2] h", (4, 3), 3),
        ("scan_input_axes = [1], scan_output_axes = [-1],", "float[2] h", (4, 3), 3),
        ("scan_input_directions = [1],", "float[3] h", (2, 6), 2),
    ],
)
def test_scan(attributes, state, stacked, trips):
    shapes = _infer(_scan(attributes), inputs=f"float[2, 3] x, {state}")
    assert _trips(shapes) == (trips, EXACT)
    size = 6 // trips
    assert _known(shapes) == ((size,), EXACT)
    assert _known(shapes, "s") == (stacked, EXACT)
    assert shapes.bodies["y", "body"].get("part").shape == (size,)


def test_scan_of_opset_8_has_a_batch():
    # x[batch 4, sequence 5, 3]: 4 x 5 trips of the body on 3 elements.
    for lengths in ("", "lengths"):
        shapes = _infer(
            _scan(inputs=f"{lengths}, h, x"),
            inputs="float[4, 5, 3] x, float[4, 3] h, int64[4] lengths",
            opset=8,
        )
        assert _trips(shapes) == (20, EXACT)
        assert _known(shapes) == ((4, 3), EXACT)
        assert _known(shapes, "s") == ((4, 5, 6), EXACT)
        assert shapes.bodies["y", "body"].get("state").shape == (3,)


def test_an_assumed_dim_makes_an_assumed_trip_count():
    shapes = _infer(_scan(), inputs="float[n, 3] x, float[3] h")
    assert _trips(shapes) == (1, ASSUMED)
    assert _known(shapes, "s") == ((1, 6), ASSUMED)
    inputs = "float[n, 5, 3] x, float[n, 3] h"
    shapes = _infer(_scan(inputs=", h, x"), inputs=inputs, opset=8)
    assert _trips(shapes) == (5, ASSUMED)
    text = """
      m = Size (x)
      y = Loop (m, , h) <
        body = b (int64 i, bool go, float[3] v) => (bool again, next) {
          again = Identity (go)
          next = Relu (v)
        }
      >
    """
    shapes = _infer(text, inputs="float[n, 4] x, float[3] h")
    assert _trips(shapes) == (4, ASSUMED)
    assert _known(shapes) == ((3,), ASSUMED)


@pytest.mark.parametrize(
    ("attributes", "inputs", "reason"),
    [
        ("scan_input_axes = [2],", "float[2, 3] x, float[3] h", "Scan's input 1 has no axis 2"),
        ("scan_input_axes = [0, 1],", "float[2, 3] x, float[3] h", "axes"),
    ],
)
def test_a_malformed_scan_is_a_reason(attributes, inputs, reason):
    shapes = _infer(_scan(attributes), inputs=inputs)
    assert reason in shapes.get("y").reason
