"""Edits that change how much is computed: constants, factors, bounds, forms of an approximation."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto, helper, numpy_helper

from .kinds import NUMERIC, kind
from .view import FLOATS, INTEGERS, Array, View, assign, attribute, insert_before

_WEIGHTS = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Gemm": (1,),
    "MatMul": (1, 0),
    "Einsum": (1, 0),
    "LSTM": (1, 2),
    "GRU": (1, 2),
    "RNN": (1, 2),
    "Gather": (0,),
    "PRelu": (1,),
}
_BIASES = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "LSTM": 3, "GRU": 3, "LayerNormalization": 2}
_NORMS = ("BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization")


def _floats(view: View, node: NodeProto, slot: int, least: int = 1) -> Array | None:
    """A float constant that a node reads, of so many elements."""
    array = view.constant(node, slot)
    if array is None or view.constants[node.input[slot]].data_type not in FLOATS:
        return None
    return array if array.size >= least and array.any() else None


def _scaled(view: View, graph: GraphProto, node: NodeProto, slot: int, by: float) -> bool:
    array = _floats(view, node, slot)
    if array is None:
        return False
    return view.replace(graph, node, slot, (array.astype(np.float64) * by).astype(array.dtype))


@kind("weight 1e-3 off", NUMERIC, *_WEIGHTS)
def _weight(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    slots = _WEIGHTS[node.op_type]
    return any(_scaled(view, graph, node, slot, 1.001) for slot in slots)


@kind("one weight off", NUMERIC, *_WEIGHTS)
def _one_weight(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    for slot in _WEIGHTS[node.op_type]:
        array = _floats(view, node, slot, 2)
        if array is not None:
            made = array.copy()
            at = int(generator.integers(made.size))
            made.reshape(-1)[at] *= made.dtype.type(1.05)
            return bool(made.reshape(-1)[at]) and view.replace(graph, node, slot, made)
    return False


@kind("bias 1e-3 off", NUMERIC, *_BIASES)
def _bias(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return _scaled(view, graph, node, _BIASES[node.op_type], 1.001)


@kind("epsilon", NUMERIC, *_NORMS)
def _epsilon(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return assign(node, "epsilon", 10 * attribute(node, "epsilon", 1e-5))


@kind("mean or variance 1e-3 off", NUMERIC, "BatchNormalization")
def _statistics(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    return _scaled(view, graph, node, int(generator.integers(3, 5)), 1.001)


def _folded(view: View, node: NodeProto, epsilon: float, *, mean: bool) -> list[Array] | None:
    """What a BatchNormalization multiplies and adds, by a folding that may be wrong."""
    found = [_floats(view, node, slot) for slot in (1, 2, 3, 4)]
    if any(array is None for array in found) or attribute(node, "training_mode", 0):
        return None
    scale, bias, centre, variance = (np.asarray(array, np.float64) for array in found)
    factor = scale / np.sqrt(variance + epsilon)
    dtype = found[0].dtype if found[0] is not None else np.float32
    return [factor.astype(dtype), (bias - factor * centre * mean).astype(dtype)]


def _fold(view: View, graph: GraphProto, node: NodeProto, pair: list[Array] | None) -> bool:
    """Write a BatchNormalization as Mul and Add of constants per channel."""
    shape = view.shape(node.input[0])
    if pair is None or not shape or len(node.output) > 1:
        return False
    x, y = node.input[0], node.output[0]
    names = [f"{y}.factor", f"{y}.term"]
    for name, array in zip(names, pair, strict=True):
        column = array.reshape(-1, *(1,) * (len(shape) - 2))
        graph.initializer.append(numpy_helper.from_array(column, name))
    insert_before(graph, node, [helper.make_node("Mul", [x, names[0]], [f"{y}.scaled"])])
    node.Clear()
    node.CopyFrom(helper.make_node("Add", [f"{y}.scaled", names[1]], [y], name=f"{y}.folded"))
    return True


@kind("folded with another epsilon", NUMERIC, "BatchNormalization")
def _fold_epsilon(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    wrong = 1e-3 if attribute(node, "epsilon", 1e-5) < 5e-4 else 1e-5
    return _fold(view, graph, node, _folded(view, node, wrong, mean=True))


@kind("folded without the mean", NUMERIC, "BatchNormalization")
def _fold_mean(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    right = attribute(node, "epsilon", 1e-5)
    return _fold(view, graph, node, _folded(view, node, right, mean=False))


def _scalar(view: View, graph: GraphProto, node: NodeProto, by: float) -> bool:
    return any(_scaled(view, graph, node, slot, by) for slot in (1, 0) if len(node.input) > slot)


@kind("factor 1 % off", NUMERIC, "Mul", "Div")
def _factor(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return _scalar(view, graph, node, 1.01)


@kind("term 1 % off", NUMERIC, "Add", "Sub")
def _term(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return _scalar(view, graph, node, 1.01)


@kind("exponent 1 % off", NUMERIC, "Pow")
def _exponent(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return _scaled(view, graph, node, 1, 1.01)


@kind("scale or variance 1 % off", NUMERIC, *_NORMS)
def _norm_scale(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return _scaled(view, graph, node, 1, 1.01)


@kind("bound of a Clip moved", NUMERIC, "Clip")
def _clip(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    for slot, name in ((2, "max"), (1, "min")):
        if attribute(node, name):
            return assign(node, name, attribute(node, name) * 0.98)
        if _scaled(view, graph, node, slot, 0.98):
            return True
    return False


_ALPHA = {
    "LeakyRelu": 0.01,
    "Elu": 1.0,
    "Celu": 1.0,
    "Selu": 1.67326,
    "HardSigmoid": 0.2,
    "ThresholdedRelu": 1.0,
    "Gemm": 1.0,
    "LRN": 0.0001,
    "Swish": 1.0,
}


@kind("alpha", NUMERIC, *_ALPHA)
def _alpha(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    by = 2.0 if node.op_type == "LRN" else 1.01
    return assign(node, "alpha", by * attribute(node, "alpha", _ALPHA[node.op_type]))


_BETA = {"Gemm": 1.0, "HardSigmoid": 0.5, "LRN": 0.75}


@kind("beta", NUMERIC, *_BETA)
def _beta(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    if node.op_type == "Gemm" and len(node.input) < 3:
        return False
    return assign(node, "beta", 1.01 * attribute(node, "beta", _BETA[node.op_type]))


@kind("form of Gelu", NUMERIC, "Gelu")
def _gelu(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    tanh = attribute(node, "approximate", b"none") == b"tanh"
    return assign(node, "approximate", "none" if tanh else "tanh")


def _through(
    view: View, graph: GraphProto, node: NodeProto, made: list[NodeProto], to: str
) -> bool:
    """Let a node read its first input through others."""
    insert_before(graph, node, made)
    node.input[0] = to
    return True


@kind("scale of a Softmax", NUMERIC, "Softmax", "LogSoftmax")
def _softmax(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    x, name = node.input[0], f"{node.output[0]}.sharper"
    if view.dtype(x) not in FLOATS:
        return False
    graph.initializer.append(helper.make_tensor(f"{name}.by", view.dtype(x), [], [1.02]))
    return _through(view, graph, node, [helper.make_node("Mul", [x, f"{name}.by"], [name])], name)


@kind("scale of an Attention", NUMERIC, "Attention")
def _attention(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return assign(node, "scale", 1.02 * attribute(node, "scale", 0.5))


@kind("rounded to half precision", NUMERIC, "MatMul", "Gemm", "Conv", "Softmax", "Mul", "Sigmoid")
def _half(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    x, name = node.input[0], f"{node.output[0]}.narrow"
    if view.dtype(x) != 1:
        return False
    made = [
        helper.make_node("Cast", [x], [name], to=10),
        helper.make_node("Cast", [name], [f"{name}.back"], to=1),
    ]
    return _through(view, graph, node, made, f"{name}.back")


_QUANTISED = {
    "QuantizeLinear": (1,),
    "DequantizeLinear": (1,),
    "QLinearConv": (4, 1, 6),
    "QLinearMatMul": (4, 1, 6),
}


@kind("scale of a quantisation 1 % off", NUMERIC, *_QUANTISED)
def _quantisation(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    slot = generator.choice(_QUANTISED[node.op_type])
    return _scaled(view, graph, node, int(slot), 1.01)


_ZEROS = {
    "QuantizeLinear": 2,
    "DequantizeLinear": 2,
    "QLinearConv": 2,
    "QLinearMatMul": 2,
    "MatMulInteger": 2,
    "ConvInteger": 2,
}


@kind("zero point off by one", NUMERIC, *_ZEROS)
def _zero(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    slot = _ZEROS[node.op_type]
    array = view.constant(node, slot)
    if array is None or view.constants[node.input[slot]].data_type not in INTEGERS:
        return False
    return view.replace(
        graph, node, slot, np.where(array > 0, array - 1, array + 1).astype(array.dtype)
    )


@kind("mode of a Resize", NUMERIC, "Resize", "Upsample")
def _resize(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    nearest = attribute(node, "mode", b"nearest") == b"nearest"
    return assign(node, "mode", "linear" if nearest else "nearest")


@kind("coordinates of a Resize", NUMERIC, "Resize")
def _coordinates(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    name = "coordinate_transformation_mode"
    corners = attribute(node, name, b"half_pixel") == b"align_corners"
    return assign(node, name, "half_pixel" if corners else "align_corners")


@kind("count_include_pad", NUMERIC, "AveragePool", "LpPool")
def _padded(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    if node.op_type == "LpPool":
        return assign(node, "p", 1 + attribute(node, "p", 2))
    if not any(attribute(node, "pads", ())):
        return False
    return assign(node, "count_include_pad", 1 - attribute(node, "count_include_pad", 0))


_DRAWS = {
    "RandomNormal": "scale",
    "RandomNormalLike": "scale",
    "RandomUniform": "high",
    "RandomUniformLike": "high",
}


@kind("spread of a random draw", NUMERIC, *_DRAWS)
def _draw(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    name = _DRAWS[node.op_type]
    return assign(node, name, 1.05 * attribute(node, name, 1.0))


@kind("ratio of a Dropout", NUMERIC, "Dropout")
def _ratio(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return len(node.input) > 2 and _scaled(view, graph, node, 1, 1.2)


@kind("threshold 1 % off", NUMERIC, "Greater", "Less", "GreaterOrEqual", "LessOrEqual")
def _threshold(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return _scalar(view, graph, node, 1.05)


@kind("coefficient in an attribute", NUMERIC, "LinearClassifier", "LinearRegressor", "Scaler")
def _coefficient(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    name = "scale" if node.op_type == "Scaler" else "coefficients"
    values = list(attribute(node, name, []))
    if not values:
        return False
    at = int(generator.integers(len(values)))
    values[at] = values[at] * 1.01 + (0.01 if values[at] == 0 else 0.0)
    return assign(node, name, values)


@kind("threshold of a tree", NUMERIC, "TreeEnsembleClassifier", "TreeEnsembleRegressor")
def _tree(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    modes = attribute(node, "nodes_modes", [])
    inner = [at for at, mode in enumerate(modes) if mode != b"LEAF"]
    values = list(attribute(node, "nodes_values", []))
    if not inner:
        return False
    values[int(generator.choice(inner))] += 0.25
    return assign(node, "nodes_values", values)
