"""Shapes and types of ai.onnx.ml's operators: those that onnxruntime makes."""

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, TypeProto, helper

from ocost.costmodel.cost import cost_nodes
from ocost.graph import from_proto
from ocost.graph.shapes import Given, infer, prove

ML = "ai.onnx.ml"
FLOAT, DOUBLE, INT64, STRING = (
    getattr(TensorProto, n) for n in ("FLOAT", "DOUBLE", "INT64", "STRING")
)
X, INTS, ONE = np.ones((5, 4), np.float32), np.ones((5, 4), np.int64), np.ones(4, np.float32)
WORDS = np.full((5, 1), "a", object)
ROWS = np.full((1, 3), "a", object)
AT = np.array([[0, 2, 1]])

# A stump: node 0 asks, nodes 1 and 2 are leaves.
STUMP = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [0, 0, 0],
    "nodes_values": [0.5, 0.0, 0.0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
}


def leaves(name, ids, **others):
    leaf = {"ids": ids, "nodeids": [1, 2], "treeids": [0, 0], "weights": [1.0, 2.0]}
    return STUMP | {f"{name}_{column}": values for column, values in leaf.items()} | others


def machine(classes, **others):
    """A support vector machine of two vectors a class."""
    vectors, pairs = 2 * classes, classes * (classes - 1) // 2
    return {
        "support_vectors": [0.1] * 4 * vectors,
        "vectors_per_class": [2] * classes,
        "coefficients": [0.1] * vectors * (classes - 1),
        "rho": [0.1] * pairs,
        "kernel_type": "RBF",
        "kernel_params": [0.1, 0.0, 3.0],
        "classlabels_ints": list(range(classes)),
        **others,
    }


ODDS = {"prob_a": [0.1] * 6, "prob_b": [0.1] * 6}
ROW = {"n_targets": 2, "post_transform": "NONE"}
SPLITS = {
    "n_targets": 2,
    "aggregate_function": 1,
    "post_transform": 0,
    "tree_roots": [0],
    "nodes_featureids": [0],
    "nodes_truenodeids": [0],
    "nodes_trueleafs": [1],
    "nodes_falsenodeids": [1],
    "nodes_falseleafs": [1],
    "leaf_targetids": [0, 1],
    "nodes_modes": helper.make_tensor("m", TensorProto.UINT8, [1], [0]),
}


def splits(dtype):
    return SPLITS | {
        "nodes_splits": helper.make_tensor("s", dtype, [1], [0.5]),
        "leaf_weights": helper.make_tensor("w", dtype, [2], [1.0, 2.0]),
    }


GRAMS = {
    "mode": "TF",
    "min_gram_length": 1,
    "max_gram_length": 1,
    "max_skip_count": 0,
    "ngram_counts": [0],
    "ngram_indexes": [0, 5],
    "pool_strings": ["a", "b"],
}
LINE = {"coefficients": [0.1] * 8, "intercepts": [0.0] * 2}
NAMED = {"classlabels_ints": None, "classlabels_strings": ["a", "b"]}
BARE = {"classlabels_ints": None, "vectors_per_class": None, "n_supports": 4}
THREE = leaves("class", [0, 1], classlabels_int64s=[5, 6, 7])
TABLE = {"cats_int64s": [1, 2], "cats_strings": ["a", "b"]}

# operator, version of ai.onnx.ml, inputs, outputs, attributes
CASES = [
    *[("ArrayFeatureExtractor", 1, [x, AT], 1, {}) for x in (X, ONE, ROWS, X[None])],
    ("ArrayFeatureExtractor", 1, [X, AT.reshape(3)], 1, {}),
    *[("Binarizer", 1, [x], 1, {"threshold": 0.5}) for x in (X, ONE)],
    ("Imputer", 1, [X], 1, {"imputed_value_floats": [1.0] * 4, "replaced_value_float": 0.0}),
    ("Imputer", 1, [INTS], 1, {"imputed_value_int64s": [1] * 4, "replaced_value_int64": 0}),
    *[("Normalizer", 1, [x], 1, {"norm": "L2"}) for x in (X, INTS)],
    *[("Scaler", 1, [x], 1, {"offset": [1.0] * 4, "scale": [2.0] * 4}) for x in (X, INTS, ONE)],
    ("FeatureVectorizer", 1, [X, X], 1, {"inputdimensions": [4, 4]}),
    ("FeatureVectorizer", 1, [ONE], 1, {"inputdimensions": [4]}),
    *[("OneHotEncoder", 1, [x], 1, {"cats_int64s": [0, 1]}) for x in (X, ONE, INTS)],
    ("OneHotEncoder", 1, [WORDS], 1, {"cats_strings": ["a", "b", "c"]}),
    ("CategoryMapper", 1, [WORDS], 1, TABLE),
    ("CategoryMapper", 1, [INTS], 1, TABLE),
    ("LabelEncoder", 1, [WORDS], 1, {"classes_strings": ["a", "b"]}),
    ("LabelEncoder", 1, [INTS], 1, {"classes_strings": ["a", "b"]}),
    ("LabelEncoder", 2, [WORDS], 1, {"keys_strings": ["a"], "values_int64s": [1]}),
    ("LabelEncoder", 2, [INTS], 1, {"keys_int64s": [1], "values_strings": ["a"]}),
    ("LabelEncoder", 3, [INTS], 1, {"keys_int64s": [1], "values_floats": [1.0]}),
    (
        *("LabelEncoder", 4, [INTS], 1),
        {
            "keys_tensor": helper.make_tensor("k", INT64, [1], [1]),
            "values_tensor": helper.make_tensor("v", DOUBLE, [1], [1.0]),
            "default_tensor": helper.make_tensor("d", DOUBLE, [1], [0.0]),
        },
    ),
    ("LinearRegressor", 1, [X], 1, LINE | {"targets": 2}),
    (
        *("LinearClassifier", 1, [INTS], 2),
        LINE | {"classlabels_strings": ["a", "b"]},
    ),
    (
        *("LinearClassifier", 1, [ONE], 2),
        {"coefficients": [0.1] * 4, "intercepts": [0.0], "classlabels_ints": [3, 4]},
    ),
    *[("SVMClassifier", 1, [X], 2, machine(classes)) for classes in (2, 3, 4)],
    ("SVMClassifier", 1, [X], 2, machine(4, **ODDS)),
    ("SVMClassifier", 1, [X], 2, machine(2, **NAMED)),
    ("SVMRegressor", 1, [X], 1, machine(2, **BARE)),
    *[
        ("TreeEnsembleClassifier", version, [x], 2, THREE)
        for version, x in ((1, X), (3, INTS), (3, X.astype(float)))
    ],
    ("TreeEnsembleClassifier", 1, [X], 2, leaves("class", [0, 0], classlabels_strings=["n", "y"])),
    ("TreeEnsembleRegressor", 1, [X], 1, leaves("target", [0, 1], **ROW)),
    ("TreeEnsembleRegressor", 3, [X.astype(float)], 1, leaves("target", [0, 1], **ROW)),
    ("TreeEnsemble", 5, [X], 1, splits(FLOAT)),
    ("TreeEnsemble", 5, [X.astype(float)], 1, splits(DOUBLE)),
    ("ZipMap", 1, [X], 1, {"classlabels_int64s": [1, 2, 3, 4]}),
    ("ZipMap", 1, [ONE], 1, {"classlabels_strings": ["a", "b", "c", "d"]}),
    *[("TfIdfVectorizer", 1, [x], 1, GRAMS) for x in (WORDS, WORDS[0])],
]  # fmt: skip


def _dtype(array):
    return STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)


def _model(op_type, version, inputs, outputs, attributes, dims=None):
    """One node; its outputs are declared without a type, as ``dims`` says its inputs."""
    names, made = [f"x{i}" for i in range(len(inputs))], [f"y{i}" for i in range(outputs)]
    given = {name: value for name, value in attributes.items() if value is not None}
    domain = "" if op_type == "TfIdfVectorizer" else ML
    graph = helper.make_graph(
        [helper.make_node(op_type, names, made, domain=domain, **given)],
        "g",
        [
            helper.make_tensor_value_info(n, _dtype(x), x.shape if dims is None else dims)
            for n, x in zip(names, inputs, strict=True)
        ],
        [helper.make_value_info(name, TypeProto()) for name in made],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, version)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _id(value):
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("op_type", "version", "inputs", "outputs", "attributes"), CASES, ids=_id)
def test_shapes_and_types_are_the_runtime_s(op_type, version, inputs, outputs, attributes):
    model = _model(op_type, version, inputs, outputs, attributes)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options)
    answers = session.run(None, {f"x{i}": x for i, x in enumerate(inputs)})
    shapes = infer(from_proto(model))
    for slot, answer in enumerate(answers):
        info = shapes.get(f"y{slot}")
        if isinstance(answer, list):  # maps
            assert info.shape == (len(answer), len(answer[0]))
            kind = info.type.sequence_type.elem_type.map_type
            assert (kind.key_type == STRING) == isinstance(next(iter(answer[0])), str)
        else:
            assert (info.dtype, info.shape) == (_dtype(answer), answer.shape)
    (costed,) = cost_nodes(shapes)
    assert costed.cost.known, costed.cost.reason


def test_every_operator_is_among_the_cases():
    from onnx.defs import get_all_schemas

    known = {schema.name for schema in get_all_schemas() if schema.domain == ML}
    assert known - {case[0] for case in CASES} == {"CastMap", "DictVectorizer"}  # below


@pytest.mark.parametrize(
    ("op_type", "value", "attributes", "expected"),
    [
        ("DictVectorizer", FLOAT, {"string_vocabulary": ["a", "b", "c"]}, (FLOAT, (1, 3))),
        ("DictVectorizer", INT64, {"string_vocabulary": ["a", "b"]}, (INT64, (1, 2))),
        ("CastMap", FLOAT, {"map_form": "SPARSE", "max_map": 7}, (FLOAT, (1, 7))),
        ("CastMap", STRING, {"cast_to": "TO_INT64", "map_form": "SPARSE"}, (INT64, (1, 1))),
        ("CastMap", FLOAT, {"cast_to": "TO_STRING"}, (STRING, (1, None))),
    ],
)
def test_maps(op_type, value, attributes, expected):
    model = _model(op_type, 1, [X], 1, attributes)
    key = STRING if op_type == "DictVectorizer" else INT64
    entry = helper.make_tensor_type_proto(value, [])
    model.graph.input[0].type.CopyFrom(helper.make_map_type_proto(key, entry))
    shapes = infer(from_proto(model))
    info = shapes.get("y0")
    assert (info.dtype, info.shape) == expected
    (costed,) = cost_nodes(shapes)
    if None in expected[1]:
        assert costed.cost.reason == "the output is as long as the map 'x0' has entries"
    else:
        # an entry read for each element written: a key of 8 or 32 bytes, and the value
        width = {FLOAT: 4, INT64: 8, STRING: 32}
        each = (32 if key == STRING else 8) + width[value]
        words = sum(map(len, attributes.get("string_vocabulary", [])))
        assert costed.cost.read_bytes == expected[1][1] * each + words


def test_a_nameless_open_dim_is_sized():
    """As converters write it: an open batch, outputs declared as scalars."""
    model = _model("TreeEnsembleClassifier", 1, [X], 2, THREE, dims=[None, 4])
    for output, dtype in zip(model.graph.output, (INT64, FLOAT), strict=True):
        output.CopyFrom(helper.make_tensor_value_info(output.name, dtype, []))
    graph = from_proto(model)
    for given in (Given(shapes={"x0": (10, 4)}), Given(dims={"x0[0]": 10})):
        shapes = infer(graph, given)
        assert (shapes.get("y0").shape, shapes.get("y1").shape) == ((10,), (10, 3))
    shapes = prove(graph)
    assert (shapes.get("y0").shape, shapes.get("y1").shape) == ((None,), (None, 3))
