"""Rules of standard operators: whole cases of onnx's suite, bounds, and what is not known."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from ocost.graph.node import Node
from ocost.graph.shapes.info import Info, Quality, ShapeCall, Unresolved, shape_rule, shape_rules
from ocost.graph.shapes.onnx_inference import infer

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
INT_MAX = np.iinfo(np.int64).max

# the engine walks into bodies; pictures and strings are not decoded
LEFT_OUT = {"If", "Loop", "Scan", "ImageDecoder", "StringSplit"}


def answer(call):
    return shape_rules().get((call.node.domain, call.node.op_type), infer)(call)


def answer_or_reason(call):
    """As the engine sees it: a rule that can't tell leaves its outputs open, with a reason."""
    try:
        return list(answer(call))
    except Unresolved as reason:
        return [Info(0, None, reason=str(reason))] * len(call.node.outputs)


def unknown(*dims, dtype=FLOAT):
    return Info(dtype, dims)


def known(*values, dtype=np.int64):
    array = np.array(values, dtype)
    return Info(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape, value=array)


def call(op_type, *inputs, opset=21, outputs=1, domain="", **attributes):
    names = ["" if x is None else f"i{n}" for n, x in enumerate(inputs)]
    made = [f"o{n}" for n in range(outputs)]
    node = Node.make(op_type, names, made, domain=domain, **attributes)
    return ShapeCall(node, list(inputs), opset)


def shapes(op_type, *inputs, **rest):
    """(shape, quality) of each output."""
    return [(i.shape, i.quality) for i in answer(call(op_type, *inputs, **rest))]


def test_every_node_case_is_resolved_where_contents_are_known(node_cases):
    for case in node_cases:
        if case.call.node.op_type in LEFT_OUT:
            continue
        infos = answer(case.call)
        for info, expected in zip(infos, case.expected, strict=False):
            if expected is None:
                continue
            if info.quality == Quality.BOUND:
                assert len(info.resolved) == expected.ndim, case.name
                assert all(np.array(info.resolved) >= expected.shape), case.name
            else:
                assert info.resolved == expected.shape, case.name


def test_every_node_case_is_right_or_explained_where_they_are_not(node_cases):
    explained = set()
    for case in node_cases:
        op_type = case.call.node.op_type
        if op_type in {"If", "Loop", "Scan"}:
            continue
        bare = [i and i._replace(value=None) for i in case.call.inputs]
        infos = answer_or_reason(case.call._replace(inputs=bare))
        for info, expected in zip(infos, case.expected, strict=False):
            if expected is None:
                continue
            if info.resolved is None:
                assert "depends on the contents of" in info.reason, case.name
                explained.add(op_type)
            elif info.quality == Quality.BOUND:
                assert all(np.array(info.resolved) >= expected.shape), case.name
            else:
                assert info.resolved == expected.shape, case.name
    assert {"Reshape", "Expand", "Tile", "Range", "Resize", "Pad", "OneHot"} <= explained


@pytest.mark.parametrize(
    ("op_type", "count", "slot"),
    [
        *[("Reshape", 2, 1), ("Expand", 2, 1), ("Tile", 2, 1), ("Pad", 2, 1)],
        *[("OneHot", 3, 1), ("Range", 3, 2), ("Range", 3, 0), ("ConstantOfShape", 1, 0)],
        *[("ReduceSum", 2, 1), ("Unsqueeze", 2, 1), ("CenterCropPad", 2, 1)],
    ],
)
def test_the_reason_names_the_tensor(op_type, count, slot):
    inputs = [known(1)] * count
    inputs[slot] = unknown(1, dtype=INT64)
    (info,) = answer_or_reason(call(op_type, *inputs))
    assert info.reason == (
        f"the output's shape depends on the contents of 'i{slot}'; "
        f"if that is a graph input, give --value i{slot}=..."
    )


def test_an_input_that_is_not_resolved_gives_its_own_reason():
    open_ended = Info(FLOAT, (None, 4), reason="give --shape x=...")
    (info,) = answer(call("Reshape", open_ended, known(-1)))
    assert info.reason == "give --shape x=..."
    with pytest.raises(Unresolved, match="give --shape x="):
        answer(call("NonZero", open_ended))


def test_non_zero():
    # 2 dims, 3 x 4 = 12 elements
    assert shapes("NonZero", unknown(3, 4)) == [((2, 12), Quality.BOUND)]
    assert shapes("NonZero", unknown(0, 4)) == [((2, 0), Quality.EXACT)]


def test_unique():
    whole, count = ((12,), Quality.BOUND), ((12,), Quality.BOUND)
    assert shapes("Unique", unknown(3, 4)) == [whole, count, ((12,), Quality.EXACT), count]
    assert shapes("Unique", unknown(3, 4), axis=-1) == [
        ((3, 4), Quality.BOUND),
        ((4,), Quality.BOUND),
        ((4,), Quality.EXACT),
        ((4,), Quality.BOUND),
    ]


def test_compress():
    data, condition = unknown(3, 4), unknown(2, dtype=BOOL)
    assert shapes("Compress", data, condition, axis=1) == [((3, 2), Quality.BOUND)]
    assert shapes("Compress", data, unknown(9, dtype=BOOL)) == [((9,), Quality.BOUND)]
    chosen = known(True, False, True, dtype=bool)
    assert shapes("Compress", data, chosen, axis=0) == [((2, 4), Quality.EXACT)]


def test_top_k():
    data = unknown(3, 9)
    exact, bound = ((3, 5), Quality.EXACT), ((3, 9), Quality.BOUND)
    assert shapes("TopK", data, opset=9, k=5) == [exact, exact]
    assert shapes("TopK", data, known(5)) == [exact, exact]
    assert shapes("TopK", data, unknown(1, dtype=INT64)) == [bound, bound]
    assert shapes("TopK", data, known(2), axis=0)[0] == ((2, 9), Quality.EXACT)


def test_non_max_suppression():
    boxes, scores = unknown(2, 100, 4), unknown(2, 5, 100)
    # 2 batches x 5 classes x at most 100 boxes, or the 10 that the limit allows
    assert shapes("NonMaxSuppression", boxes, scores, unknown(dtype=INT64)) == [
        ((1000, 3), Quality.BOUND)
    ]
    assert shapes("NonMaxSuppression", boxes, scores, known(10)) == [((100, 3), Quality.BOUND)]
    assert shapes("NonMaxSuppression", boxes, scores, known(INT_MAX)) == [
        ((1000, 3), Quality.BOUND)
    ]
    assert shapes("NonMaxSuppression", boxes, scores) == [((0, 3), Quality.EXACT)]


def test_string_normalizer():
    words = unknown(1, 7, dtype=TensorProto.STRING)
    assert shapes("StringNormalizer", words) == [((1, 7), Quality.EXACT)]
    assert shapes("StringNormalizer", words, stopwords=["a"]) == [((1, 7), Quality.BOUND)]


SLICES = [
    # starts, ends, axes, steps, expected
    ((0,), (5,), (1,), None, (4, 5)),
    ((0, 2), (2, INT_MAX), None, None, (2, 8)),
    ((-3,), (-1,), (1,), (1,), (4, 2)),
    ((-1,), (-INT_MAX,), (1,), (-3,), (4, 4)),  # 9, 6, 3, 0
    ((1,), (9,), (-1,), (3,), (4, 3)),  # 1, 4, 7
    ((8,), (2,), (1,), (1,), (4, 0)),
]


@pytest.mark.parametrize(("starts", "ends", "axes", "steps", "expected"), SLICES)
def test_slice_of_known_places(starts, ends, axes, steps, expected):
    places = [known(*starts), known(*ends), axes and known(*axes), steps and known(*steps)]
    made = call("Slice", unknown(4, 10), *places)
    assert [(i.shape, i.quality) for i in answer(made)] == [(expected, Quality.EXACT)]
    assert infer(made)[0].shape == expected
    if steps is None:
        made = call("Slice", unknown(4, 10), opset=9, starts=starts, ends=ends, axes=axes)
        assert answer(made)[0].shape == infer(made)[0].shape == expected


OPEN = unknown(1, dtype=INT64)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((OPEN, known(7), known(1)), (4, 7)),  # from wherever to 7
        ((known(3), OPEN, known(1)), (4, 7)),  # 10 - 3
        ((OPEN, OPEN, known(1)), (4, 10)),
        ((OPEN, OPEN, known(1), known(2)), (4, 5)),  # every second of 10
        ((OPEN, OPEN, known(1), known(-4)), (4, 3)),  # 9, 5, 1
        ((known(3), OPEN, known(1), known(-1)), (4, 4)),  # 3, 2, 1, 0
        ((known(0), known(2), known(1), OPEN), (4, 10)),
        ((known(0), known(2), OPEN), (4, 10)),
        ((OPEN, OPEN), (4, 10)),
        ((Info(INT64, None), Info(INT64, None)), (4, 10)),
    ],
)
def test_slice_of_unknown_places_is_bounded(places, expected):
    assert shapes("Slice", unknown(4, 10), *places) == [(expected, Quality.BOUND)]


def test_slice_leaves_an_open_dim_open():
    data = Info(FLOAT, (None, 10), reason="give --shape x=...")
    (info,) = answer(call("Slice", data, known(2), known(5), known(1)))
    assert info.shape == (None, 3)
    assert info.reason == "give --shape x=..."


def test_split():
    data = unknown(4, 10)
    sizes = call("Split", data, known(3, 7), axis=1, outputs=2)
    assert [i.shape for i in answer(sizes)] == [(4, 3), (4, 7)]
    assert (
        shapes("Split", data, unknown(2, dtype=INT64), axis=1, outputs=2)
        == [((4, 10), Quality.BOUND)] * 2
    )


def test_range_of_any_type():
    # (9 - 0) / 2 = 4.5: 0, 2, 4, 6, 8
    assert shapes("Range", known(0), known(9), known(2)) == [((5,), Quality.EXACT)]
    half = [known(x, dtype=np.float16) for x in (1, 0, -0.25)]
    assert shapes("Range", *half) == [((4,), Quality.EXACT)]
    assert shapes("Range", known(3), known(0), known(1)) == [((0,), Quality.EXACT)]


def test_operators_of_the_first_opset():
    for op_type in ("Relu", "Abs", "Sqrt"):
        assert shapes(op_type, unknown(3, 4), opset=1) == [((3, 4), Quality.EXACT)]
    weights = [unknown(4)] * 4
    assert shapes("BatchNormalization", unknown(1, 4, 5), *weights, opset=1)[0][0] == (1, 4, 5)
    assert shapes("GreaterOrEqual", unknown(3, 1), unknown(4), opset=12)[0][0] == (3, 4)


def test_the_mask_of_dropout_is_shaped_as_its_input():
    for opset, dtype in ((1, FLOAT), (7, FLOAT), (10, BOOL), (22, BOOL)):
        out, mask = answer(call("Dropout", unknown(2, 3), opset=opset, outputs=2))
        assert (out.dtype, out.shape) == (FLOAT, (2, 3))
        assert (mask.dtype, mask.shape) == (dtype, (2, 3))


def test_functions_without_inference():
    scale = unknown(4)
    for opset in (18, 21):
        found = shapes("GroupNormalization", unknown(1, 4, 5), scale, scale, opset=opset)
        assert found == [((1, 4, 5), Quality.EXACT)]
    assert shapes("MeanVarianceNormalization", unknown(2, 3, 4))[0][0] == (2, 3, 4)


def test_stft():
    signal = unknown(2, 100, 1)
    # frames of 16 in steps of 8: (100 - 16) // 8 + 1 = 11; one side has 16 // 2 + 1 = 9 bins
    assert shapes("STFT", signal, known(8), None, known(16))[0][0] == (2, 11, 9, 2)
    assert shapes("STFT", signal, known(8), unknown(16))[0][0] == (2, 11, 9, 2)
    assert shapes("STFT", signal, known(8), unknown(16), onesided=0)[0][0] == (2, 11, 16, 2)
    with pytest.raises(Unresolved, match="neither a window nor a frame length"):
        answer(call("STFT", signal, known(8)))


def test_max_unpool():
    x, indices = unknown(1, 1, 2, 2), unknown(1, 1, 2, 2, dtype=INT64)
    shape = known(1, 1, 5, 5)
    window = {"kernel_shape": [2, 2], "strides": [2, 2]}
    assert shapes("MaxUnpool", x, indices, shape, **window)[0][0] == (1, 1, 5, 5)
    assert shapes("MaxUnpool", x, indices, **window)[0][0] == (1, 1, 4, 4)


def test_an_operator_is_registered_once():
    with pytest.raises(ValueError, match="Slice has a shape rule already"):
        shape_rule("Slice")(lambda _: [])
