import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ocost.graph.node import Node
from ocost.graph.shapes.fold import fold, fold_functions, folds
from ocost.graph.shapes.info import Info, ShapeCall


def i64(*values):
    return np.array(values, np.int64)


def f32(*values):
    return np.array(values, np.float32)


def info(value):
    value = np.asarray(value)
    return Info(helper.np_dtype_to_tensor_dtype(value.dtype), value.shape, value=value)


def call(op_type, *inputs, opset=21, outputs=1, **attributes):
    """A call on arrays (their contents known), Infos as they are, None left out."""
    names = ["" if x is None else f"i{n}" for n, x in enumerate(inputs)]
    node = Node.make(op_type, names, [f"o{n}" for n in range(outputs)], **attributes)
    known = [x if x is None or isinstance(x, Info) else info(x) for x in inputs]
    return ShapeCall(node, known, opset)


def folded(op_type, *inputs, limit=1000, **rest):
    return fold(call(op_type, *inputs, **rest), limit)


def assert_same(actual, expected):
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    np.testing.assert_allclose(
        actual.astype(np.float64), expected.astype(np.float64), rtol=1e-6, atol=1e-7
    )


@pytest.mark.parametrize("op_type", sorted(fold_functions()))
def test_node_cases_of_the_backend_suite(op_type, node_cases):
    compared = 0
    for case in node_cases:
        node = case.call.node
        if node.op_type != op_type or node.domain:
            continue
        arrays = [i.value for i in case.call.inputs if i is not None] + case.expected
        # numpy itself has no 4-bit, 8-bit float or bfloat16 types; strings decide no shape
        if any(a is not None and (a.dtype.isbuiltin != 1 or a.dtype.kind in "OU") for a in arrays):
            continue
        values = fold(case.call, 1_000_000)
        assert values is not None, case.name
        assert len(values) >= len(node.outputs)
        for actual, expected in zip(values, case.expected, strict=False):
            if expected is not None:
                assert_same(actual, expected)
                compared += 1
    assert compared or op_type == "Scatter"  # deprecated: its cases were removed


A, B = i64(7, -7, 9, 0), i64(2, 2, -4, 5)
M = np.arange(12, dtype=np.int64).reshape(3, 4)
FLOATS = f32(-2.5, -0.5, 0.5, 1.5, 2.5)
TWO = np.array([[3, -1, 3], [2, 3, 0]], np.int64)

# (operator, opset, inputs, attributes)
REFERENCE = [
    *[(op, s, (A, B), {}) for op in ("Add", "Sub", "Mul") for s in (7, 13, 14)],
    *[(op, s, (M, i64(1, 2, 3, 4)), {}) for op in ("Add", "Sub", "Mul") for s in (7, 13)],
    ("Add", 13, (i64(1).reshape(()), M), {}),
    ("Div", 13, (f32(1, 2, 3), f32(2, 0, -4)), {}),
    ("Div", 13, (i64(8, 9), i64(2, 3)), {}),
    ("Pow", 13, (i64(2, 3), i64(3, 2)), {}),
    ("Pow", 13, (f32(2, 3), i64(3, -2)), {}),
    ("Mod", 13, (A, B), {}),
    ("Mod", 13, (A, B), {"fmod": 1}),
    ("Mod", 13, (FLOATS, f32(2, 2, 2, -2, 2)), {"fmod": 1}),
    *[(op, 13, (A, B), {}) for op in ("Equal", "Greater", "Less")],
    *[(op, 16, (A, B), {}) for op in ("GreaterOrEqual", "LessOrEqual")],
    *[(op, 7, (A > 0, B > 0), {}) for op in ("And", "Or", "Xor")],
    *[(op, 18, (M, i64(1, 2, 3, 4)), {}) for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")],
    *[(op, 13, (A,), {}) for op in ("Identity", "Neg", "Abs", "Sign")],
    ("Not", 1, (A > 0,), {}),
    ("BitwiseNot", 18, (A,), {}),
    *[(op, 13, (FLOATS,), {}) for op in ("Floor", "Ceil", "Exp", "Reciprocal", "Relu", "IsNaN")],
    ("Round", 11, (FLOATS,), {}),
    *[(op, 13, (np.abs(FLOATS),), {}) for op in ("Sqrt", "Log")],
    *[(op, 13, (M, i64(5, 5, 5, 5), M[:1]), {}) for op in ("Min", "Max")],
    *[(op, 13, (FLOATS, FLOATS[:1]), {}) for op in ("Sum", "Mean", "Min", "Max")],
    ("IsInf", 10, (f32(1, np.inf, -np.inf, np.nan),), {"detect_negative": 0}),
    ("BitShift", 11, (M.astype(np.uint8), np.uint8([1, 2, 0, 7])), {"direction": "LEFT"}),
    ("BitShift", 11, (M.astype(np.uint32), np.uint32([1, 2, 0, 7])), {"direction": "RIGHT"}),
    ("Where", 16, (M > 3, M, i64(-1)), {}),
    ("Clip", 6, (FLOATS,), {"min": -1.0, "max": 1.0}),
    ("Clip", 13, (A, i64(-3).reshape(()), None), {}),
    ("Clip", 13, (A, None, i64(3).reshape(())), {}),
    *[
        (op, s, (M.astype(np.float32),), {"axes": [1], "keepdims": k})
        for op in ("ReduceProd", "ReduceMax", "ReduceMin", "ReduceMean")
        for s in (11, 13)
        for k in (0, 1)
    ],
    ("ReduceSum", 11, (M,), {"axes": [0], "keepdims": 0}),
    ("ReduceSum", 11, (M,), {}),
    *[(op, 18, (M, i64(0)), {}) for op in ("ReduceProd", "ReduceMax", "ReduceMin", "ReduceSum")],
    *[(op, 18, (M, i64(-1)), {"keepdims": 0}) for op in ("ReduceProd", "ReduceMax")],
    ("ReduceSum", 13, (M, None), {"noop_with_empty_axes": 1}),
    ("ReduceSum", 13, (M.astype(np.int32), None), {"keepdims": 0}),
    ("CumSum", 14, (M, np.int32(1)), {"reverse": 1, "exclusive": 1}),
    ("CumSum", 11, (M, np.int32(-2)), {}),
    # in floats 1 + 1e20 - 1e20 is 0, and inf - inf is none
    ("CumSum", 14, (f32(1, 1e20, np.inf, 2), np.int32(0)), {"exclusive": 1}),
    ("CumSum", 14, (f32(1, 1e20, np.inf, 2), np.int32(-1)), {"exclusive": 1, "reverse": 1}),
    *[
        (op, s, (TWO,), {"axis": 1, "keepdims": k, "select_last_index": last})
        for op in ("ArgMax", "ArgMin")
        for s in (12, 13)
        for k in (0, 1)
        for last in (0, 1)
    ],
    ("TopK", 1, (FLOATS,), {"k": 2}),
    ("TopK", 10, (FLOATS, i64(3)), {}),
    ("TopK", 11, (TWO.astype(np.float32), i64(2)), {"axis": 1, "largest": 0}),
    ("Shape", 13, (M,), {}),
    ("Shape", 15, (M,), {"start": -1}),
    ("Shape", 15, (M,), {"start": 0, "end": -1}),
    ("Shape", 15, (M,), {"start": -9, "end": 9}),
    ("Size", 13, (M,), {}),
    ("ConstantOfShape", 9, (i64(2, 0, 3),), {}),
    ("ConstantOfShape", 9, (i64(),), {}),
    ("ConstantOfShape", 9, (i64(2, 3),), {"value": numpy_helper.from_array(i64(7))}),
    ("EyeLike", 9, (M.astype(np.float32),), {"k": 1}),
    ("EyeLike", 9, (M,), {"k": -1, "dtype": TensorProto.DOUBLE}),
    ("Range", 11, (np.int64(10), np.int64(-3), np.int64(-4)), {}),
    ("Range", 11, (np.float32(0), np.float32(1), np.float32(0.3)), {}),
    ("Range", 11, (np.int32(5), np.int32(5), np.int32(1)), {}),
    *[
        ("Cast", 13, (x,), {"to": to})
        for x in (FLOATS, A, A > 0)
        for to in (TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16)
    ],
    ("CastLike", 15, (FLOATS, A), {}),
    ("Concat", 4, (i64(1), i64(2, 3)), {"axis": 0}),
    ("Concat", 13, (M, M), {"axis": -1}),
    ("Unsqueeze", 11, (A,), {"axes": [0, 2]}),
    ("Unsqueeze", 13, (A, i64(-1, 0)), {}),
    ("Unsqueeze", 13, (np.int64(5), i64(0)), {}),
    ("Squeeze", 11, (M.reshape(1, 3, 1, 4),), {"axes": [0]}),
    ("Squeeze", 13, (M.reshape(1, 3, 1, 4), i64(-2)), {}),
    ("Squeeze", 13, (M.reshape(1, 3, 1, 4),), {}),
    ("Reshape", 5, (M, i64(2, -1)), {}),
    ("Reshape", 13, (M, i64(0, 2, 2)), {}),
    ("Reshape", 14, (M[:0], i64(4, 0)), {"allowzero": 1}),
    ("Flatten", 13, (M.reshape(3, 2, 2),), {"axis": -1}),
    ("Flatten", 13, (M,), {"axis": 0}),
    ("Transpose", 13, (M,), {}),
    ("Transpose", 13, (M.reshape(3, 2, 2),), {"perm": [2, 0, 1]}),
    ("Expand", 13, (M, i64(2, 1, 4)), {}),
    ("Expand", 13, (M, i64(1)), {}),
    ("Tile", 13, (M, i64(2, 3)), {}),
    ("Slice", 9, (M,), {"starts": [0, 1], "ends": [2, 100]}),
    ("Slice", 9, (M,), {"axes": [1], "starts": [-3], "ends": [-1]}),
    ("Slice", 10, (M, i64(1), i64(3), i64(1)), {}),
    ("Slice", 13, (M, i64(-1), i64(-100), i64(1), i64(-2)), {}),
    ("Slice", 13, (M, i64(3), i64(0), i64(-1), i64(-1)), {}),
    ("Slice", 13, (M, i64(0), i64(np.iinfo(np.int64).max), None, i64(2)), {}),
    ("Slice", 13, (M, i64(2), i64(1), i64(0)), {}),
    ("Split", 11, (M,), {"axis": 1, "split": [1, 3], "outputs": 2}),
    ("Split", 13, (M, i64(3, 1)), {"axis": 1, "outputs": 2}),
    ("Split", 13, (M,), {"axis": 1, "outputs": 2}),
    ("Split", 18, (M,), {"axis": 1, "num_outputs": 3, "outputs": 3}),
    ("Pad", 2, (M.astype(np.float32),), {"pads": [1, 0, 0, 2], "value": 3.0}),
    ("Pad", 13, (M, i64(1, 0, 0, 2), np.int64(9)), {}),
    ("Pad", 13, (M, i64(0, 1, 1, 0)), {"mode": "reflect"}),
    ("Pad", 18, (M, i64(1, 2), None, i64(1)), {"mode": "edge"}),
    ("Trilu", 14, (M, np.int64(1)), {}),
    ("Trilu", 14, (M, np.int64(-1)), {"upper": 0}),
    ("Gather", 1, (M, i64(2, 0)), {}),
    ("Gather", 13, (i64(5, 6, 7), np.int64(-1)), {}),
    ("Gather", 13, (M, i64(-1, 1).reshape(2, 1)), {"axis": 1}),
    ("GatherElements", 13, (M, i64(3, -1, 0).reshape(3, 1)), {"axis": 1}),
    ("GatherND", 13, (M, i64(1, 2)), {}),
    ("GatherND", 13, (M.reshape(3, 2, 2), i64(1, 0, 1).reshape(3, 1)), {"batch_dims": 1}),
    ("ScatterND", 16, (A, i64(1, 3).reshape(2, 1), i64(5, 6)), {}),
    ("ScatterND", 16, (A, i64(1, 1).reshape(2, 1), i64(5, 6)), {"reduction": "add"}),
    ("ScatterElements", 16, (M, i64(1, 0).reshape(1, 2), i64(8, 9).reshape(1, 2)), {"axis": 0}),
    ("ScatterElements", 11, (A, i64(-1), i64(8)), {}),
    ("NonZero", 13, (TWO,), {}),
    ("Compress", 11, (M, np.array([True, False, True])), {"axis": 0}),
    ("Compress", 11, (M, np.array([True, False, True])), {}),
    ("OneHot", 11, (i64(0, -1, 9), np.int64(3), i64(-5, 5)), {}),
    ("OneHot", 11, (i64(0, 1), np.int64(3), f32(0, 1)), {"axis": 0}),
]


@pytest.mark.parametrize(
    ("op_type", "opset", "inputs", "attributes"),
    REFERENCE,
    ids=[f"{n}-{case[0]}-{case[1]}" for n, case in enumerate(REFERENCE)],
)
def test_same_as_the_reference_evaluator(op_type, opset, inputs, attributes):
    made = call(op_type, *inputs, opset=opset, **attributes)
    actual = fold(made, 1000)
    names = {n: np.asarray(x) for n, x in zip(made.node.inputs, inputs, strict=True) if n}
    graph = helper.make_graph(
        [made.node.as_proto()],
        "g",
        [helper.make_tensor_value_info(n, info(x).dtype, x.shape) for n, x in names.items()],
        [helper.make_tensor_value_info(n, 0, None) for n in made.node.outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    with np.errstate(all="ignore"):
        expected = ReferenceEvaluator(model).run(None, names)
    assert actual is not None
    assert len(actual) >= len(expected)
    for a, e in zip(actual, expected, strict=False):
        assert_same(a, np.asarray(e))


def test_integer_division_truncates_towards_zero():
    # 7/2 = 3.5 -> 3, -7/2 = -3.5 -> -3, 9/-4 = -2.25 -> -2, 0/5 = 0
    (value,) = folded("Div", A, B)
    assert value.tolist() == [3, -3, -2, 0]
    assert value.dtype == np.int64


def test_a_binary_operator_before_opset_7_aligns_at_its_axis():
    # b has the dims of a from axis 0 on, so it goes down the rows
    (value,) = folded("Add", M, i64(10, 20, 30), opset=6, broadcast=1, axis=0)
    assert value[:, 0].tolist() == [10, 24, 38]


def test_forms_of_the_oldest_opsets():
    (value,) = folded("Cast", FLOATS, opset=1, to="INT64")
    assert value.tolist() == [-2, 0, 0, 1, 2]  # towards zero
    (value,) = folded("Concat", M, M, opset=1)
    assert value.shape == (3, 8)  # axis 1 was the default
    (value,) = folded("Reshape", M, opset=1, shape=[-1, 6])
    assert value.shape == (2, 6)
    (value,) = folded("Pad", M, opset=1, paddings=[1, 0, 0, 0])
    assert value.shape == (4, 4)
    (value,) = folded("Tile", M, np.float32(2), np.float32(1), opset=1)
    assert value.shape == (3, 8)
    (value,) = folded("Scatter", A, i64(1), i64(5), opset=9)
    assert value.tolist() == [7, 5, 9, 0]


def test_constants():
    tensor = numpy_helper.from_array(M, "m")
    assert folded("Constant", value=tensor)[0].tolist() == M.tolist()
    assert_same(folded("Constant", value_int=3)[0], np.array(3, np.int64))
    assert_same(folded("Constant", value_ints=[3, 4])[0], i64(3, 4))
    assert_same(folded("Constant", value_float=0.5)[0], np.array(0.5, np.float32))
    assert_same(folded("Constant", value_floats=[0.5])[0], f32(0.5))
    assert folded("Constant", value_string="x") is None
    tensor.data_location = TensorProto.EXTERNAL
    assert folded("Constant", value=tensor) is None
    assert folded("Constant", value=numpy_helper.from_array(M), limit=11) is None


def test_a_negative_pad_crops():
    (value,) = folded("Pad", i64(1, 2, 3), i64(-1, 2), np.int64(0))
    assert value.tolist() == [2, 3, 0, 0]


def test_shape_needs_the_shape_alone():
    x = Info(TensorProto.FLOAT, (2, None, 3))
    assert folded("Shape", x) is None
    (value,) = folded("Shape", x, start=2)
    assert value.tolist() == [3]
    assert folded("Size", x) is None
    assert folded("Size", Info(TensorProto.FLOAT, (1000, 1000)))[0] == 1_000_000
    assert folded("Shape", Info(TensorProto.FLOAT, None)) is None
    (value,) = folded("EyeLike", Info(TensorProto.FLOAT, (2, 2)))
    assert value.dtype == np.float32
    (value,) = folded("CastLike", A, Info(TensorProto.BOOL, (1,)))
    assert value.tolist() == [True, True, True, False]


def test_an_unknown_input_is_not_folded():
    unknown = Info(TensorProto.INT64, (4,))
    assert folded("Add", A, unknown) is None
    assert folded("Reshape", M, unknown) is None
    assert folded("Clip", A, None, unknown) is None


HUGE = 10**12


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes"),
    [
        ("Expand", (i64(1), i64(HUGE)), {}),
        ("Expand", (i64(1), i64(HUGE, HUGE, HUGE)), {}),
        ("Tile", (i64(1), i64(HUGE)), {}),
        ("Range", (np.int64(0), np.int64(HUGE), np.int64(1)), {}),
        ("ConstantOfShape", (i64(HUGE),), {}),
        ("Pad", (i64(1), i64(0, HUGE)), {}),
        ("OneHot", (i64(0), np.int64(HUGE), i64(0, 1)), {}),
        ("OneHot", (i64(), np.int64(HUGE), i64(0, 1)), {}),
        ("EyeLike", (Info(TensorProto.FLOAT, (10**6, 10**6)),), {}),
        ("Gather", (np.zeros((1, 900), np.int64), np.zeros(900, np.int64)), {}),
        ("GatherND", (np.zeros((1, 900), np.int64), np.zeros((900, 1), np.int64)), {}),
        ("Add", (np.zeros((900, 1), np.int64), np.zeros(900, np.int64)), {}),
        ("Where", (np.zeros((900, 1), bool), np.zeros(900, np.int64), i64(1)), {}),
        ("Concat", (np.zeros(900, np.int64), np.zeros(900, np.int64)), {"axis": 0}),
    ],
)
def test_too_large_an_output_is_not_made(op_type, inputs, attributes):
    assert folded(op_type, *inputs, **attributes) is None


def test_the_limit_itself_is_allowed():
    assert folded("ConstantOfShape", i64(10, 10), limit=100) is not None
    assert folded("ConstantOfShape", i64(10, 10), limit=99) is None


@pytest.mark.parametrize(
    ("op_type", "inputs", "attributes"),
    [
        ("Add", (), {}),
        ("Add", (i64(1, 2), i64(1, 2, 3)), {}),
        ("Div", (A, i64(0)), {}),
        ("Mod", (A, i64(0)), {}),
        ("Pow", (A, i64(-1)), {}),
        ("Sqrt", (A,), {}),
        ("Cast", (f32(np.nan),), {"to": TensorProto.INT64}),
        ("Cast", (f32(2**63),), {"to": TensorProto.INT64}),  # one too large
        ("Cast", (f32(-1),), {"to": TensorProto.UINT8}),
        ("Cast", (FLOATS,), {"to": TensorProto.FLOAT8E5M2}),
        ("Cast", (FLOATS,), {"to": TensorProto.STRING}),
        ("Cast", (np.array(["1"], object),), {"to": TensorProto.INT64}),
        ("Cast", (FLOATS,), {}),
        ("CastLike", (A, Info(TensorProto.STRING, (1,))), {}),
        ("Reshape", (M, i64(5, -1)), {}),
        ("Reshape", (M, i64(0, 0, 0)), {}),
        ("Reshape", (M,), {}),
        ("Gather", (A, i64(9)), {}),
        ("Gather", (np.int64(1), i64(0)), {}),
        ("Unsqueeze", (A, i64(5)), {}),
        ("Unsqueeze", (A,), {}),
        ("Squeeze", (M, i64(0)), {}),
        ("Slice", (M, i64(0)), {}),
        ("Slice", (M, i64(0), i64(1), i64(0), i64(0)), {}),
        ("Slice", (M, i64(0), i64(1), i64(7)), {}),
        ("Split", (M, i64(1, 1)), {"axis": 1, "outputs": 2}),
        ("Split", (M,), {"axis": 1, "outputs": 0}),
        ("Range", (np.int64(0), np.int64(9), np.int64(0)), {}),
        ("Pad", (M, i64(1)), {}),
        ("Tile", (M, i64(2)), {}),
        ("Expand", (M, i64(5)), {}),
        ("Transpose", (M,), {"perm": [0, 0]}),
        ("Concat", (M, A), {"axis": 0}),
        ("ConstantOfShape", (i64(-1),), {}),
        ("TopK", (A, i64(9)), {}),
        ("ScatterND", (A, i64(9).reshape(1, 1), i64(1)), {}),
        ("ScatterElements", (A, i64(0), i64(1)), {"reduction": "?"}),
        ("OneHot", (A, np.int64(3), i64(1)), {}),
        ("EyeLike", (A,), {}),
        ("ReduceMean", (f32(),), {}),
        ("Constant", (), {}),
    ],
)
def test_malformed_nodes_are_not_folded(op_type, inputs, attributes):
    assert folded(op_type, *inputs, **attributes) is None


def test_other_operators_and_domains_are_not_folded():
    assert folded("Conv", M, M) is None
    assert folded("Add", A, B, domain="com.microsoft") is None


def test_an_operator_is_registered_once():
    with pytest.raises(ValueError, match="Add has a fold function already"):
        folds("Add")(lambda call: call.value(0))


NAN = f32(1, np.nan, 3)


@pytest.mark.parametrize(
    ("op_type", "inputs"),
    [
        ("ReduceMax", (NAN,)),
        ("ReduceMin", (NAN,)),
        ("ArgMax", (NAN,)),
        ("ArgMin", (NAN,)),
        ("TopK", (NAN, i64(2))),
    ],
)
def test_nan_is_not_compared(op_type, inputs):
    """What is the largest beside NaN depends on the order in which a runtime compares."""
    assert folded(op_type, *inputs) is None


@pytest.mark.parametrize("reduction", ["max", "min"])
def test_nan_is_not_scattered_by_size(reduction):
    assert folded("ScatterElements", NAN, i64(1), f32(2), reduction=reduction) is None
    assert folded("ScatterElements", f32(1, 2), i64(1), f32(np.nan), reduction=reduction) is None


@pytest.mark.parametrize(
    ("op_type", "x"),
    [
        ("ReduceSum", np.array([2**31 - 1, 1], np.int32)),
        ("ReduceSum", i64(2**53, 1)),  # onnxruntime adds in float64
        ("ReduceProd", np.array([2**16, 2**16], np.int32)),
        ("ReduceProd", i64(2**40, 2**40)),
    ],
)
def test_integers_that_would_wrap_or_round_are_not_summed(op_type, x):
    assert folded(op_type, x) is None
    assert folded(op_type, x // 2**20) is not None


@pytest.mark.parametrize("opset", [6, 21])
def test_a_clip_without_bounds_makes_infinities_finite(opset):
    (made,) = folded("Clip", f32(np.inf, -np.inf, 1), opset=opset)
    largest = np.finfo(np.float32).max
    assert made.tolist() == [largest, -largest, 1]
