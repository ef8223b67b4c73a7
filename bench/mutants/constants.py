"""Edits of constants that say where or how often something is done."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto

from .kinds import STRUCTURAL, kind
from .view import FLOATS, View, assign, attribute


@kind("slice off by one", STRUCTURAL, "Slice")
def _slice(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    """The start and, where that keeps the size, the end."""
    starts, ends = attribute(node, "starts"), attribute(node, "ends")
    if starts is not None:
        at = int(generator.integers(len(starts)))
        step = 1 if starts[at] == 0 else -1
        assign(node, "starts", [*starts[:at], starts[at] + step, *starts[at + 1 :]])
        if ends[at] < 1 << 30:
            assign(node, "ends", [*ends[:at], ends[at] + step, *ends[at + 1 :]])
        return True
    start, end = view.constant(node, 1), view.constant(node, 2)
    if start is None or start.size == 0:
        return False
    at = int(generator.integers(start.size))
    step = 1 if start.ravel()[at] == 0 else -1
    return any(
        [_moved(view, graph, node, 1, at, step)]
        + [_moved(view, graph, node, 2, at, step) for _ in [0] if _inside(end, at)]
    )


def _inside(end: np.ndarray | None, at: int) -> bool:
    return end is not None and abs(int(end.ravel()[at])) < 1 << 30


def _moved(view: View, graph: GraphProto, node: NodeProto, slot: int, at: int, by: int) -> bool:
    made = np.array(view.constant(node, slot))
    made.reshape(-1)[at] += by
    return view.replace(graph, node, slot, made)


@kind("index off by one", STRUCTURAL, "Gather", "GatherElements", "GatherND", "ScatterND")
def _index(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    array = view.constant(node, 1)
    if array is None or array.size == 0:
        return False
    at = int(generator.integers(array.size))
    return _moved(view, graph, node, 1, at, 1 if array.ravel()[at] == 0 else -1)


@kind("integer off by one", STRUCTURAL, "Add", "Sub", "Mul", "Div", "Mod", "BitShift", "Equal")
def _integer(
    view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator
) -> bool:
    for slot in (1, 0):
        array = view.constant(node, slot)
        if array is not None and array.dtype.kind in "iu" and array.size:
            return _moved(view, graph, node, slot, int(generator.integers(array.size)), 1)
    return False


@kind("bound off by one", STRUCTURAL, "Less", "Greater", "Range", "LessOrEqual", "Clip")
def _bound(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    for slot in (1, 0):
        array = view.constant(node, slot)
        if array is not None and array.dtype.kind in "iu" and array.size:
            return _moved(view, graph, node, slot, 0, 1)
    return False


@kind("trips off by one", STRUCTURAL, "Loop")
def _trips(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    array = view.constant(node, 0)
    return array is not None and _moved(view, graph, node, 0, 0, 1 if array.max() < 1 else -1)


@kind("value of a padding", STRUCTURAL, "Pad")
def _pad_value(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    if attribute(node, "mode", b"constant") != b"constant":
        return False
    array = view.constant(node, 2)
    if array is not None:
        return view.replace(graph, node, 2, np.asarray(np.where(array == 0, 1, 0), array.dtype))
    if attribute(node, "pads") is None:
        return False
    return assign(node, "value", attribute(node, "value", 0.0) + 1.0)


@kind("padding moved", STRUCTURAL, "Pad")
def _pad_place(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """What is at the front goes to the back."""
    pads = view.constant(node, 1)
    if pads is None:
        return False
    front, back = np.split(pads, 2)
    if (front == back).all():
        axis = int(np.argmax(front))
        if not front[axis]:
            return False
        front, back = front.copy(), back.copy()
        front[axis], back[axis] = front[axis] - 1, back[axis] + 1
        return view.replace(graph, node, 1, np.concatenate([front, back]))
    return view.replace(graph, node, 1, np.concatenate([back, front]))


@kind("padding dropped", STRUCTURAL, "Conv", "MaxPool", "AveragePool")
def _unpadded(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    pads = attribute(node, "pads", [])
    return any(pads) and assign(node, "pads", [0] * len(pads))


@kind("weight transposed", STRUCTURAL, "MatMul", "Gemm")
def _transposed(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    array = view.constant(node, 1)
    if array is None or array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        return False
    return view.replace(graph, node, 1, np.swapaxes(array, -1, -2).copy())


@kind("channels rolled", STRUCTURAL, "Conv", "MatMul", "BatchNormalization", "PRelu", "LSTM")
def _rolled(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """The weights of one channel go to the next."""
    array = view.constant(node, 1)
    axis = {"Conv": 0, "MatMul": -1, "LSTM": 1}.get(node.op_type, 0)
    if array is None or array.shape[axis] < 2 or view.dtype(node.input[1]) not in FLOATS:
        return False
    made = np.roll(array, 1, axis)
    return bool((made != array).any()) and view.replace(graph, node, 1, made)


@kind("kernel flipped", STRUCTURAL, "Conv", "ConvTranspose")
def _flipped(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    array = view.constant(node, 1)
    if array is None or array.ndim < 3 or array.shape[-1] < 2:
        return False
    return view.replace(graph, node, 1, array[..., ::-1].copy())


@kind("sizes of a Split", STRUCTURAL, "Split")
def _sizes(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    array = view.constant(node, 1)
    if array is None or array.size < 2 or array[0] == array[-1]:
        return False
    return view.replace(graph, node, 1, array[::-1].copy())


@kind("mask element", STRUCTURAL, "Where", "And", "Or")
def _mask(view: View, graph: GraphProto, node: NodeProto, generator: np.random.Generator) -> bool:
    for slot in (0, 1):
        array = view.constant(node, slot)
        if array is not None and array.dtype == bool and array.size:
            made = np.array(array)
            at = int(generator.integers(made.size))
            made.reshape(-1)[at] = not made.reshape(-1)[at]
            return view.replace(graph, node, slot, made)
    return False


@kind("string", STRUCTURAL, "Equal", "StringConcat", "Where", "Concat")
def _string(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    for slot, name in enumerate(node.input):
        array = view.array(name)
        if array is not None and view.constants[name].data_type == 8 and array.size:
            made = np.array(array, dtype=object)
            made.reshape(-1)[0] = f"{made.reshape(-1)[0]}x"
            return view.replace(graph, node, slot, made)
    return False


@kind("shape of a Reshape", STRUCTURAL, "Reshape")
def _shape(view: View, graph: GraphProto, node: NodeProto, _: np.random.Generator) -> bool:
    """Two dims change places."""
    array = view.constant(node, 1)
    if array is None or array.size < 2:
        return False
    made = array.copy()
    at = [n for n in range(made.size - 1) if made[n] != made[n + 1] and 0 not in made[n : n + 2]]
    if not at:
        return False
    made[at[-1]], made[at[-1] + 1] = made[at[-1] + 1], made[at[-1]]
    return view.replace(graph, node, 1, made)
