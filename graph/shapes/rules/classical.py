"""Operators of ai.onnx.ml, as onnxruntime computes them. Samples are the rows of [N, C].

onnx has no inference for some of them, and leaves the shapes of most others open.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from onnx import TypeProto, helper

from ... import dtypes
from ...node import Node
from ..info import Info, ShapeCall, Unresolved, shape_rule
from ._common import like

_ML = "ai.onnx.ml"


def _dims(call: ShapeCall) -> tuple[int | None, ...]:
    """Dims of the input; some may be open."""
    info = call.input(0)
    if info.shape is None:
        raise Unresolved(info.reason or f"the shape of '{call.node.inputs[0]}' is not known")
    return info.shape


def _rows(call: ShapeCall) -> int | None:
    """Samples; a vector is one."""
    dims = _dims(call)
    return dims[0] if len(dims) > 1 else 1


def listed(node: Node, *names: str) -> int:
    """Elements of the first of these list attributes that is there."""
    found = (node.attributes[name] for name in names if name in node.attributes)
    lengths = (len(a.ints) or len(a.floats) or len(a.strings) for a in found)
    return next(filter(None, lengths), 0)


def _labels(node: Node, integers: str) -> tuple[int, int]:
    """Type and number of a classifier's labels."""
    strings = listed(node, "classlabels_strings")
    return (dtypes.STRING, strings) if strings else (dtypes.INT64, listed(node, integers))


def _classified(call: ShapeCall, label: int, scores: int) -> Sequence[Info]:
    rows = _rows(call)
    return [Info(label, (rows,)), Info(dtypes.FLOAT, (rows, scores))]


@shape_rule("Binarizer", "Imputer", domain=_ML)
def imputer(call: ShapeCall) -> Sequence[Info]:
    """Each element is replaced in place."""
    return [like(call)]


@shape_rule("Normalizer", "Scaler", domain=_ML)
def scaler(call: ShapeCall) -> Sequence[Info]:
    """Any number in, float32 out."""
    return [like(call, 0, dtypes.FLOAT)]


@shape_rule("LabelEncoder", domain=_ML)
def label_encoder(call: ShapeCall) -> Sequence[Info]:
    """The input's shape, of the values' type; with ``classes_strings`` strings become integers."""
    node = call.node
    values = node.tensor("values_tensor")
    if values is not None:
        return [like(call, 0, values.data_type)]
    kinds = {"strings": dtypes.STRING, "int64s": dtypes.INT64, "floats": dtypes.FLOAT}
    found = (dtype for kind, dtype in kinds.items() if listed(node, f"values_{kind}"))
    return [like(call, 0, next(found, _other(call)))]


@shape_rule("CategoryMapper", domain=_ML)
def category_mapper(call: ShapeCall) -> Sequence[Info]:
    """Strings become integers, integers strings."""
    return [like(call, 0, _other(call))]


def _other(call: ShapeCall) -> int:
    return dtypes.INT64 if call.input(0).dtype == dtypes.STRING else dtypes.STRING


@shape_rule("OneHotEncoder", domain=_ML)
def one_hot_encoder(call: ShapeCall) -> Sequence[Info]:
    """A dim of all categories behind the input's."""
    categories = listed(call.node, "cats_int64s", "cats_strings")
    return [Info(dtypes.FLOAT, (*_dims(call), categories))]


@shape_rule("ArrayFeatureExtractor", domain=_ML)
def array_feature_extractor(call: ShapeCall) -> Sequence[Info]:
    """The last dim becomes the number of indices; a vector has one row."""
    indices = call.input(1).shape
    if indices is None:
        raise Unresolved(call.input(1).reason or f"the shape of '{call.node.inputs[1]}' is open")
    known = [dim for dim in indices if dim is not None]
    count = prod(known) if len(known) == len(indices) else None
    return [Info(call.input(0).dtype, (*(_dims(call)[:-1] or (1,)), count))]


@shape_rule("FeatureVectorizer", domain=_ML)
def feature_vectorizer(call: ShapeCall) -> Sequence[Info]:
    """Inputs side by side, each as wide as the attribute says."""
    widths = call.node.ints("inputdimensions") or ()
    return [Info(dtypes.FLOAT, (_rows(call), sum(widths)))]


@shape_rule("LinearRegressor", domain=_ML)
def linear_regressor(call: ShapeCall) -> Sequence[Info]:
    """[N, targets]."""
    return [Info(dtypes.FLOAT, (_rows(call), call.node.int("targets", 1)))]


@shape_rule("LinearClassifier", domain=_ML)
def linear_classifier(call: ShapeCall) -> Sequence[Info]:
    """Labels [N] and scores, one an intercept; one score that tells two labels becomes two."""
    label, labels = _labels(call.node, "classlabels_ints")
    scores = listed(call.node, "intercepts") or labels
    return _classified(call, label, 2 if scores == 1 and labels == 2 else scores)


@shape_rule("SVMRegressor", domain=_ML)
def svm_regressor(call: ShapeCall) -> Sequence[Info]:
    """[N, 1]."""
    return [Info(dtypes.FLOAT, (_rows(call), 1))]


@shape_rule("SVMClassifier", domain=_ML)
def svm_classifier(call: ShapeCall) -> Sequence[Info]:
    """Labels [N] and scores, one a class.

    With support vectors and no probabilities, more than two classes have a score for each pair
    of them, as onnxruntime computes it.
    """
    label, labels = _labels(call.node, "classlabels_ints")
    vectors, probabilities = listed(call.node, "vectors_per_class"), listed(call.node, "prob_a")
    pairwise = vectors and not probabilities and labels > 2
    return _classified(call, label, labels * (labels - 1) // 2 if pairwise else labels)


@shape_rule("TreeEnsembleClassifier", domain=_ML)
def tree_ensemble_classifier(call: ShapeCall) -> Sequence[Info]:
    """Labels [N] and scores, one a label."""
    label, labels = _labels(call.node, "classlabels_int64s")
    return _classified(call, label, labels)


@shape_rule("TreeEnsembleRegressor", domain=_ML)
def tree_ensemble_regressor(call: ShapeCall) -> Sequence[Info]:
    """[N, targets], float32 whatever comes in."""
    return [Info(dtypes.FLOAT, (_rows(call), call.node.int("n_targets", 1)))]


@shape_rule("TreeEnsemble", domain=_ML)
def tree_ensemble(call: ShapeCall) -> Sequence[Info]:
    """[N, targets], of the input's type."""
    return [Info(call.input(0).dtype, (_rows(call), call.node.int("n_targets", 1)))]


@shape_rule("ZipMap", domain=_ML)
def zip_map(call: ShapeCall) -> Sequence[Info]:
    """A sequence of N maps, each with an entry a label: the dims are both numbers."""
    key, labels = _labels(call.node, "classlabels_int64s")
    value = helper.make_tensor_type_proto(dtypes.FLOAT, [])
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(key, value))
    return [Info(dtypes.UNDEFINED, (_rows(call), labels), type=maps)]


@shape_rule("DictVectorizer", domain=_ML)
def dict_vectorizer(call: ShapeCall) -> Sequence[Info]:
    """[1, entries of the vocabulary], of the type of the map's values."""
    words = listed(call.node, "string_vocabulary", "int64_vocabulary")
    return [Info(_map(call).value_type.tensor_type.elem_type, (1, words))]


@shape_rule("CastMap", domain=_ML)
def cast_map(call: ShapeCall) -> Sequence[Info]:
    """[1, entries]: as many as ``max_map`` says, or if it is dense as the map has."""
    types = {"TO_FLOAT": dtypes.FLOAT, "TO_INT64": dtypes.INT64, "TO_STRING": dtypes.STRING}
    to = call.node.string("cast_to", "TO_FLOAT")
    if to not in types:
        raise Unresolved(f"CastMap can't cast to '{to}'")
    if call.node.string("map_form", "DENSE") == "SPARSE":
        return [Info(types[to], (1, call.node.int("max_map", 1)))]
    reason = f"the output is as long as the map '{call.node.inputs[0]}' has entries"
    return [Info(types[to], (1, None), reason=reason)]


def _map(call: ShapeCall) -> TypeProto.Map:
    kind = call.input(0).type
    if kind is None or not kind.HasField("map_type"):
        raise Unresolved(f"'{call.node.inputs[0]}' is no map")
    return kind.map_type
