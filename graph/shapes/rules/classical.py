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
