"""Shapes before the run: what is given, assumed, inferred, bounded, or not known and why."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper, parser

from ocost.graph import from_proto
from ocost.graph.shapes import Given, Quality, infer

EXACT, ASSUMED, BOUND = Quality.EXACT, Quality.ASSUMED, Quality.BOUND


def _model(text, inputs="float[n, 3] x", opsets='"" : 17', functions=""):
    head = f"<ir_version: 10, opset_import: [{opsets}]> g ({inputs}) => (y) "
    return parser.parse_model(head + "{" + text + "}" + functions)


def _infer(text, given=None, **others):
    return infer(from_proto(_model(text, **others)), given)


def _known(shapes, name="y"):
    info = shapes.get(name)
    return info.shape, info.quality


# --- what is given ---------------------------------------------------------------------------


def test_open_dims_are_assumed_one_and_listed():
    shapes = _infer("y = Add(x, z)", inputs="float[n, 3] x, float[n, m] z")
    assert shapes.assumed == {"n": 1, "m": 1}
    assert _known(shapes) == ((1, 3), ASSUMED)


def test_dims_without_a_name_get_one():
    model = _model("y = Add(x, z)", inputs="float[?, 3] x, float[q, 3] z")
    model.graph.input[1].type.tensor_type.shape.dim[0].dim_param = "?"
    shapes = infer(from_proto(model))
    assert shapes.assumed == {"x[0]": 1, "z[0]": 1}
    shapes = infer(from_proto(model), Given(dims={"x[0]": 5, "z[0]": 5}))
    assert shapes.assumed == {}
    assert _known(shapes) == ((5, 3), EXACT)


def test_a_negative_dim_is_an_open_one():
    model = _model("y = Relu(x)", inputs="float[7, 3] x")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    assert infer(from_proto(model)).assumed == {"x[0]": 1}


def test_a_given_dim_is_exact_everywhere_it_stands():
    given = Given(dims={"n": 8})
    shapes = _infer("y = Add(x, z)", given, inputs="float[n, 3] x, float[n, m] z")
    assert shapes.assumed == {"m": 1}
    assert _known(shapes, "x") == ((8, 3), EXACT)
    assert _known(shapes, "z") == ((8, 1), ASSUMED)
    assert _known(shapes) == ((8, 3), ASSUMED)  # as good as the worst of its inputs


def test_a_given_shape_binds_the_symbols_of_other_inputs():
    given = Given(shapes={"z": (8, 3)})  # the second input: the first follows
    shapes = _infer("y = Add(x, z)", given, inputs="float[n, 3] x, float[n, m] z")
    assert shapes.assumed == {}
    assert _known(shapes, "x") == ((8, 3), EXACT)
    assert _known(shapes) == ((8, 3), EXACT)


def test_a_given_shape_where_the_model_states_none():
    model = _model("y = Relu(x)")
    model.graph.input[0].type.tensor_type.ClearField("shape")
    graph = from_proto(model)
    unknown = infer(graph).get("y")
    assert unknown.shape is None
    assert unknown.reason == "input 'x' has no declared rank; give --shape x=..."
    assert _known(infer(graph, Given(shapes={"x": (2, 5)}))) == ((2, 5), EXACT)


def test_strict_is_content_where_all_is_given():
    shapes = _infer("y = Relu(x)", Given(dims={"n": 2}, strict=True))
    assert _known(shapes) == ((2, 3), EXACT)


def test_given_contents_decide_shapes():
    inputs = "float[4, 6] x, int64[2] sizes"
    shapes = _infer("y = Reshape(x, sizes)", inputs=inputs)
    assert shapes.get("y").resolved is None
    assert "--value sizes" in shapes.get("y").reason
    given = Given(values={"sizes": np.array([3, -1])})
    assert _known(_infer("y = Reshape(x, sizes)", given, inputs=inputs)) == ((3, 8), EXACT)


def test_given_contents_bind_the_dims_of_their_input():
    given = Given(values={"sizes": np.array([4, 5, 6])})
    shapes = _infer("y = ConstantOfShape(sizes)", given, inputs="int64[k] sizes, float[k] x")
    assert shapes.assumed == {}
    assert _known(shapes, "x") == ((3,), EXACT)
    assert _known(shapes) == ((4, 5, 6), EXACT)


def test_a_scalar_fills_the_input():
    inputs = "int64[2] sizes"
    text = "y = ConstantOfShape(sizes)"
    given = Given(values={"sizes": np.array(5)})
    assert _known(_infer(text, given, inputs=inputs)) == ((5, 5), EXACT)


# --- what the model says of its inputs -------------------------------------------------------


def _hinted(**hints):
    model = _model("y = Add(x, z)", inputs="float[n, m] x, float[n, k] z")
    model.metadata_props.add(key="ocost.inputs", value=json.dumps(hints))
    return from_proto(model)


def test_hints_count_where_nothing_is_given():
    graph = _hinted(
        x={"dtype": "float32", "shape": [4, 1]}, z={"dtype": "float32", "shape": [4, 5]}
    )
    shapes = infer(graph)
    assert shapes.assumed == {}
    assert _known(shapes) == ((4, 5), EXACT)


def test_what_is_given_goes_before_hints():
    graph = _hinted(
        x={"dtype": "float32", "shape": [4, 1]}, z={"dtype": "float32", "shape": [4, 5]}
    )
    # n is given: the hints still count for m and k.
    assert _known(infer(graph, Given(dims={"n": 2}))) == ((2, 5), EXACT)
    # z's shape binds n, whatever the hint for x says of it.
    assert _known(infer(graph, Given(shapes={"z": (7, 6)}))) == ((7, 6), EXACT)
    assert _known(infer(graph, Given(shapes={"z": (7, 6)})), "x") == ((7, 1), EXACT)


def test_a_hint_that_does_not_fit_is_left_out():
    graph = _hinted(x={"dtype": "float32", "shape": [4]}, w={"dtype": "float32", "shape": [9]})
    shapes = infer(graph)
    assert shapes.assumed == {"n": 1, "m": 1, "k": 1}
    model = _model("y = Relu(x)", inputs="float[n, 3] x")
    hint = {"x": {"dtype": "float32", "shape": [4, 9]}}
    model.metadata_props.add(key="ocost.inputs", value=json.dumps(hint))
    assert infer(from_proto(model)).assumed == {"n": 1}


def test_hinted_contents_decide_shapes():
    model = _model("y = ConstantOfShape(s)", inputs="int64[k] s")
    hint = {"s": {"dtype": "int64", "shape": [2], "value": [3, 4]}}
    model.metadata_props.add(key="ocost.inputs", value=json.dumps(hint))
    graph = from_proto(model)
    assert _known(infer(graph)) == ((3, 4), EXACT)
    given = Given(values={"s": np.array([5, 6])})
    assert _known(infer(graph, given)) == ((5, 6), EXACT)
    # Of another shape than the hint's, the contents are not known.
    assert infer(graph, Given(dims={"k": 3})).get("y").resolved is None


# --- shape arithmetic ------------------------------------------------------------------------


def test_shapes_that_the_graph_computes():
    text = """
      s = Shape(x)
      zero = Constant <value = int64 {0}> ()
      n = Gather(s, zero)
      axes = Constant <value_ints = [0]> ()
      row = Unsqueeze(n, axes)
      rest = Constant <value_ints = [-1, 2]> ()
      target = Concat <axis = 0> (row, rest)
      y = Reshape(x, target)
    """
    shapes = _infer(text, Given(dims={"n": 5}), inputs="float[n, 6] x")
    assert shapes.get("target").value.tolist() == [5, -1, 2]
    assert _known(shapes) == ((5, 3, 2), EXACT)
    shapes = _infer(text, inputs="float[n, 6] x")
    assert _known(shapes) == ((1, 3, 2), ASSUMED)


def test_large_contents_are_data_and_not_kept():
    text = "a = ConstantOfShape(s) y = Relu(a)"
    shapes = _infer(text, Given(values={"s": np.array([2000])}), inputs="int64[1] s")
    assert _known(shapes) == ((2000,), EXACT)
    assert shapes.get("a").value is None


def test_what_constants_make_is_constant():
    text = """
      k = Constant <value_floats = [1.0, 2.0]> ()
      k2 = Neg(k)
      r = RandomNormalLike(k)
      s = Shape(x)
      y = Add(x, k2)
    """
    shapes = _infer(text, inputs="float[4, 2] x")
    constant = {name: shapes.get(name).constant for name in ("k", "k2", "r", "s", "x", "y")}
    # Shape's answer is known, but it is that of the input and not a stored one.
    assert constant == {"k": True, "k2": True, "r": False, "s": False, "x": False, "y": False}
    assert shapes.get("s").value.tolist() == [4, 2]


# --- data-dependent dims ---------------------------------------------------------------------


def test_data_dependent_dims_take_their_upper_bound():
    text = "a = NonZero(x) b = Transpose(a) y = Relu(x)"
    shapes = _infer(text, inputs="float[4, 5] x")
    assert _known(shapes, "a") == ((2, 20), BOUND)  # every one of 4 x 5 elements, two indices each
    assert _known(shapes, "b") == ((20, 2), BOUND)
    assert _known(shapes) == ((4, 5), EXACT)


def test_what_is_bounded_and_assumed_is_bounded():
    assert _known(_infer("y = NonZero(x)")) == ((2, 3), BOUND)


# --- what is not known -----------------------------------------------------------------------


def test_an_unknown_operator_says_so_and_its_reason_goes_down():
    shapes = _infer("a = mine.Thing(x) b = Relu(a) y = Abs(b)", opsets='"" : 17, "mine" : 1')
    reason = "no shape rule for mine::Thing of domain 'mine'"
    assert [shapes.get(name).reason for name in ("a", "b", "y")] == [reason] * 3
    assert shapes.get("y").resolved is None


def test_declared_types_stand_in_where_they_must_hold():
    model = _model("a = mine.Thing(x) y = Relu(a)", inputs="float[2, 3] x", opsets='"mine" : 1')
    model.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT16, [7]))
    shapes = infer(from_proto(model))
    assert _known(shapes) == ((7,), EXACT)
    assert shapes.get("y").dtype == TensorProto.FLOAT16
    # Under another shape than the file's, only the element type still holds.
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "n"
    for given in (Given(), Given(dims={"n": 4})):
        shapes = infer(from_proto(model), given)
        assert shapes.get("a").resolved is None
        assert shapes.get("a").dtype == TensorProto.FLOAT16


def test_a_contradiction_in_the_file_is_a_reason_not_an_error():
    shapes = _infer("y = MatMul(x, z)", inputs="float[2, 3] x, float[4, 5] z")
    assert "Incompatible dimensions" in shapes.get("y").reason
    shapes = _infer("y = Transpose <perm = [0, 5]> (x)")
    assert shapes.get("y").resolved is None
    assert shapes.get("y").reason


def test_what_onnx_itself_would_crash_on():
    """Its rule for Split indexes the parts by the outputs, without a look at their number."""
    shapes = _infer("y = Split <num_outputs = 3> (x)", opsets='"" : 18')
    assert shapes.get("y").reason == "Split's num_outputs is 3, its outputs are 1"


def test_attributes_of_other_opsets_are_passed_over():
    """``spatial`` went away with opset 9, ``consumed_inputs`` with 6: files still have them."""
    inputs = "float[2, 3] x, float[3] s, float[3] b, float[3] m, float[3] v"
    text = "y = BatchNormalization <spatial = 1, consumed_inputs = [0, 0]> (x, s, b, m, v)"
    assert _known(_infer(text, inputs=inputs, opsets='"" : 14')) == ((2, 3), EXACT)


def test_an_operator_newer_than_the_opset():
    """onnxruntime's optimiser writes LayerNormalization into graphs of opset 13."""
    inputs = "float[2, 3] x, float[3] s"
    text = "y = LayerNormalization(x, s)"
    assert _known(_infer(text, inputs=inputs, opsets='"" : 13')) == ((2, 3), EXACT)


# --- local functions -------------------------------------------------------------------------

FUNCTIONS = """
<domain: "d", opset_import: ["" : 17]>
Repeat <times: int = 2> (v) => (w) {
  n = Constant <value_int = @times> ()
  one = Constant <value_ints = [-1]> ()
  flat = Reshape (v, one)
  many = Unsqueeze (n, zero)
  w = Tile (flat, many)
  zero = Constant <value_ints = [0]> ()
}
<domain: "d", opset_import: ["" : 17, "d" : 1]>
Twice <times> (v) => (w) {
  a = d.Repeat <times: int = @times> (v)
  w = d.Repeat (a)
}
"""


@pytest.mark.parametrize(
    ("call", "size"),
    [
        ("d.Repeat(x)", 6 * 2),  # the default
        ("d.Repeat <times = 5> (x)", 6 * 5),
        ("d.Twice <times = 3> (x)", 6 * 3 * 2),  # handed on, then the default
        ("d.Twice (x)", 6 * 2 * 2),  # not handed on
    ],
)
def test_attributes_are_bound_by_the_call(call, size):
    given = {"inputs": "float[2, 3] x", "opsets": '"" : 17, "d" : 1', "functions": FUNCTIONS}
    shapes = _infer(f"y = {call}", **given)
    assert _known(shapes) == ((size,), EXACT)


def test_a_function_of_the_default_opset_of_its_own():
    """ReduceSum takes its axes as an attribute up to opset 12, as an input from 13 on."""
    functions = (
        '<domain: "d", opset_import: ["" : 11]> F (v) => (w) { w = ReduceSum <axes = [0]> (v) }'
    )
    shapes = _infer(
        "a = d.F(x) axes = Constant <value_ints = [1]> () y = ReduceSum <keepdims = 0> (a, axes)",
        inputs="float[2, 3] x",
        opsets='"" : 17, "d" : 1',
        functions=functions,
    )
    assert _known(shapes) == ((1,), EXACT)


def test_functions_of_one_name_in_several_domains_are_told_apart():
    functions = """
      <domain: "d", opset_import: ["e" : 1]> F (v) => (w) { w = e.F (v) }
      <domain: "e", opset_import: ["e" : 1]> F (v) => (w) { w = e.F:deep (v) }
      <domain: "e", overload: "deep", opset_import: ["" : 17]> F (v) => (w) { w = Transpose (v) }
    """
    shapes = _infer("y = d.F(x)", inputs="float[2, 3] x", opsets='"d" : 1', functions=functions)
    assert _known(shapes) == ((3, 2), EXACT)


def test_an_input_that_the_call_leaves_out():
    functions = """
      <domain: "d", opset_import: ["" : 17]>
      F (v, low, high) => (w) { a = Neg (v) w = Clip (a, low, high) }
    """
    for call in ("d.F(x)", "d.F(x, , )", "d.F(x, , k)"):
        shapes = _infer(
            f"k = Constant <value_float = 6.0> () y = {call}",
            inputs="float[2, 3] x",
            opsets='"" : 17, "d" : 1',
            functions=functions,
        )
        assert _known(shapes) == ((2, 3), EXACT)


def test_the_same_function_is_inferred_anew_at_each_call():
    functions = '<domain: "d", opset_import: ["" : 17]> F (v) => (w) { w = Transpose (v) }'
    shapes = _infer(
        "a = d.F(x) b = Flatten(x) c = d.F(b) y = MatMul(x, a)",
        inputs="float[2, 3] x",
        opsets='"" : 17, "d" : 1',
        functions=functions,
    )
    assert _known(shapes, "a") == ((3, 2), EXACT)
    assert _known(shapes) == ((2, 2), EXACT)
    assert shapes.bodies["a", "function"].get("w").shape == (3, 2)
    assert shapes.bodies["a", "function"].homes("v") == {(shapes, "x"): 1}


def test_half_precision_contents_decide_shapes_too():
    """A converter to float16 turns Resize's scales into half floats behind a Cast."""
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> g (float16[1, 1, 4, 4] x) => (y) { '
        "s = Constant<value = float[4] {1, 1, 2, 2}> () h = Cast<to = 10> (s) "
        "f = Cast<to = 1> (h) y = Resize(x, , f) }"
    )
    half = helper.make_tensor("s", TensorProto.FLOAT16, [4], [1.0, 1.0, 2.0, 2.0])
    model.graph.node[0].attribute[0].t.CopyFrom(half)
    assert infer(from_proto(model)).get("y").resolved == (1, 1, 8, 8)
