"""Linear models, support vectors and feature encoders of ai.onnx.ml.

Coefficients and tables are attributes: constants that are read like others. A look-up reads an
entry of its table for each element, at most the whole table.
"""

from __future__ import annotations

from ...graph.dtypes import FLOAT
from ..kinds import KernelKind
from ..work import Call, Unknown, Work, formula
from .attributes import list_bytes, list_length, share

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
    return list_length(call.node, attribute)


def labels_read(call: Call, samples: int, *names: str) -> int:
    """Bytes of the labels that a classifier gives out, one a sample."""
    count = max(list_length(call.node, name) for name in names)
    return share(list_bytes(call.node, *names), samples, count)


_LABELS = ("classlabels_ints", "classlabels_strings")
_LINEAR = ("coefficients", "intercepts")


@formula("LinearClassifier", "LinearRegressor", domain=_DOMAIN, attributes=_LINEAR)
def linear(call: Call) -> Work:
    """macs: samples x coefficients; flops: twice that, an intercept and post_transform a score."""
    samples, features = _samples(call)
    coefficients = _count(call, "coefficients")
    scores = coefficients // max(features, 1)
    macs = samples * coefficients
    flops = 2 * macs + samples * _count(call, "intercepts")
    flops += samples * scores * post_transform_flops(call)
    read = list_bytes(call.node, *_LINEAR) + labels_read(call, samples, *_LABELS)
    return Work(KernelKind.CLASSICAL, macs=macs, flops=flops, dtype=FLOAT, attribute_bytes=read)


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


_VECTORS = ("support_vectors", "coefficients", "rho", "prob_a", "prob_b")


def _vectors_read(call: Call) -> int:
    return list_bytes(call.node, *_VECTORS, "kernel_params", "vectors_per_class")


@formula("SVMClassifier", domain=_DOMAIN, attributes=_VECTORS)
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
    read = _vectors_read(call) + labels_read(call, samples, *_LABELS)
    return Work(KernelKind.CLASSICAL, flops=samples * each, dtype=FLOAT, attribute_bytes=read)


@formula("SVMRegressor", domain=_DOMAIN, attributes=_VECTORS)
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
    read = _vectors_read(call)
    return Work(KernelKind.CLASSICAL, flops=samples * each, dtype=FLOAT, attribute_bytes=read)


_SCALES = ("offset", "scale")


@formula("Scaler", domain=_DOMAIN, attributes=_SCALES)
def scaler(call: Call) -> Work:
    """2 an element: subtract, multiply."""
    read = list_bytes(call.node, *_SCALES)
    flops = 2 * call.output().size
    return Work(KernelKind.ELEMENTWISE, flops=flops, dtype=FLOAT, attribute_bytes=read)


@formula("Binarizer", "Imputer", domain=_DOMAIN)
def compare(call: Call) -> Work:
    """1 an element: compare."""
    read = list_bytes(call.node, "imputed_value_floats", "imputed_value_int64s")
    return Work(KernelKind.ELEMENTWISE, flops=call.output().size, attribute_bytes=read)


@formula("Normalizer", domain=_DOMAIN)
def normalizer(call: Call) -> Work:
    """MAX 2, L1 and L2 3 an element less 1 a row; L2 1 a row: (map,) reduce, divide, root."""
    x = call.input(0)
    rows, _ = _samples(call)
    norm = call.node.string("norm", "MAX")
    flops = (2 if norm == "MAX" else 3) * x.size - rows + (rows if norm == "L2" else 0)
    return Work(KernelKind.NORMALISATION, flops=flops, dtype=FLOAT)


_TYPES = ("strings", "int64s", "floats", "tensor")
_TABLES = (
    "classes_strings",
    *(f"{side}_{t}" for side in ("keys", "values", "cats") for t in _TYPES),
)


@formula("LabelEncoder", "OneHotEncoder", "CategoryMapper", domain=_DOMAIN)
def look_up(call: Call) -> Work:
    """0: looks each element up in a table."""
    entries = max(list_length(call.node, name) for name in _TABLES)
    read = share(list_bytes(call.node, *_TABLES), call.input(0).size, entries)
    return Work(KernelKind.INDEXING, attribute_bytes=read)


@formula("ZipMap", domain=_DOMAIN)
def zip_map(call: Call) -> Work:
    """0: copies each score to an entry of a map, its label beside it."""
    read = list_bytes(call.node, "classlabels_int64s", "classlabels_strings")
    return Work(KernelKind.LAYOUT, attribute_bytes=read)


@formula("DictVectorizer", domain=_DOMAIN, maps=True)
def dict_vectorizer(call: Call) -> Work:
    """0: looks each word of the vocabulary up in the map, which has at most those entries."""
    read = list_bytes(call.node, "string_vocabulary", "int64_vocabulary")
    return Work(KernelKind.INDEXING, reads={0: call.output().size}, attribute_bytes=read)


@formula("CastMap", domain=_DOMAIN, maps=True)
def cast_map(call: Call) -> Work:
    """0: a conversion is no arithmetic; reads an entry of the map for each element, at most."""
    return Work(KernelKind.INDEXING, reads={0: call.output().size})


@formula("FeatureVectorizer", domain=_DOMAIN)
def feature_vectorizer(_: Call) -> Work:
    """0: copies its inputs side by side."""
    return Work(KernelKind.LAYOUT)


@formula("TfIdfVectorizer", attributes=("weights",))
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
    entries = list_length(node, "ngram_indexes")
    pool = list_bytes(node, "pool_strings", "pool_int64s", "ngram_indexes")
    read = share(pool, rows * grams, entries) + list_bytes(node, "weights")
    return Work(KernelKind.INDEXING, flops=flops, dtype=FLOAT, attribute_bytes=read)
