"""Activation memory by liveness, against small graphs worked out by hand."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser

from ocost import models
from ocost.costmodel.cost import bytes_of, cost_nodes
from ocost.costmodel.memory import memory
from ocost.graph import from_proto, load
from ocost.graph.shapes import Given, infer


def _memory(text, given=None, inputs="float[4] x", outputs="y", functions="", **options):
    head = f'<ir_version: 10, opset_import: ["" : 17, "d" : 1]> g ({inputs}) => ({outputs}) '
    shapes = infer(from_proto(parser.parse_model(head + "{" + text + "}" + functions)), given)
    return memory(shapes, cost_nodes(shapes), **options)


def _figures(*args, **others):
    found = _memory(*args, **others)
    return found.peak_bytes, found.mean_activation_bytes, found.total_activation_bytes


# All tensors below are of 4 floats, 16 bytes, unless a comment says otherwise.

BRANCHES = "a = Relu(x) b = Abs(a) c = Neg(a) y = Add(b, c)"


def test_a_tensor_lives_from_its_maker_to_its_last_reader():
    # At a: x a. At b: a b. At c: a b c. At y: b c y. So 32, 32, 48, 48; five tensors in all.
    assert _figures(BRANCHES) == (48, (32 + 32 + 48 + 48) / 4, 5 * 16)


def test_graph_outputs_live_to_the_end():
    # At a: x a. At b: a b. At y: a b y, for a is given out.
    text = "a = Relu(x) b = Abs(a) y = Neg(b)"
    assert _figures(text, outputs="a, y") == (48, (32 + 32 + 48) / 3, 4 * 16)


def test_graph_inputs_live_from_the_start():
    # z is read at last: x z a, then a b z, then b z y.
    text = "a = Relu(x) b = Abs(a) y = Add(b, z)"
    assert _figures(text, inputs="float[4] x, float[4] z") == (48, 48, 5 * 16)


def test_what_nothing_reads_dies_at_once():
    # At a: x a. At y: x y, a is gone.
    assert _figures("a = Relu(x) y = Abs(x)") == (32, 32, 3 * 16)


def test_inputs_that_nothing_reads_take_nothing():
    assert _figures("y = Abs(x)", inputs="float[4] x, float[99] z") == (32, 32, 32)


def test_an_input_that_is_an_output():
    # x lives to the end: x a, then x a y.
    assert _figures("a = Abs(x) y = Neg(a)", outputs="x, y") == (48, 40, 48)


def test_constants_are_apart():
    text = "k = Constant <value_floats = [1.0, 2.0, 3.0, 4.0]> () y = Add(x, k)"
    assert _figures(text) == (32, 32, 32)


def test_one_tensor_read_twice():
    assert _figures("a = Mul(x, x) y = Mul(a, a)") == (32, 32, 48)


def test_a_view_shares_its_storage():
    # At a: x a. At v: a. At b: a b. At y: a b y, for y reads v, which is a.
    text = """
      s = Constant <value_ints = [2, 2]> ()
      flat = Constant <value_ints = [4]> ()
      a = Relu(x)
      v = Reshape(a, s)
      b = Neg(a)
      w = Reshape(b, s)
      y = Add(v, w)
    """
    # Seven steps less two constants: x a | a | a b | a b | a b y
    assert _figures(text) == (48, (32 + 16 + 32 + 32 + 48) / 5, 4 * 16)


def test_views_of_views_and_of_the_input():
    # x is viewed twice over and lives to the end, though its own name is read no more.
    text = """
      s = Constant <value_ints = [2, 2]> ()
      v = Reshape(x, s)
      w = Flatten(v)
      a = Relu(w)
      y = Add(a, w)
    """
    # At v and w: x. At a: x a. At y: x a y.
    assert _figures(text) == (48, (16 + 16 + 32 + 48) / 4, 48)


def test_a_view_that_is_given_out():
    text = (
        "s = Constant <value_ints = [2, 2]> () a = Relu(x) y = Reshape(a, s) b = Neg(x) c = Abs(b)"
    )
    # a lives to the end as y: x a | x a | x a b | a b c
    assert _figures(text) == (48, (32 + 32 + 48 + 48) / 4, 4 * 16)


def test_the_order_of_the_file_counts():
    wide = ["p = Concat <axis = 0> (x, x)", "q = Concat <axis = 0> (x, x)"]
    narrow = ["r = ReduceMax <keepdims = 0> (p)", "s = ReduceMax <keepdims = 0> (q)"]
    last = "y = Add(r, s)"
    # p and q are 32 bytes, r, s and y 4 each. One after the other:
    # x p | x p r | x r q | r q s | r s y
    one_by_one = " ".join([wide[0], narrow[0], wide[1], narrow[1], last])
    assert _figures(one_by_one) == (52, (48 + 52 + 52 + 40 + 12) / 5, 16 + 64 + 12)
    # Side by side: x p | x p q | p q r | q r s | r s y
    side_by_side = " ".join([*wide, *narrow, last])
    assert _figures(side_by_side) == (80, (48 + 80 + 68 + 40 + 12) / 5, 16 + 64 + 12)


# --- in place --------------------------------------------------------------------------------


def test_an_elementwise_operator_may_write_over_a_dying_input():
    # At a: x a, for x is the caller's. At b: b in a's place. At y: y in b's.
    text = "a = Relu(x) b = Abs(a) y = Neg(b)"
    assert _figures(text, in_place=True) == (32, (32 + 16 + 16) / 3, 32)
    assert _figures(text) == (32, 32, 64)


def test_not_over_an_input_that_is_read_again():
    # At b: a b, for c reads a. At c: b, c in a's place. At y: y in b's or c's place.
    found = _figures(BRANCHES, in_place=True)
    assert found == (32, (32 + 32 + 32 + 32) / 4, 16 * 3)


def test_not_over_an_input_of_another_size():
    # a has 4 floats and b has 8: nothing fits. At a: x z a. At b: z a b. At y: b, y in its place.
    text = "a = Relu(x) b = Add(a, z) y = Neg(b)"
    found = _figures(text, inputs="float[1, 4] x, float[2, 1] z", in_place=True)
    assert found == (8 + 16 + 32, ((16 + 8 + 16) + (8 + 16 + 32) + 32) / 3, 16 + 8 + 16 + 32)


def test_not_over_a_graph_output():
    # At a: x a. At y: a y, for a is given out.
    assert _figures("a = Relu(x) y = Abs(a)", outputs="a, y", in_place=True) == (32, 32, 48)


def test_over_an_input_of_another_type_but_as_many_bytes():
    # At a: x a. At y: float16 is smaller, a y = 24; int32 is not, y in a's place.
    text = "a = Relu(x) y = Cast <to = {}> (a)"
    assert _figures(text.format(10), in_place=True) == (32, (32 + 24) / 2, 16 + 16 + 8)
    assert _figures(text.format(6), in_place=True) == (32, (32 + 16) / 2, 16 + 16)


def test_over_what_a_view_is_of():
    # At a: x a. At v: a. At y: y in a's place.
    text = "a = Relu(x) v = Flatten <axis = 0> (a) y = Exp(v)"
    assert _figures(text, in_place=True) == (32, (32 + 16 + 16) / 3, 32)


def test_not_by_an_operator_that_is_not_elementwise():
    text = "a = Relu(x) y = Softmax(a)"
    assert _figures(text, in_place=True) == _figures(text) == (32, 32, 48)


# --- bodies ----------------------------------------------------------------------------------

IF = """
  y = If (c) <
    then_branch = then () => (t) { a = Relu (x) b = Abs (a) t = Add (a, b) },
    else_branch = other () => (x) { }
  >
"""


def test_the_body_of_an_if_adds_to_what_is_alive_around_it():
    # Around it c (1 byte), x and y. Inside a; a b; then t, which is y: 16, 32, 32 more.
    given = Given(values={"c": np.array(True)})
    found = _figures(IF, given, inputs="float[4] x, bool c")
    assert found == (1 + 32 + 32, 1 + 32 + 32, 1 + 32 + 32)
    given = Given(values={"c": np.array(False)})
    assert _figures(IF, given, inputs="float[4] x, bool c") == (33, 33, 33)


def test_of_two_branches_the_one_that_is_costed():
    found = _figures(IF, inputs="float[4] x, bool c")
    assert found == (1 + 32 + 32, 1 + 32 + 32, 1 + 32 + 32)
    # The branch that computes more is costed, the other one needs more memory: 99 floats.
    text = """
      y = If (c) <
        then_branch = then () => (t) { p = Relu (x) q = Relu (p) r = Relu (q) t = Exp (r) },
        else_branch = other () => (e) { big = Tile (x, k) e = Slice (big, lo, hi) }
      >
    """
    before = """
      k = Constant <value_ints = [99]> ()
      lo = Constant <value_ints = [0]> ()
      hi = Constant <value_ints = [4]> ()
    """
    # c x y, and inside two of p, q, r, t at a time, t being y.
    assert _memory(before + text, inputs="float[4] x, bool c").peak_bytes == 1 + 32 + 32


def test_what_a_body_captures_lives_as_long_as_the_body():
    # At y: a (captured), c, y; inside b. a is not read after it.
    text = """
      a = Relu (x)
      y = If (c) <
        then_branch = then () => (t) { b = Neg (a) t = Abs (b) },
        else_branch = other () => (a) { }
      >
    """
    # At a: x c a = 33. At y: c a y = 33, and b = 16 inside.
    found = _figures(text, inputs="float[4] x, bool c")
    assert found == (49, (33 + 49) / 2, 1 + 4 * 16)


def test_a_function_is_as_large_as_its_body():
    functions = '<domain: "d", opset_import: ["" : 17]> F (v) => (w) { p = Neg (v) w = Abs (p) }'
    # x and y, inside p; w is y.
    assert _figures("y = d.F(x)", functions=functions) == (48, 48, 48)


def test_a_loop_has_its_state_twice():
    text = """
      m = Constant <value = int64 {5}> ()
      y, s = Loop (m, , x) <
        body = body (int64 i, bool go, float[4] v) => (bool go, next, out) {
          next = Relu (v)
          out = ReduceSum <keepdims = 0> (v)
        }
      >
    """
    # Around: x 16, y 16, s[5] 20. Inside: go (1 byte, handed on), v 16, next 16, out 4.
    assert _memory(text, outputs="y, s").peak_bytes == 16 + 16 + 20 + 1 + 16 + 16 + 4


def test_a_body_that_never_runs_takes_no_room():
    text = """
      m = Constant <value = int64 {0}> ()
      y = Loop (m, , x) <
        body = body (int64 i, bool go, float[4] v) => (bool go, next) { next = Relu (v) }
      >
    """
    assert _figures(text) == (32, 32, 32)  # x and y


# --- not known -------------------------------------------------------------------------------


def test_a_size_that_is_not_known_makes_no_figure():
    assert _memory("a = d.Thing(x) y = Relu(a)") is None
    assert _memory("q = SequenceConstruct(x) y = SequenceLength(q)") is None


# --- properties ------------------------------------------------------------------------------

LIGHT = sorted((Path(onnx.__file__).parent / "backend" / "test" / "data" / "light").glob("*.onnx"))
FILES = [*(f"@{sample.name}" for sample in models.samples()), *LIGHT]


@pytest.mark.parametrize("file", FILES, ids=lambda f: Path(f).stem)
@pytest.mark.parametrize("in_place", [False, True])
def test_the_peak_holds_every_operator(file, in_place):
    shapes = infer(load(file))
    costs = cost_nodes(shapes)
    found = memory(shapes, costs, in_place=in_place)
    assert 0 < found.mean_activation_bytes <= found.peak_bytes
    assert found.total_activation_bytes >= found.peak_bytes
    if in_place:
        assert found.peak_bytes <= memory(shapes, costs).peak_bytes
        return
    for costed in costs:
        if costed.cost.view or costed.call is None:
            continue
        names = dict.fromkeys((*costed.node.inputs, *costed.node.outputs))
        infos = [costed.scope.get(name) for name in names if name]
        assert found.peak_bytes >= sum(bytes_of(i) for i in infos if not i.constant)


def test_what_is_computed_from_constants_alone_is_no_activation():
    """A dequantised weight of 4 x 4 floats is the same in every run: a weight, as is its input."""
    text = """
      agraph (float[2, 4] x) => (float[2, 4] y)
      <int8[4, 4] q = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, float s = {0.5}>
      { w = DequantizeLinear(q, s) y = MatMul(x, w) }
    """
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{text}')
    scope = infer(from_proto(model))
    found = memory(scope, cost_nodes(scope))
    assert found.peak_bytes == 32 + 32  # x and y, 2 x 4 floats each
    assert found.total_activation_bytes == 64
