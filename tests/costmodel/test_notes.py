"""Assumptions that a cost rests on, a line each."""

import numpy as np
import pytest
from onnx import parser

from ocost.costmodel import cost_graph
from ocost.costmodel.device import Device
from ocost.graph import from_proto
from ocost.graph.shapes import Given

TOY = Device(
    name="toy",
    title="Toy",
    source="datasheet",
    runtime="onnxruntime-cpu",
    isa="avx2",
    channel_block=8,
    cores=1,
    peaks={"float32": 100e9, "int8": 400e9},
    bandwidth=10e9,
    overhead_s=1e-6,
    sources=("made up",),
)


def _notes(text, inputs="float[2, 3] x", given=None):
    head = f'<ir_version: 10, opset_import: ["" : 21]> g ({inputs}) => (y) '
    return cost_graph(from_proto(parser.parse_model(head + "{" + text + "}")), TOY, given).notes


def test_nothing_assumed_nothing_noted():
    assert _notes("y = Relu(x)") == ()


def test_an_element_type_without_a_peak_of_its_own():
    text = "a = Cast <to = 10> (x) b = Relu(a) c = Exp(b) d = Cast <to = 11> (c) y = Neg(d)"
    # A cast computes nothing; b and c run in float16, y in float64.
    assert _notes(text) == (
        "toy has no peak for float16: float32's is used (2 nodes), so their latency says little",
        "toy has no peak for float64: float32's is used (1 node), so their latency says little",
    )


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ("int8[4, 4] x, int8[4, 4] z", "y = MatMulInteger(x, z)"),
        ("uint8[4, 4] x, int8[4, 4] z", "y = MatMulInteger(x, z)"),  # as int8
        ("int64[4] x", "y = Add(x, x)"),  # shape arithmetic, which no datasheet gives
        ("float16[4] x", "y = Transpose(x)"),  # computes nothing
    ],
)
def test_a_peak_that_is_there_or_not_needed(inputs, text):
    assert _notes(text, inputs) == ()


LOOP = """
  y = Loop (m, c, x) <
    body = b (int64 i, bool go, float[2, 3] v) => (bool again, float[2, 3] w) {
      %s
      w = Exp (v)
    }
  >
"""
ENDLESS = LOOP % "again = Identity (go)"
ENDED = LOOP % "s = ReduceMax <keepdims = 0> (v) again = Cast <to = 9> (s)"
SEVEN = {"m": np.array(7), "c": np.array(True)}


def test_trip_counts():
    inputs = "float[2, 3] x, int64 m, bool c"
    assert _notes(ENDLESS, inputs, Given(values=SEVEN)) == ()
    assert _notes(ENDED, inputs, Given(values=SEVEN)) == (
        "'y' runs at most 7 times: its condition may end it early",
    )
    assert _notes(ENDLESS, inputs) == (
        "'y' is assumed to run 1 time: its trip count is not known; give it with --trips y=...",
    )


def test_a_trip_count_that_rests_on_open_dims():
    text = "m = Size(x) c = Constant <value = bool {1}> () " + ENDLESS
    inputs = "float[2, n] x"
    assert _notes(text, inputs) == (
        "'y' is assumed to run 2 times: its trip count is not known, or rests on assumed dims",
    )
    assert _notes(text, inputs, Given(dims={"n": 3})) == ()


def test_a_branch_that_rests_on_open_dims():
    text = """
      s = Size(x)
      six = Constant <value_int = 6> ()
      c = Equal(s, six)
      y = If (c) <
        then_branch = then () => (t) { t = Relu (x) },
        else_branch = other () => (e) { e = Neg (x) }
      >
    """
    assert _notes(text, "float[2, n] x") == (
        "1 If may take the other branch ('y'): the condition rests on inexact shapes",
    )
    assert _notes(text, "float[2, n] x", Given(dims={"n": 3})) == ()


def test_bodies_are_named_by_their_path():
    text = """
      z = If (k) <
        then_branch = then () => (float[2, 3] t) { m = Cast <to = 7> (k) t = Loop (m, , x) <
          body = b (int64 i, bool go, float[2, 3] v) => (bool go, float[2, 3] w) { w = Exp (v) }
        > },
        else_branch = other () => (float[2, 3] e) { e = Neg (x) }
      >
      y = Relu(z)
    """
    inputs = "float[2, 3] x, bool k"
    trips, branch = _notes(text, inputs)
    assert trips.startswith("'z/then_branch/t' is assumed to run 1 time")
    assert branch == (
        "the condition of 1 If is not known ('z'): the larger branch counts; "
        "--value of the input that decides tells"
    )
    assert _notes(text, inputs, Given(values={"k": np.array(True)})) == ()
    assert _notes(text, inputs, Given(values={"k": np.array(False)})) == ()


def test_work_on_constants_alone_is_no_saving_of_whoever_folds_it():
    # A Transpose of 2 x 3 floats: 24 bytes read, 24 written at 10 GB/s, and 1 us: 1.0048 us.
    text = (
        "w = Constant <value = float[2, 3] {1, 2, 3, 4, 5, 6}> () t = Transpose(w) y = MatMul(x, t)"
    )
    assert _notes(text) == (
        "work on constants alone: 1 node, 1 us of the estimate; a runtime folds them when it "
        "loads the model",
    )


def test_quantised_and_blocked_graphs_say_so():
    text = """
      s = Constant <value = float {0.5}> ()
      z = Constant <value = int8 {0}> ()
      q = QuantizeLinear(x, s, z)
      y = DequantizeLinear(q, s, z)
    """
    (note,) = _notes(text)
    assert note.startswith("Q and DQ nodes are costed one by one (1 DequantizeLinear)")
    blocked = (
        '<ir_version: 10, opset_import: ["" : 21, "com.microsoft.nchwc" : 1]> '
        "g (float[1, 16, 4, 4] x) => (y) { y = com.microsoft.nchwc.GlobalAveragePool(x) }"
    )
    (note,) = cost_graph(from_proto(parser.parse_model(blocked)), TOY).notes
    assert note.startswith("a runtime has blocked this graph already (1 node)")


def test_dead_nodes_are_told():
    assert _notes("a = Neg(x) b = Abs(a) y = Relu(x)") == (
        "2 nodes are dead ('a', 'b'): no output depends on them; they are counted, though a "
        "runtime may drop them",
    )
    assert _notes("a = Neg(x) y = Relu(x)")[0].startswith("1 node is dead ('a'): ")
    assert _notes("c = Constant <value_float = 1.0> () y = Relu(x)") == ()  # no work
