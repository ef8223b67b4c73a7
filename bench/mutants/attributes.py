"""Edits of what a node does: its axis, window, direction, flags."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto

from .kinds import STRUCTURAL, kind
from .view import View, assign, attribute, version

_AXIS = {
    "Concat": 0,
    "Softmax": -1,
    "LogSoftmax": -1,
    "Hardmax": -1,
    "Gather": 0,
    "GatherElements": 0,
    "ScatterElements": 0,
    "Split": 0,
    "ArgMax": 0,
    "ArgMin": 0,
    "TopK": -1,
    "Flatten": 1,
    "LpNormalization": -1,
    "LayerNormalization": -1,
    "OneHot": -1,
    "QuantizeLinear": 1,
    "DequantizeLinear": 1,
}
_REDUCTIONS = tuple(
    f"Reduce{name}" for name in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare")
)


@kind("axis", STRUCTURAL, *_AXIS)
def _axis(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    shape = view.shape(node.input[0])
    if shape is None or len(shape) < 2:
        return False
    default = 1 if node.op_type.endswith("oftmax") and version(view.model) < 13 else None
    axis = attribute(node, "axis", _AXIS[node.op_type] if default is None else default)
    others = [a for a in range(len(shape)) if a != axis % len(shape)]
    return assign(node, "axis", int(generator.choice(others)))


@kind("axes of a reduction", STRUCTURAL, *_REDUCTIONS, "Unsqueeze", "Squeeze", "CumSum")
def _axes(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    shape = view.shape(node.input[0])
    axes = attribute(node, "axes")
    array = view.constant(node, 1) if axes is None else np.asarray(axes)
    if array is None or shape is None or array.size == 0:
        return False
    rank = len(shape) + (array.size if node.op_type == "Unsqueeze" else 0)
    others = sorted(set(range(rank)) - {int(a) % rank for a in array.ravel()})
    if not others:
        return False
    made = array.copy()
    made.reshape(-1)[-1] = generator.choice(others)
    if axes is None:
        return view.replace(graph, node, 1, made)
    return assign(node, "axes", made.tolist())


@kind("permutation", STRUCTURAL, "Transpose")
def _perm(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    shape = view.shape(node.input[0])
    if shape is None or len(shape) < 2:
        return False
    made = list(attribute(node, "perm", range(len(shape) - 1, -1, -1)))
    one, other = generator.choice(len(made), 2, replace=False)
    made[one], made[other] = made[other], made[one]
    return assign(node, "perm", made)


_REDUCED = {
    "ReduceMean": "ReduceSum",
    "ReduceSum": "ReduceMean",
    "ReduceMax": "ReduceMin",
    "ReduceMin": "ReduceMax",
    "ReduceL1": "ReduceL2",
    "ReduceL2": "ReduceL1",
    "ReduceProd": "ReduceMax",
    "ReduceSumSquare": "ReduceL2",
    "ArgMax": "ArgMin",
    "ArgMin": "ArgMax",
    "GlobalAveragePool": "GlobalMaxPool",
    "GlobalMaxPool": "GlobalAveragePool",
}


@kind("another reduction", STRUCTURAL, *_REDUCED)
def _reduction(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    attributes = attribute(node, "axes") is not None
    other = _REDUCED[node.op_type]
    sums = {"ReduceSum"} & {node.op_type, other}
    if sums and 13 <= version(view.model) < 18:  # only one of them takes axes as an input
        return False
    if other == "ReduceSum" and attributes and version(view.model) >= 13:
        return False
    node.op_type = other
    return True


@kind("keepdims", STRUCTURAL, *_REDUCTIONS, "ArgMax", "ArgMin")
def _keepdims(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    return assign(node, "keepdims", 1 - attribute(node, "keepdims", 1))


_WINDOWS = ("Conv", "MaxPool", "AveragePool", "ConvTranspose", "QLinearConv", "ConvInteger")


@kind("placement of padding", STRUCTURAL, *_WINDOWS)
def _placement(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    if attribute(node, "auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER"):
        upper = attribute(node, "auto_pad") == b"SAME_UPPER"
        return assign(node, "auto_pad", "SAME_LOWER" if upper else "SAME_UPPER")
    pads = list(attribute(node, "pads", []))
    half = len(pads) // 2
    axes = [a for a in range(half) if pads[a] or pads[a + half]]
    if not axes:
        return False
    axis = int(generator.choice(axes))
    step = 1 if pads[axis] else -1
    pads[axis], pads[axis + half] = pads[axis] - step, pads[axis + half] + step
    return assign(node, "pads", pads)


@kind("strides", STRUCTURAL, *_WINDOWS)
def _strides(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    shape = view.shape(node.input[0])
    if shape is None:
        return False
    strides = attribute(node, "strides", [1] * (len(shape) - 2))
    return assign(node, "strides", [1 if s > 1 else 2 for s in strides])


@kind("dilation", STRUCTURAL, "Conv", "QLinearConv", "ConvInteger")
def _dilation(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """Twice as wide a window at the same output size."""
    slot = 3 if node.op_type == "QLinearConv" else 1
    shape = view.shape(node.input[slot])
    pads = attribute(node, "pads")
    if (
        shape is None
        or pads is None
        or any(isinstance(d, str) or d not in (1, 3) for d in shape[2:])
    ):
        return False
    if all(d == 1 for d in shape[2:]):
        return False
    more = [1 if d == 3 else 0 for d in shape[2:]]
    dilations = attribute(node, "dilations", [1] * len(more))
    assign(node, "dilations", [d + m for d, m in zip(dilations, more, strict=True)])
    return assign(node, "pads", [p + m for p, m in zip(pads, more * 2, strict=True)])


@kind("ceil_mode", STRUCTURAL, "MaxPool", "AveragePool", "LpPool")
def _ceil(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    if version(view.model) < 10:
        return False
    return assign(node, "ceil_mode", 1 - attribute(node, "ceil_mode", 0))


@kind("groups", STRUCTURAL, "Conv", "ConvTranspose")
def _groups(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """One group that reads all channels, or several that read only their own."""
    weight = view.constant(node, 1)
    groups = attribute(node, "group", 1)
    if weight is None or node.op_type != "Conv":
        return False
    if groups > 1:
        view.replace(graph, node, 1, np.concatenate([weight] * groups, axis=1))
        return assign(node, "group", 1)
    if weight.shape[0] % 2 or weight.shape[1] % 2:
        return False
    view.replace(graph, node, 1, weight[:, : weight.shape[1] // 2])
    return assign(node, "group", 2)


# Attributes that turn something around, with their values when absent.
_FLAGS = {
    "CumSum": {"exclusive": 0, "reverse": 0},
    "Trilu": {"upper": 1},
    "TopK": {"largest": 1},
    "ArgMax": {"select_last_index": 0},
    "GRU": {"linear_before_reset": 0},
    "Mod": {"fmod": 0},
    "Attention": {"is_causal": 0},
    "Gemm": {"transA": 0, "transB": 0},
    "NonMaxSuppression": {"center_point_box": 0},
    "BatchNormalization": {"training_mode": 0},
    "GridSample": {"align_corners": 0},
    "IsInf": {"detect_negative": 1, "detect_positive": 1},
    "RotaryEmbedding": {"interleaved": 0},
}


@kind("flag", STRUCTURAL, *_FLAGS)
def _flag(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    flags = _FLAGS[node.op_type]
    name = str(generator.choice(list(flags)))
    if name == "training_mode" and version(view.model) < 14:
        return False
    if name == "fmod" and view.dtype(node.input[0]) in (1, 10, 11):
        return False
    return assign(node, name, 1 - attribute(node, name, flags[name]))


_WORDS = {
    "DepthToSpace": ("mode", b"DCR", {b"DCR": "CRD", b"CRD": "DCR"}),
    "Pad": ("mode", b"constant", {b"reflect": "edge", b"edge": "reflect", b"wrap": "edge"}),
    "BitShift": ("direction", b"LEFT", {b"LEFT": "RIGHT", b"RIGHT": "LEFT"}),
    "LSTM": ("direction", b"forward", {b"forward": "reverse", b"reverse": "forward"}),
    "GRU": ("direction", b"forward", {b"forward": "reverse", b"reverse": "forward"}),
    "RNN": ("direction", b"forward", {b"forward": "reverse", b"reverse": "forward"}),
    "ScatterElements": ("reduction", b"none", {b"none": "add", b"add": "mul", b"mul": "add"}),
    "ScatterND": ("reduction", b"none", {b"none": "add", b"add": "mul", b"mul": "add"}),
    "GridSample": ("padding_mode", b"zeros", {b"zeros": "border", b"border": "zeros"}),
    "StringNormalizer": ("case_change_action", b"NONE", {b"LOWER": "UPPER", b"UPPER": "LOWER"}),
    "Normalizer": ("norm", b"MAX", {b"MAX": "L1", b"L1": "L2", b"L2": "L1"}),
}


@kind("mode or direction", STRUCTURAL, *_WORDS)
def _mode(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    name, default, others = _WORDS[node.op_type]
    other = others.get(attribute(node, name, default))
    return other is not None and assign(node, name, other)


@kind("direction of a Scan", STRUCTURAL, "Scan")
def _scan(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    count = attribute(node, "num_scan_inputs")
    return assign(node, "scan_input_directions", [1] * count)


@kind("key or label", STRUCTURAL, "LabelEncoder", "StringNormalizer", "CategoryMapper")
def _key(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    for name in ("keys_strings", "stopwords", "cats_strings", "keys_int64s"):
        values = list(attribute(node, name, []))
        if values:
            at = int(generator.integers(len(values)))
            values[at] = values[at] + (1000 if isinstance(values[at], int) else b"x")
            return assign(node, name, values)
    return False
