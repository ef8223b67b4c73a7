"""Which nodes a tensor decides."""

import pytest
from onnx import TensorProto, helper, parser

from ocost.graph import from_proto
from ocost.graph.dataflow import dominated_region


def _region(text, tensor, inputs="float[4] x, float[4] z"):
    head = f'<ir_version: 8, opset_import: ["" : 17]> g ({inputs}) => (y) '
    graph = from_proto(parser.parse_model(head + "{" + text + "}"))
    return [node.id for node in dominated_region(graph, tensor)]


def test_a_chain_and_what_branches_off_it():
    text = "a = Relu(x) b = Abs(a) c = Neg(a) d = Add(b, c) y = Mul(d, a)"
    assert _region(text, "a") == ["b", "c", "d", "y"]
    assert _region(text, "b") == []  # d reads c too
    assert _region(text, "d") == []
    assert _region(text, "x") == ["a", "b", "c", "d", "y"]


def test_another_input_ends_it():
    # b reads z as well, so neither it nor what reads it is decided by a.
    text = "a = Relu(x) b = Add(a, z) c = Neg(a) y = Mul(b, c)"
    assert _region(text, "a") == ["c"]


def test_constants_do_not_end_it():
    text = """
      k = Constant <value_floats = [1.0, 2.0, 3.0, 4.0]> ()
      k2 = Neg(k)
      s = Shape(k)
      a = Relu(x)
      b = Mul(a, k2)
      y = Reshape(b, s)
    """
    assert _region(text, "a") == ["b", "y"]
    # A constant may be asked for too; what reads it and a constant alone depends on it.
    assert _region(text, "k") == ["k2", "s"]


def test_random_numbers_are_no_constants():
    text = "r = RandomNormal <shape = [4]> () a = Relu(x) b = RandomUniformLike(a) y = Add(a, r)"
    assert _region(text, "a") == ["b"]


def test_captures_count_as_inputs():
    text = """
      c = Cast <to = 9> (x)
      a = Relu (x)
      b = Abs (x)
      y = If (c) <
        then_branch = t () => (t) { t = Neg (a) },
        else_branch = e () => (e) { e = Neg (%s) }
      >
    """
    assert _region(text % "x", "x") == ["c", "a", "b", "y"]
    assert _region(text % "z", "x") == ["c", "a", "b"]


@pytest.mark.parametrize(("ir_version", "inside"), [(3, ["y"]), (8, [])])
def test_an_initializer_that_can_be_overridden_is_an_input(ir_version, inside):
    def value(name):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])

    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Add", ["a", "w"], ["y"])],
        "g",
        [value("x"), value("w")],
        [value("y")],
        [helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])],
    )
    model = helper.make_model(graph, ir_version=ir_version)
    assert [n.id for n in dominated_region(from_proto(model), "a")] == inside
