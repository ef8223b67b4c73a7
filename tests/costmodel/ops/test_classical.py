from __future__ import annotations

import pytest
from onnx import TensorProto

from ocost.costmodel.kinds import KernelKind
from ocost.costmodel.work import Unknown

ML = "ai.onnx.ml"
INT64 = TensorProto.INT64
X = (10, 4)  # 10 samples of 4 features
LABELS = (INT64, (10,))


def test_linear_regressor(work):
    answer = work(
        "LinearRegressor",
        [X],
        [(10, 2)],
        domain=ML,
        coefficients=[0.5] * 8,
        intercepts=[0.1, 0.2],
        targets=2,
    )
    # 10 x 8 macs; 2 x 80 + 10 x 2 intercepts
    assert (answer.macs, answer.flops, answer.kind) == (80, 180, KernelKind.CLASSICAL)


def test_linear_classifier(work):
    answer = work(
        "LinearClassifier",
        [X],
        [LABELS, (10, 3)],
        domain=ML,
        coefficients=[0.5] * 12,
        intercepts=[0.1] * 3,
        post_transform="SOFTMAX",
    )
    # 2 x 120 + 30 intercepts + 5 x 30
    assert (answer.macs, answer.flops) == (120, 420)


def test_linear_model_of_one_sample(work):
    answer = work("LinearRegressor", [(4,)], [(1, 1)], domain=ML, coefficients=[0.5] * 4)
    assert answer.flops == 8


def test_unknown_post_transform(work):
    with pytest.raises(Unknown, match="CUBE"):
        work("LinearRegressor", [X], [(10, 1)], domain=ML, post_transform="CUBE")


@pytest.mark.parametrize(
    ("kernel", "flops"),
    [
        # 10 samples x 6 vectors x (kernel + Mul, Add for each of 2 other classes), 10 x 3 rho
        ("LINEAR", 750),  # kernel 2 x 4 = 8: 10 x 6 x 12 + 30
        ("POLY", 930),  # 11: 10 x 6 x 15 + 30
        ("SIGMOID", 930),
        ("RBF", 1110),  # 3 x 4 + 2 = 14: 10 x 6 x 18 + 30
    ],
)
def test_svm_classifier(work, kernel, flops):
    answer = work(
        "SVMClassifier",
        [X],
        [LABELS, (10, 3)],
        domain=ML,
        kernel_type=kernel,
        vectors_per_class=[1, 2, 3],
    )
    assert (answer.flops, answer.macs) == (flops, 0)


def test_svm_classifier_with_probabilities(work):
    answer = work(
        "SVMClassifier",
        [X],
        [LABELS, (10, 3)],
        domain=ML,
        kernel_type="RBF",
        vectors_per_class=[1, 2, 3],
        prob_a=[1.0] * 3,
        prob_b=[1.0] * 3,
    )
    # 10 x 6 x 18 + 10 x 3 pairs x (rho, Mul, Add, logistic)
    assert answer.flops == 1200


def test_svm_classifier_without_vectors(work):
    answer = work(
        "SVMClassifier", [X], [LABELS, (10, 3)], domain=ML, coefficients=[1.0] * 12, rho=[0.0] * 3
    )
    # 10 x (2 x 12 + 3)
    assert answer.flops == 270


def test_unknown_kernel(work):
    with pytest.raises(Unknown, match="TREE"):
        work("SVMRegressor", [X], [(10, 1)], domain=ML, kernel_type="TREE", n_supports=3)


@pytest.mark.parametrize(
    ("attributes", "flops"),
    [
        ({"kernel_type": "RBF", "n_supports": 6}, 970),  # 10 x (6 x (14 + 2) + 1)
        ({"kernel_type": "RBF", "n_supports": 6, "one_class": 1}, 980),
        ({"coefficients": [1.0] * 4}, 90),  # 10 x (2 x 4 + 1)
    ],
)
def test_svm_regressor(work, attributes, flops):
    assert work("SVMRegressor", [X], [(10, 1)], domain=ML, **attributes).flops == flops


@pytest.mark.parametrize(
    ("op_type", "attributes", "flops"),
    [
        ("Scaler", {}, 80),  # (Sub, Mul) x 40
        ("Binarizer", {}, 40),
        ("Imputer", {}, 40),
        ("Normalizer", {"norm": "MAX"}, 70),  # 40 - 10 comparisons + 40 Div
        ("Normalizer", {"norm": "L1"}, 110),  # 40 Abs + 30 + 40 Div
        ("Normalizer", {"norm": "L2"}, 120),  # 40 Mul + 30 + 10 Sqrt + 40 Div
        ("LabelEncoder", {}, 0),
        ("OneHotEncoder", {}, 0),
        ("FeatureVectorizer", {}, 0),
    ],
)
def test_features(work, op_type, attributes, flops):
    assert work(op_type, [X], [X], domain=ML, **attributes).flops == flops


def test_tf_idf(work):
    answer = work(
        "TfIdfVectorizer",
        [(INT64, (2, 10))],
        [(2, 7)],
        min_gram_length=1,
        max_gram_length=3,
        max_skip_count=1,
        mode="TFIDF",
        weights=[1.0] * 7,
    )
    # a row: 10 single ones, 9 and 8 pairs, 8 and 6 triples = 41; 2 rows; 14 products
    assert answer.flops == 96
