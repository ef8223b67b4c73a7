"""What counts as a parameter, and how often."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from ocost.costmodel.cost import Costed, cost_nodes
from ocost.costmodel.params import constants, param_bytes, parameters_by_constant
from ocost.graph import from_proto, load
from ocost.graph.shapes import infer

F, I32, I64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
I8, U8, BOOL = TensorProto.INT8, TensorProto.UINT8, TensorProto.BOOL


def parameters(costs: Iterable[Costed]) -> int:
    """Elements of all constants that count."""
    return sum(parameters_by_constant(costs).values())


def _graph(text, inputs="float[2, 3] x", functions="", **initializers):
    """Each initializer is given as (dtype, shape)."""
    head = f'<ir_version: 10, opset_import: ["" : 21, "d" : 1]> g ({inputs}) => (y) '
    model = parser.parse_model(head + "{" + text + "}" + functions)
    for name, (dtype, shape) in initializers.items():
        array = np.zeros(shape, dtype=helper.tensor_dtype_to_np_dtype(dtype))
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return from_proto(model)


def _params(text, **others):
    return parameters(cost_nodes(infer(_graph(text, **others))))


# --- where they come from --------------------------------------------------------------------


def test_initializers_in_weight_slots():
    assert _params("y = Gemm(x, w, b)", w=(F, (3, 5)), b=(F, (5,))) == 15 + 5
    assert _params("y = MatMul(w, x)", w=(F, (5, 2))) == 10


def test_a_shared_weight_counts_once():
    assert _params("a = MatMul(x, w) y = MatMul(a, w)", w=(F, (3, 3))) == 9
    # An embedding that is also the last layer, as language models have it.
    text = "e = Gather(w, i) t = Transpose(w) y = MatMul(e, t)"
    assert _params(text, inputs="int64[4] i", w=(F, (50, 8))) == 400


def test_constant_nodes():
    assert _params("w = Constant <value = float[3, 1] {1, 2, 3}> () y = MatMul(x, w)") == 3
    assert _params("w = Constant <value_floats = [1.0, 2.0, 3.0]> () y = Add(x, w)") == 3


def test_constant_of_shape():
    text = """
      s = Constant <value_ints = [3, 7]> ()
      w = ConstantOfShape <value = float[1] {0.5}> (s)
      y = MatMul(x, w)
    """
    assert _params(text) == 21


@pytest.mark.parametrize(
    "way",
    [
        "v = Identity(w)",
        "v = Transpose(w)",
        "v = Cast <to = 1> (w)",
        "f = Flatten(w) u = Identity(f) v = Transpose(u)",
        "v = DequantizeLinear(w, scale)",
        "q = QuantizeLinear(w, scale) v = DequantizeLinear(q, scale)",
    ],
)
def test_behind_what_hands_on_its_data(way):
    dtype = I8 if way.startswith("v = Deq") else F
    found = _params(f"{way} y = MatMul(x, v)", w=(dtype, (3, 3)), scale=(F, ()))
    assert found == 9  # the scale is none


def test_slices_of_one_weight_count_it_once():
    text = """
      a, b = Split <num_outputs = 2, axis = 1> (w)
      c = MatMul(x, a)
      d = MatMul(x, b)
      y = Add(c, d)
    """
    assert _params(text, w=(F, (3, 8))) == 24


def test_a_concat_of_weights_counts_each():
    text = "w = Concat <axis = 1> (u, v, u) y = MatMul(x, w)"
    assert _params(text, u=(F, (3, 2)), v=(F, (3, 1))) == 6 + 3


def test_weights_in_bodies():
    # A captured weight and a branch's own; the branch that is costed is the larger one.
    text = """
      y = If (c) <
        then_branch = then () => (t) { t = MatMul (x, w) },
        else_branch = other () => (e) {
          k = Constant <value = float[3, 3] {1, 2, 3, 4, 5, 6, 7, 8, 9}> ()
          a = MatMul (x, w)
          e = MatMul (a, k)
        }
      >
    """
    assert _params(text, inputs="float[2, 3] x, bool c", w=(F, (3, 3))) == 9 + 9


def test_a_weight_in_a_loop_counts_once():
    text = """
      m = Constant <value = int64 {5}> ()
      y = Loop (m, , x) <
        body = b (int64 i, bool go, float[2, 3] v) => (bool go, next) { next = MatMul (v, w) }
      >
    """
    assert _params(text, w=(F, (3, 3))) == 9


def test_a_weight_that_is_handed_to_a_function():
    functions = '<domain: "d", opset_import: ["" : 21]> F (v, k) => (r) { r = MatMul (v, k) }'
    text = "a = d.F(x, w) b = d.F(a, w) y = d.F(b, u)"
    assert _params(text, functions=functions, w=(F, (3, 3)), u=(F, (3, 1))) == 9 + 3


def test_a_weight_that_a_function_has():
    functions = """
      <domain: "d", opset_import: ["" : 21]>
      F (v) => (r) { k = Constant <value_floats = [1.0, 2.0, 3.0]> () r = Mul (v, k) }
    """
    # Two calls run one body each, so that its constant is there twice over when inlined.
    assert _params("y = d.F(x)", functions=functions) == 3


# --- what is none ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "initializers"),
    [
        ("y = Mul(x, k)", {"k": (F, ())}),  # a scalar
        ("y = Mul(x, k)", {"k": (F, (1, 1))}),
        ("y = Reshape(x, k)", {"k": (I64, (2,))}),  # a shape
        ("y = Tile(x, k)", {"k": (I64, (2,))}),
        ("y = Where(k, x, x)", {"k": (BOOL, (2, 3))}),  # a mask
        ("a = Cast <to = 9> (k) y = Where(a, x, x)", {"k": (U8, (2, 3))}),
        ("y = Gather(x, k)", {"k": (I64, (2,))}),  # indices
        ("y = QuantizeLinear <axis = 1> (x, k, z)", {"k": (F, (3,)), "z": (U8, (3,))}),
        ("y = Clip(x, k, k)", {"k": (F, ())}),
        ("y = Relu(x)", {"k": (F, (2, 3))}),  # nothing reads it
        ("a = Shape(k) y = Reshape(x, a)", {"k": (F, (2, 3))}),  # only its shape is read
        ("c = Cast <to = 7> (x) y = Add(c, k)", {"k": (I64, (2, 3))}),
        ("y = Pad(x, p, k)", {"p": (I64, (4,)), "k": (F, ())}),
    ],
)
def test_what_is_no_parameter(text, initializers):
    assert _params(text, **initializers) == 0


def test_running_statistics_are_none():
    names = ("scale", "bias", "mean", "var")
    channels = dict.fromkeys(names, (F, (3,)))
    assert _params(f"y = BatchNormalization(x, {', '.join(names)})", **channels) == 6


def test_random_numbers_are_none():
    assert _params("r = RandomNormal <shape = [2, 3]> () y = Add(x, r)") == 0


def test_a_table_of_integers_is_none():
    assert _params("y = Gather(k, i)", inputs="int64[2] i", k=(I64, (9, 4))) == 0


def test_what_is_computed_from_constants():
    # w * 2 is computed: w counts where it is read, the scalar doesn't, the result is not stored.
    text = "two = Constant <value_float = 2.0> () v = Mul(w, two) y = MatMul(x, v)"
    assert _params(text, w=(F, (3, 3))) == 9


# --- quantised -------------------------------------------------------------------------------


def test_quantised_weights_and_their_int32_bias():
    text = """
      y = QLinearConv(x, s, z, w, sw, zw, s, z, b)
    """
    found = _params(
        text,
        inputs="uint8[1, 2, 8, 8] x",
        s=(F, ()),
        z=(U8, ()),
        w=(I8, (4, 2, 3, 3)),
        sw=(F, (4,)),
        zw=(I8, (4,)),
        b=(I32, (4,)),
    )
    assert found == 4 * 2 * 9 + 4


def test_sub_byte_weights_count_by_element():
    graph = _graph("v = DequantizeLinear(w, s) y = MatMul(x, v)", s=(F, ()))
    proto = helper.make_tensor("w", TensorProto.INT4, [3, 5], [1] * 15)
    graph.set_initializer(type(graph.constant("s")).from_proto(proto, graph.header.source))
    assert parameters(cost_nodes(infer(graph))) == 15
    # Stored: 15 x 4 bits in 8 bytes, and the scale.
    assert param_bytes(constants(graph)) == 8 + 4


# --- published figures -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("mobilenet_v2", 3_504_872),
        ("resnet18", 11_689_512),
        # Its BatchNormalizations are folded: of 4800 channels the scale is gone.
        ("resnet18_qdq", 11_689_512 - 4800),
        ("shufflenet_v2", 2_278_604),
        ("repvgg_a0", 9_108_968),
        ("gpt2_4l", 21_326_848),
    ],
)
def test_parameters_of_the_samples(name, count):
    assert parameters(cost_nodes(infer(load(f"@{name}")))) == count


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bvlc_alexnet", 60_965_224),
        ("inception_v1", 6_998_552),
        ("resnet50", 25_557_032),
        ("squeezenet", 1_235_496),
        ("vgg19", 143_667_240),
    ],
)
def test_parameters_of_the_models_that_come_with_onnx(name, count):
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    assert parameters(cost_nodes(infer(load(folder / f"light_{name}.onnx")))) == count


# --- bytes -----------------------------------------------------------------------------------


def test_bytes_of_all_constants_as_stored():
    graph = _graph(
        "k = Constant <value = int64[2] {2, 3}> () a = Reshape(x, k) y = MatMul(a, w)",
        w=(TensorProto.FLOAT16, (3, 3)),
        unused=(F, (10,)),
    )
    assert param_bytes(constants(graph)) == 2 * 8 + 9 * 2 + 10 * 4


def test_bytes_of_constants_in_bodies_and_functions():
    functions = """
      <domain: "d", opset_import: ["" : 21]>
      F (v) => (r) { k = Constant <value = float[3] {1, 2, 3}> () r = Mul (v, k) }
    """
    text = """
      a = d.F(x)
      y = If (c) <
        then_branch = then () => (t) { t = Constant <value = double[2] {1, 2}> () },
        else_branch = other () => (e) { e = Constant <value = float[4] {1, 2, 3, 4}> () }
      >
    """
    graph = _graph(text, inputs="float[2, 3] x, bool c", functions=functions)
    assert param_bytes(constants(graph)) == 3 * 4 + 2 * 8 + 4 * 4
    assert [t.size for t in constants(graph)] == [2, 4, 3]


def test_bytes_of_a_sparse_constant_are_its_values_and_indices():
    graph = helper.make_graph([], "g", [], [])
    values = helper.make_tensor("w", F, [2], [1.0, 2.0])
    indices = helper.make_tensor("", I64, [2], [0, 90])
    graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [10, 10]))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    assert param_bytes(constants(from_proto(model))) == 2 * 4 + 2 * 8


def test_stored_strings_take_their_characters():
    graph = _graph("y = Relu(x)")
    proto = helper.make_tensor("s", TensorProto.STRING, [2], [b"a", b"bcd"])
    from ocost.graph import Tensor

    graph.set_initializer(Tensor.from_proto(proto, graph.header.source))
    assert param_bytes(constants(graph)) == 4


def test_numbers_that_a_constant_gives_as_attributes_are_stored_too():
    """Two floats of 4 bytes and three integers of 8."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y, int64[3] k) '
        "{ c = Constant<value_floats = [1.0, 2.0]> () y = Add(x, c) "
        "k = Constant<value_ints = [1, 2, 3]> () }"
    )
    assert param_bytes(constants(from_proto(model))) == 2 * 4 + 3 * 8


def test_weights_of_a_node_that_can_not_be_costed_are_parameters_all_the_same():
    """The rank of x is not known, the weight slot is: 8 x 3 x 3 x 3."""
    weight = numpy_helper.from_array(np.ones((8, 3, 3, 3), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    assert parameters(cost_nodes(infer(from_proto(model)))) == 216
