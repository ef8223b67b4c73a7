"""Trip counts of Loops whose condition counts, against what onnxruntime makes of them."""

import numpy as np
import onnxruntime as ort
import pytest
from onnx import parser

import ocost
from ocost.costmodel import cost_graph
from ocost.costmodel.catalogue import find
from ocost.graph import OcostError, from_proto
from ocost.graph.shapes import Given, Quality, infer

EXACT, ASSUMED, BOUND = Quality.EXACT, Quality.ASSUMED, Quality.BOUND
HUGE = 2**63 - 1
ROWS = 7


def _model(text, inputs="float[t, 4] x", outputs="s"):
    head = f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => ({outputs}) '
    return parser.parse_model(head + "{" + text + "}")


def _while(body, *, before="", state="i0", carried="int64 i", most="", go="", after="i_next"):
    """A Loop that stacks a row of ones a trip, so that its output is as long as its trip count."""
    limit = f"m = Constant <value = int64 {{{most}}}> ()" if most else ""
    return f"""
      zero = Constant <value = int64 {{0}}> ()
      one = Constant <value = int64 {{1}}> ()
      {limit}
      {before}
      last, s = Loop ({"m" if most else ""}, {go}, {state}) <
        body = body (int64 n, bool go, {carried}) => (bool again, {after}, row) {{
          {body}
          row = Constant <value_floats = [1.0]> ()
        }}
      >
    """


SIZE = """
  shape = Shape (x)
  rows = Gather <axis = 0> (shape, zero)
  i0 = Identity (zero)
"""
BEHIND = "i_next = Add (i, one) again = Less (i_next, rows)"
# By name: the loop, and the trips that it makes of seven rows.
COUNTED = {
    # as tf2onnx writes them: the condition is made before the loop and again in it
    "condition before": (_while(BEHIND, before=SIZE + "c = Less (zero, rows)", go="c"), 7),
    "no condition before": (_while(BEHIND, before=SIZE), 7),
    "a limit that none reaches": (_while(BEHIND, before=SIZE, most=str(HUGE)), 7),
    "its own limit is lower": (_while(BEHIND, before=SIZE, most="4"), 4),
    "its own limit is higher": (_while(BEHIND, before=SIZE, most="40"), 7),
    "less or equal": (
        _while("i_next = Add (i, one) again = LessOrEqual (i_next, rows)", before=SIZE),
        8,
    ),
    "not greater": (
        _while(
            "i_next = Add (one, i) g = GreaterOrEqual (i_next, rows) again = Not (g)", before=SIZE
        ),
        7,
    ),
    "the counter before its step": (
        _while("i_next = Add (i, one) again = Less (i, rows)", before=SIZE),
        8,
    ),
    "a step of three": (
        _while(
            "three = Add (one, two) i_next = Add (i, three) again = Less (i_next, rows)",
            before=SIZE + "two = Add (one, one)",
        ),
        3,
    ),
    "a step and a start from outside": (
        _while(
            "i_next = Add (i, two) again = Less (i_next, rows)",
            before=SIZE.replace("Identity (zero)", "Neg (one)") + "two = Add (one, one)",
        ),
        4,
    ),
    "downwards": (
        _while(
            "i_next = Sub (i, one) again = Greater (i_next, zero)",
            before=SIZE.replace("Identity (zero)", "Identity (rows)"),
        ),
        7,
    ),
    "the loop's own counter": (
        _while(
            "k = Add (n, one) again = Less (k, rows) i_next = Identity (i)",
            before=SIZE,
        ),
        7,
    ),
    "32 bits, cast and reshaped": (
        _while(
            """
              i_next = Add (i, step)
              wide = Cast <to = 7> (i_next)
              flat = Reshape (wide, scalar)
              l = Less (flat, rows)
              both = And (l, yes)
              copy = Identity (both)
              again = Cast <to = 9> (copy)
            """,
            before=SIZE.replace("Identity (zero)", "Constant <value = int32[1] {0}> ()")
            + "step = Constant <value = int32 {1}> () yes = Constant <value = bool {1}> ()"
            + "scalar = Constant <value = int64[0] {}> ()",
            carried="int32[1] i",
        ),
        7,
    ),
    "in floats": (
        _while(
            "i_next = Add (i, tenth) again = Less (i_next, limit)",
            before="i0 = Constant <value = float {0}> () tenth = Constant <value = float {0.1}> ()"
            "limit = Constant <value = float {1}> ()",
            carried="float i",
        ),
        None,  # ten or eleven, as rounding has it
    ),
    "doubled": (
        _while(
            "i_next = Add (i, i) again = Less (i_next, rows)",
            before=SIZE.replace("zero)\n", "one)\n"),
        ),
        None,
    ),
    "two counters": (
        _while(
            """
              i_next = Add (i, one)
              j_next = Add (j, one)
              a = Less (i_next, rows)
              five = Constant <value = int64 {5}> ()
              b = Less (j_next, five)
              again = And (a, b)
            """,
            before=SIZE,
            state="i0, i0",
            carried="int64 i, int64 j",
            after="i_next, j_next",
        ).replace("last, s", "last, other, s"),
        5,
    ),
    "the condition is carried": (
        _while(
            "i_next = Add (i, one) again = Identity (more) more_next = Less (i_next, rows)",
            before=SIZE + "c = Constant <value = bool {1}> ()",
            state="i0, c",
            carried="int64 i, bool more",
            after="i_next, more_next",
        ).replace("last, s", "last, other, s"),
        8,
    ),
    "never begun": (_while(BEHIND, before=SIZE + "c = Less (rows, zero)", go="c"), 0),
}


@pytest.mark.parametrize("name", COUNTED)
def test_a_counted_loop(name):
    text, trips = COUNTED[name]
    model = _model(text)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (stacked,) = session.run(None, {"x": np.zeros((ROWS, 4), np.float32)})
    shapes = infer(from_proto(model), Given(shapes={"x": (ROWS, 4)}))
    assert shapes.trips["last"] == (len(stacked), EXACT)
    assert shapes.get("s").resolved == stacked.shape
    assert trips in (None, len(stacked))


@pytest.mark.parametrize("rows", [*range(30, 50), 10**9])
def test_many_trips_are_passed_over_at_once(rows):
    text = _while(BEHIND, before=f"i0 = Neg (one) rows = Constant <value = int64 {{{rows}}}> ()")
    assert infer(from_proto(_model(text))).trips["last"] == (rows + 1, EXACT)


def test_a_limit_that_rests_on_an_open_dim_is_assumed():
    shapes = infer(from_proto(_model(COUNTED["no condition before"][0])))
    assert shapes.trips["last"] == (1, ASSUMED)
    assert shapes.assumed == {"t": 1}


def test_a_limit_that_an_input_gives():
    text = _while("i_next = Add (i, one) again = Less (i_next, k)", before="i0 = Identity (zero)")
    graph = from_proto(_model(text, inputs="float[t, 4] x, int64 k"))
    assert infer(graph).trips["last"] == (1, ASSUMED)
    assert infer(graph, Given(values={"k": np.array(12)})).trips["last"] == (12, EXACT)


DONE = """
  i_next = Add (i, one)
  counts = Less (i_next, rows)
  sum = ReduceSum <keepdims = 0> (v)
  done = Cast <to = 9> (sum)
  running = Not (done)
  {again}
  v_next = Relu (v)
"""


@pytest.mark.parametrize(
    ("again", "trips"),
    [
        ("again = And (counts, running)", (ROWS, BOUND)),  # data may end it earlier
        ("again = And (running, counts)", (ROWS, BOUND)),
        ("again = Or (counts, running)", (1, ASSUMED)),  # nobody knows when data end it
        ("again = Identity (running)", (1, ASSUMED)),
    ],
)
def test_data_may_end_it_earlier(again, trips):
    text = _while(
        DONE.format(again=again),
        before=SIZE,
        state="i0, x",
        carried="int64 i, float[a, b] v",
        after="i_next, v_next",
    ).replace("last, s", "last, other, s")
    shapes = infer(from_proto(_model(text)), Given(shapes={"x": (ROWS, 4)}))
    assert shapes.trips["last"] == trips


def test_a_limit_that_is_not_known_bounds_by_the_condition():
    text = _while(BEHIND, before=SIZE).replace("Loop (,", "Loop (k,")
    graph = from_proto(_model(text, inputs="float[t, 4] x, int64 k"))
    assert infer(graph, Given(shapes={"x": (ROWS, 4)})).trips["last"] == (ROWS, BOUND)
    given = Given(shapes={"x": (ROWS, 4)}, values={"k": np.array(3)})
    assert infer(graph, given).trips["last"] == (3, EXACT)


GROWS = """
  v_next = Concat <axis = 0> (v, v0)
  shape_v = Shape (v_next)
  len = Gather <axis = 0> (shape_v, zero)
  again = Less (len, ten)
  i_next = Identity (i)
"""


def test_a_carried_value_that_grows_up_to_a_limit():
    """As a decoder does: the sequence grows by one a trip until it is long enough."""
    text = _while(
        GROWS,
        before="i0 = Identity (zero) ten = Constant <value = int64 {10}> () v0 = Identity (x)",
        state="i0, x",
        carried="int64 i, float[a, b] v",
        after="i_next, v_next",
    ).replace("last, s", "last, seq, s")
    model = _model(text, inputs="float[2, 4] x")
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (stacked,) = session.run(None, {"x": np.zeros((2, 4), np.float32)})
    shapes = infer(from_proto(model))
    assert shapes.trips["last"] == (len(stacked), BOUND) == (4, BOUND)
    assert shapes.get("seq").resolved == (10, 4)


def test_a_value_that_grows_unevenly_decides_nothing():
    text = _while(
        GROWS.replace("(v, v0)", "(v, v)"),
        before="i0 = Identity (zero) ten = Constant <value = int64 {99}> () v0 = Identity (x)",
        state="i0, x",
        carried="int64 i, float[a, b] v",
        after="i_next, v_next",
    ).replace("last, s", "last, seq, s")
    shapes = infer(from_proto(_model(text, inputs="float[2, 4] x")))
    assert shapes.trips["last"] == (1, ASSUMED)


NESTED = """
  zero = Constant <value = int64 {0}> ()
  one = Constant <value = int64 {1}> ()
  shape = Shape (x)
  rows = Gather <axis = 0> (shape, zero)
  columns = Gather <axis = 0> (shape, one)
  last, y = Loop (, , zero, x) <
    body = outer (int64 n, bool go, int64 i, float[a, b] v) => (bool again, int64 i_next, w) {
      again, w = Loop (, , go0, v) <
        body = inner (int64 k, bool go2, bool c, float[a, b] u) => (bool more, bool c2, z) {
          k1 = Add (k, one)
          more = Less (k1, columns)
          z = MatMul (u, sq)
          c2 = Less (i1, rows)
        }
      >
      i_next = Identity (i1)
    }
  >
"""


def test_loops_in_loops_multiply():
    text = NESTED.replace(
        "again, w = Loop",
        "go0 = Identity (go) i1 = Add (i, one) again0, w = Loop",
    ).replace("i_next = Identity (i1)", "i_next = Identity (i1) again = Less (i1, rows)")
    graph = from_proto(_model(text, inputs="float[t, 4] x, float[4, 4] sq", outputs="y"))
    cost = cost_graph(graph, find("x86-server-core"), Given(dims={"t": 5}))
    (product,) = [n for n in cost.nodes if n.op_type == "MatMul"]
    assert (product.trips, product.macs) == (5 * 4, 5 * 4 * 5 * 4 * 4)
    assert product.shape == "exact"


# --- the user's word -------------------------------------------------------------------------

DATA = _while(
    DONE.format(again="again = Identity (running)"),
    before=SIZE,
    state="i0, x",
    carried="int64 i, float[a, b] v",
    after="i_next, v_next",
).replace("last, s", "last, other, s")


def test_trips_that_the_user_gives():
    graph = from_proto(_model(DATA))
    shapes = infer(graph, Given(trips={"last": 80}))
    assert shapes.trips["last"] == (80, EXACT)
    assert shapes.get("s").resolved == (80, 1)


def test_trips_that_the_model_contradicts():
    graph = from_proto(_model(COUNTED["its own limit is lower"][0], inputs="float[7, 4] x"))
    with pytest.raises(OcostError, match="--trips last=9: the model runs it 4 times"):
        infer(graph, Given(trips={"last": 9}))
    assert infer(graph, Given(trips={"last": 4})).trips["last"] == (4, EXACT)
    text = _while(
        DONE.format(again="again = And (counts, running)"),
        before=SIZE,
        state="i0, x",
        carried="int64 i, float[a, b] v",
        after="i_next, v_next",
    ).replace("last, s", "last, other, s")
    graph = from_proto(_model(text, inputs="float[7, 4] x"))
    with pytest.raises(OcostError, match="--trips last=9: the model runs it at most 7 times"):
        infer(graph, Given(trips={"last": 9}))
    assert infer(graph, Given(trips={"last": 3})).trips["last"] == (3, EXACT)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lost", "--trips lost: the model has no Loop 'lost'; did you mean last?"),
        ("q", "--trips q: the model has no Loop 'q'; it has last"),
        ("rows", "--trips rows: 'rows' is no Loop but a Gather"),
    ],
)
def test_a_loop_that_is_not_there(name, said):
    graph = from_proto(_model(DATA))
    with pytest.raises(OcostError) as refused:
        ocost.cost(graph, given=ocost.given(trips={name: 3}))
    assert str(refused.value) == said
    with pytest.raises(OcostError) as refused:
        ocost.diff(graph, graph, given=ocost.given(trips={name: 3}))
    assert str(refused.value) == said


def test_trips_go_into_the_figures_and_the_notes():
    graph = from_proto(_model(DATA, inputs="float[7, 4] x"))
    (note,) = (line for line in ocost.cost(graph).notes if "'last'" in line)
    assert note == (
        "'last' is assumed to run 1 time: its trip count is not known; "
        "give it with --trips last=..."
    )
    cost = ocost.cost(graph, given=ocost.given(trips={"last": 80}))
    assert "'last' runs 80 times, as given by --trips" in cost.notes
    assert {n.trips for n in cost.nodes if n.op_type == "Relu"} == {80}
    with pytest.raises(OcostError, match="--trips last=-1: a count can't be negative"):
        ocost.cost(graph, given=ocost.given(trips={"last": -1}))


def test_a_loop_in_a_body_and_in_a_function_is_named_by_its_path():
    text = """
      y = d.F(x)
      z = If (c) <
        then_branch = t () => (u) {
          m = Constant <value = int64 {3}> ()
          u = Loop (m, , x) <
            body = b (int64 i, bool go, float[4] v) => (bool go, w) { w = Exp (v) }
          >
        },
        else_branch = e () => (x) { }
      >
    """
    function = """
      <domain: "d", opset_import: ["" : 17]>
      F (p) => (r) {
        top = ReduceMax <keepdims = 0> (p)
        flag = Cast <to = 9> (top)
        r = Loop (, flag, p) <
          body = b (int64 i, bool go, float[4] v) => (bool again, w) {
            w = Exp (v)
            most = ReduceMax <keepdims = 0> (w)
            again = Cast <to = 9> (most)
          }
        >
      }
    """
    head = '<ir_version: 8, opset_import: ["" : 17, "d" : 1]> g (float[4] x, bool c) => (y, z) '
    graph = from_proto(parser.parse_model(head + "{" + text + "}" + function))
    told = {"y/r": 5, "z/then_branch/u": 3}
    given = ocost.given(trips=told, values={"c": True})
    cost = ocost.cost(graph, given=given, level="written")
    assert {n.name: n.trips for n in cost.nodes if n.op_type == "Exp"} == {
        "y/r/body/w": 5,
        "z/then_branch/u/body/w": 3,
    }
    # The runtime inlines the function, and calls the loop otherwise.
    executed = ocost.cost(graph, given=given, level="executed")
    assert sorted(n.trips for n in executed.nodes if n.op_type == "Exp") == [3, 5]
