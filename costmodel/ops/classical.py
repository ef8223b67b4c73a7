"""Linear models, support vectors and feature encoders of ai.onnx.ml.

Coefficients and tables are attributes: neither traffic nor parameters.
"""

from __future__ import annotations

from ...graph.dtypes import FLOAT
from ..kinds import Kind
from ..work import Call, Unknown, Work, formula

_DOMAIN = "ai.onnx.ml"

# An element, in the order of TreeEnsemble's numbers. SOFTMAX_ZERO leaves zeros as they are.
POST_TRANSFORM_FLOPS = {"NONE": 0, "SOFTMAX": 5, "LOGISTIC": 1, "SOFTMAX_ZERO": 5, "PROBIT": 1}


def post_transform_flops(call: Call) -> int:
    """FLOP a score of the attribute ``post_transform``."""
    name = call.node.string("post_transform", "NONE")
    if name not in POST_TRANSFORM_FLOPS:
        raise Unknown(f"{call.node.op_type} has no post_transform '{name}'")
    return POST_TRANSFORM_FLOPS[name]


def _samples(call: Call) -> tuple[int, int]:
    """Samples and features of X [N, F] or [F]."""
    *batch, features = call.input(0).shape
    return (batch[0] if batch else 1), features


def _count(call: Call, attribute: str) -> int:
    """Elements of an attribute of floats."""
    found = call.node.attributes.get(attribute)
    return 0 if found is None else len(found.floats)


@formula("LinearClassifier", "LinearRegressor", domain=_DOMAIN)
def linear(call: Call) -> Work:
    """macs: samples x coefficients; flops: twice that, an intercept and post_transform a score."""
    samples, features = _samples(call)
    coefficients = _count(call, "coefficients")
    scores = coefficients // max(features, 1)
    macs = samples * coefficients
    flops = 2 * macs + samples * _count(call, "intercepts")
    flops += samples * scores * post_transform_flops(call)
    return Work(Kind.CLASSICAL, macs=macs, flops=flops, dtype=FLOAT)


def _kernel_flops(call: Call, features: int) -> int:
    """FLOP of a support vector machine's kernel between two vectors."""
    kernel = call.node.string("kernel_type", "LINEAR")
    each = {
        "LINEAR": 2 * features,
        "POLY": 2 * features + 3,  # multiply, add, Pow
        "SIGMOID": 2 * features + 3,  # multiply, add, Tanh
        "RBF": 3 * features + 2,  # subtract, square, add; multiply, Exp
    }
    if kernel not in each:
        raise Unknown(f"{call.node.op_type} has no kernel '{kernel}'")
    return each[kernel]


@formula("SVMClassifier", domain=_DOMAIN)
def svm_classifier(call: Call) -> Work:
    """A sample: a kernel a vector, 2 (classes - 1) a vector, 1 a pair of classes (4 with prob_a).

    LINEAR takes 2 a feature, POLY and SIGMOID 3 more, RBF 3 a feature and 2. A pair adds its
    rho; probabilities take multiply, add, logistic a pair, their coupling is not counted.
    Without vectors, a product with the coefficients and the rho.
    """
    samples, features = _samples(call)
    per_class = call.node.ints("vectors_per_class") or ()
    if not per_class:
        scores = _count(call, "rho")
        each = 2 * _count(call, "coefficients") + scores
    else:
        vectors, classes = sum(per_class), len(per_class)
        scores = classes * (classes - 1) // 2
        each = vectors * (_kernel_flops(call, features) + 2 * (classes - 1))
        each += scores * (4 if _count(call, "prob_a") else 1)
    each += scores * post_transform_flops(call)
    return Work(Kind.CLASSICAL, flops=samples * each, dtype=FLOAT)


@formula("SVMRegressor", domain=_DOMAIN)
def svm_regressor(call: Call) -> Work:
    """A sample: a kernel and 2 a vector, 1 for rho, 1 for the sign of a one-class machine.

    Kernels as for SVMClassifier; without vectors, a product with the coefficients.
    """
    samples, features = _samples(call)
    vectors = call.node.int("n_supports", 0)
    if vectors:
        each = vectors * (_kernel_flops(call, features) + 2)
    else:
        each = 2 * _count(call, "coefficients")
    each += 1 + (call.node.int("one_class", 0) != 0) + post_transform_flops(call)
    return Work(Kind.CLASSICAL, flops=samples * each, dtype=FLOAT)


@formula("Scaler", domain=_DOMAIN)
def scaler(call: Call) -> Work:
    """2 an element: subtract, multiply."""
    return Work(Kind.ELEMENTWISE, flops=2 * call.output().size, dtype=FLOAT)


@formula("Binarizer", "Imputer", domain=_DOMAIN)
def compare(call: Call) -> Work:
    """1 an element: compare."""
    return Work(Kind.ELEMENTWISE, flops=call.output().size)


@formula("Normalizer", domain=_DOMAIN)
def normalizer(call: Call) -> Work:
    """MAX 2, L1 and L2 3 an element less 1 a row; L2 1 a row: (map,) reduce, divide, root."""
    x = call.input(0)
    rows, _ = _samples(call)
    norm = call.node.string("norm", "MAX")
    flops = (2 if norm == "MAX" else 3) * x.size - rows + (rows if norm == "L2" else 0)
    return Work(Kind.NORMALISATION, flops=flops, dtype=FLOAT)


@formula("LabelEncoder", "OneHotEncoder", domain=_DOMAIN)
def look_up(_: Call) -> Work:
    """0: looks each element up in a table."""
    return Work(Kind.INDEXING)


@formula("FeatureVectorizer", domain=_DOMAIN)
def feature_vectorizer(_: Call) -> Work:
    """0: copies its inputs side by side."""
    return Work(Kind.LAYOUT)


@formula("TfIdfVectorizer")
def tf_idf_vectorizer(call: Call) -> Work:
    """1 an n-gram of the input, for each length and skip: count it; weights 1 an output element.

    A row of L has L - (n - 1)(skip + 1) n-grams. At most: only those of the pool are counted.
    """
    node, out = call.node, call.output()
    rows, length = _samples(call)
    grams = 0
    for n in range(node.int("min_gram_length", 1), node.int("max_gram_length", 1) + 1):
        skips = node.int("max_skip_count", 0) + 1 if n > 1 else 1
        grams += sum(max(length - (n - 1) * (skip + 1), 0) for skip in range(skips))
    weighted = _count(call, "weights") and node.string("mode", "TF") != "TF"
    flops = rows * grams + (out.size if weighted else 0)
    return Work(Kind.INDEXING, flops=flops, dtype=FLOAT)
