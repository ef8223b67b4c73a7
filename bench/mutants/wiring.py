"""Edits of what nodes read, and of which nodes there are."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto, helper

from .kinds import STRUCTURAL, kind
from .view import FLOATS, View, attribute, rename_input, skip, version

_ACTIVATIONS = {
    "Relu": "Sigmoid",
    "LeakyRelu": "Relu",
    "Sigmoid": "HardSigmoid",
    "Tanh": "Softsign",
    "Elu": "LeakyRelu",
    "HardSwish": "Relu",
    "HardSigmoid": "Sigmoid",
    "Softplus": "Relu",
    "Selu": "Elu",
    "Erf": "Tanh",
    "Gelu": "Relu",
    "Celu": "Elu",
    "Mish": "Relu",
}
_UNARY = (
    *("Neg", "Abs", "Not", "Exp", "Sqrt", "Log", "Floor", "Ceil", "Round", "Sign", "Reciprocal"),
    *("Sin", "Cos", "Trilu", "CumSum", "BitwiseNot"),
)
_ARITHMETIC = ("Add", "Sub", "Mul", "Div")


@kind("activation removed", STRUCTURAL, *_ACTIVATIONS, "Clip", "PRelu", "ThresholdedRelu")
def _bare(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return skip(graph, node)


@kind("another activation", STRUCTURAL, *_ACTIVATIONS)
def _activation(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    node.op_type = _ACTIVATIONS[node.op_type]
    del node.attribute[:]
    return True


@kind("node skipped", STRUCTURAL, *_UNARY)
def _skipped(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return skip(graph, node)


_BIASES = {"Conv": 2, "ConvTranspose": 2, "Gemm": 2, "LSTM": 3, "GRU": 3, "QLinearConv": 8}


@kind("bias dropped", STRUCTURAL, *_BIASES, "LayerNormalization", "RNN")
def _no_bias(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    slot = _BIASES.get(node.op_type, 2 if node.op_type == "LayerNormalization" else 3)
    if len(node.input) <= slot or not node.input[slot]:
        return False
    if slot == len(node.input) - 1:
        del node.input[slot]
    else:
        node.input[slot] = ""
    return True


@kind("added constant dropped", STRUCTURAL, *_ARITHMETIC)
def _no_term(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    for slot in (0, 1):
        constant = view.array(node.input[1 - slot]) is not None
        if constant and view.alike(node.input[slot], node.output[0]):
            return skip(graph, node, slot)
    return False


@kind("residual dropped", STRUCTURAL, *_ARITHMETIC, "Sum", "Max", "Min", "And", "Or", "Xor")
def _residual(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    if len(node.input) != 2 or any(view.array(name) is not None for name in node.input):
        return False
    slots = [s for s in (0, 1) if view.alike(node.input[s], node.output[0])]
    return bool(slots) and skip(graph, node, int(generator.choice(slots)))


@kind("operands swapped", STRUCTURAL, "Sub", "Div", "Pow", "Mod", "MatMul", "Less", "Greater")
def _swapped(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    one, other = node.input
    node.input[:] = [other, one]
    return True


_OTHERS = {
    "add for mul": {"Mul": "Add", "Add": "Mul", "Sum": "Mean", "Mean": "Sum"},
    "sub for add": {"Add": "Sub", "Sub": "Add", "Mul": "Div", "Div": "Mul"},
    "max for min": {"Max": "Min", "Min": "Max"},
    "and for or": {"And": "Or", "Or": "And", "Xor": "Or"},
    "bitwise and for or": {"BitwiseAnd": "BitwiseOr", "BitwiseOr": "BitwiseAnd"},
    "comparison at the edge": {
        "Greater": "GreaterOrEqual",
        "GreaterOrEqual": "Greater",
        "Less": "LessOrEqual",
        "LessOrEqual": "Less",
    },
    "comparison reversed": {
        "Greater": "Less",
        "Less": "Greater",
        "GreaterOrEqual": "LessOrEqual",
        "LessOrEqual": "GreaterOrEqual",
        "Equal": "Greater",
    },
    "rounding": {"Floor": "Ceil", "Ceil": "Round", "Round": "Floor"},
    "another function": {"Sin": "Cos", "Cos": "Sin", "Sqrt": "Abs", "Exp": "Softplus"},
    "pooling": {"MaxPool": "AveragePool", "AveragePool": "MaxPool"},
    "softmax": {"Softmax": "LogSoftmax", "LogSoftmax": "Softmax"},
}


def _another(name: str, others: dict[str, str]) -> None:
    @kind(name, STRUCTURAL, *others)
    def _edit(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
        made = others[node.op_type]
        if made.endswith("OrEqual") and version(view.model) < 12:
            return False
        if made == "Mean" and view.dtype(node.output[0]) not in FLOATS:
            return False
        node.op_type = made
        kept = [a for a in node.attribute if a.name not in ("count_include_pad", "storage_order")]
        del node.attribute[:]
        node.attribute.extend(kept)
        return True


for _name, _pairs in _OTHERS.items():
    _another(_name, _pairs)


@kind("cast dropped", STRUCTURAL, "Cast")
def _cast(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return skip(graph, node)


@kind("cast to whole numbers", STRUCTURAL, "Cast", "Mul", "Add", "Div")
def _truncated(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """Numbers lose what is behind the point."""
    y = node.output[0]
    if view.dtype(y) != 1:
        return False
    node.output[0] = f"{y}.whole"
    at = next(n for n, other in enumerate(graph.node) if other.output[:] == node.output[:])
    graph.node.insert(at + 1, helper.make_node("Cast", [f"{y}.whole"], [f"{y}.int"], to=7))
    graph.node.insert(at + 2, helper.make_node("Cast", [f"{y}.int"], [y], to=1))
    return True


@kind("wrong tensor read", STRUCTURAL)
def _rewired(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    """Another one of the same type and shape that is there already."""
    before = [value.name for value in graph.input]
    for other in graph.node:
        if other.output[:] == node.output[:]:
            break
        before += other.output
    pairs = [
        (slot, name)
        for slot, old in enumerate(node.input)
        for name in before
        if old and name and name != old and view.alike(old, name)
    ]
    if not pairs:
        return False
    slot, name = pairs[int(generator.integers(len(pairs)))]
    return rename_input(node, slot, name)


@kind("order of inputs", STRUCTURAL, "Concat", "SequenceConstruct", "StringConcat")
def _order(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    if len(set(node.input)) < 2:
        return False
    node.input[:] = [*node.input[1:], node.input[0]]
    return True


@kind("order of outputs", STRUCTURAL, "Split", "TopK", "LSTM", "GRU", "Unique")
def _outputs(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    made = [at for at, name in enumerate(node.output) if name]
    pairs = [
        (a, b) for a in made for b in made if a < b and view.alike(node.output[a], node.output[b])
    ]
    if not pairs:
        return False
    a, b = pairs[0]
    node.output[a], node.output[b] = node.output[b], node.output[a]
    return True


@kind("arms of a Where swapped", STRUCTURAL, "Where")
def _arms(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    node.input[1], node.input[2] = node.input[2], node.input[1]
    return True


@kind("one arm of a Where alone", STRUCTURAL, "Where")
def _arm(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    slots = [s for s in (1, 2) if view.alike(node.input[s], node.output[0])]
    return bool(slots) and skip(graph, node, int(generator.choice(slots)))


@kind("branches of an If swapped", STRUCTURAL, "If")
def _branches(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    for one in node.attribute:
        one.name = "then_branch" if one.name == "else_branch" else "else_branch"
        one.g.name = f"{one.g.name}_swapped"
    return True


@kind("one branch for both", STRUCTURAL, "If")
def _branch(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    one, other = node.attribute
    if generator.integers(2):
        one, other = other, one
    if one.g.SerializeToString() == other.g.SerializeToString():
        return False
    other.g.CopyFrom(one.g)
    return True


@kind("draws merged", STRUCTURAL, "RandomNormal", "RandomNormalLike", "RandomUniform")
def _merged(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """Whoever read the second of two draws reads the first."""
    twins = [o for o in graph.node if o.op_type == node.op_type and o.output[0] != node.output[0]]
    if not twins:
        return False
    first, second = sorted((node.output[0], twins[0].output[0]))
    for other in graph.node:
        other.input[:] = [first if name == second else name for name in other.input]
    return True


@kind("output of another rank", STRUCTURAL)
def _rank(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    y = node.output[0] if node.output else ""
    values = {value.name: value for value in graph.output}
    if y not in values or version(view.model) < 13 or view.dtype(y) not in FLOATS:
        return False
    if attribute(node, "body") is not None or not view.shape(y):
        return False
    node.output[0] = f"{y}.lower"
    graph.initializer.append(helper.make_tensor(f"{y}.axis", 7, [1], [0]))
    graph.node.append(helper.make_node("Unsqueeze", [f"{y}.lower", f"{y}.axis"], [y]))
    values[y].type.tensor_type.ClearField("shape")
    return True
