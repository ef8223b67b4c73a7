"""ai.onnx.ml operators that onnx has no inference for. Samples are the rows of [N, C]."""

from __future__ import annotations

from collections.abc import Sequence

from ... import dtypes
from ..info import Info, ShapeCall, shape_rule
from ._common import like

_ML = "ai.onnx.ml"


def _samples(call: ShapeCall) -> int:
    """Rows; a vector is one sample."""
    dims = call.shape(0)
    return dims[0] if len(dims) > 1 else 1


@shape_rule("Imputer", domain=_ML)
def imputer(call: ShapeCall) -> Sequence[Info]:
    """Missing values are replaced in place."""
    return [like(call)]


@shape_rule("Normalizer", "Scaler", domain=_ML)
def scaler(call: ShapeCall) -> Sequence[Info]:
    """Any number in, float32 out."""
    return [like(call, 0, dtypes.FLOAT)]


@shape_rule("LinearRegressor", domain=_ML)
def linear_regressor(call: ShapeCall) -> Sequence[Info]:
    """[N, targets]."""
    return [Info(dtypes.FLOAT, (_samples(call), call.node.int("targets", 1)))]


@shape_rule("TreeEnsembleRegressor", domain=_ML)
def tree_ensemble_regressor(call: ShapeCall) -> Sequence[Info]:
    """[N, targets]."""
    return [Info(dtypes.FLOAT, (_samples(call), call.node.int("n_targets", 1)))]


@shape_rule("SVMRegressor", domain=_ML)
def svm_regressor(call: ShapeCall) -> Sequence[Info]:
    """[N, 1]."""
    return [Info(dtypes.FLOAT, (_samples(call), 1))]


@shape_rule("FeatureVectorizer", domain=_ML)
def feature_vectorizer(call: ShapeCall) -> Sequence[Info]:
    """Inputs side by side, each as wide as the attribute says."""
    widths = call.node.ints("inputdimensions") or ()
    return [Info(dtypes.FLOAT, (_samples(call), sum(widths)))]


@shape_rule("SVMClassifier", domain=_ML)
def svm_classifier(call: ShapeCall) -> Sequence[Info]:
    """Labels [N] and scores, one a class.

    With support vectors and no probabilities, more than two classes have a score for each pair
    of them, as onnxruntime computes it.
    """
    node, rows = call.node, _samples(call)
    names = node.attributes.get("classlabels_strings")
    labels = len(names.strings) if names is not None else len(node.ints("classlabels_ints") or ())
    pairwise = node.ints("vectors_per_class") and "prob_a" not in node.attributes
    scores = labels * (labels - 1) // 2 if pairwise and labels > 2 else labels
    dtype = dtypes.INT64 if names is None else dtypes.STRING
    return [Info(dtype, (rows,)), Info(dtypes.FLOAT, (rows, scores))]
