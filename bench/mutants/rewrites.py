"""Rewrites of a model that leave what it computes, but for rounding: none is "different"."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

from .view import FLOATS, View, assign, attribute, graphs, insert_before, version

Rewrite = Callable[[View, GraphProto, NodeProto], bool]
_NODES: dict[str, tuple[frozenset[str], Rewrite]] = {}


def rewrites(model: ModelProto) -> Iterator[tuple[str, ModelProto]]:
    """Each kind of rewrite that fits a model, made wherever it does."""
    view = View.of(model)
    yield "unchanged", view.copy().model
    yield "renamed", _renamed(view.copy())
    yield "reordered", _reordered(view.copy())
    for name, (ops, rewrite) in _NODES.items():
        made = view.copy()
        fits = [(graph, node) for graph, node in made.nodes if node.op_type in ops]
        if sum(rewrite(made, graph, node) for graph, node in fits):
            yield name, made.model


def _renamed(view: View) -> ModelProto:
    """Nodes, and tensors that are neither inputs nor outputs of the model or a body."""
    kept = {""} | {value.name for g in graphs(view.model.graph) for value in (*g.input, *g.output)}
    new: dict[str, str] = {}
    for at, (_, node) in enumerate(view.nodes):
        node.name = f"other_{at}"
        new |= {name: f"t{at}_{n}" for n, name in enumerate(node.output) if name not in kept}
    for graph, node in view.nodes:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
        del graph.value_info[:]
    return view.model


def _reordered(view: View) -> ModelProto:
    """Nodes in another order that is legal, initializers from last to first."""
    for graph in graphs(view.model.graph):
        nodes = list(graph.node)
        makers = {name: at for at, node in enumerate(nodes) for name in node.output if name}
        read = [{makers[n] for n in _reads(node) if n in makers} for node in nodes]
        readers = [0] * len(nodes)
        for before in read:
            for at in before:
                readers[at] += 1
        free = [at for at, count in enumerate(readers) if not count]
        order = []
        while free:  # from behind: a node whose readers are all placed
            at = free.pop(0)
            order.append(_copied(nodes[at]))
            for before in read[at]:
                readers[before] -= 1
                if not readers[before]:
                    free.append(before)
        del graph.node[:]
        graph.node.extend(reversed(order))
        tensors = list(graph.initializer)[::-1]
        del graph.initializer[:]
        graph.initializer.extend(tensors)
    return view.model


def _copied(node: NodeProto) -> NodeProto:
    made = NodeProto()
    made.CopyFrom(node)
    return made


def _reads(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for one in node.attribute:
        for body in [one.g] if one.HasField("g") else one.graphs:
            for inner in body.node:
                yield from _reads(inner)
            yield from (value.name for value in body.output)


def rewrite(name: str, *ops: str) -> Callable[[Rewrite], Rewrite]:
    """Add a rewrite of nodes of these types."""

    def add(one: Rewrite) -> Rewrite:
        _NODES[name] = (frozenset(ops), one)
        return one

    return add


def _put(graph: GraphProto, node: NodeProto, *made: NodeProto) -> bool:
    """These nodes in the place of one; the last takes its place in the list."""
    insert_before(graph, node, made[:-1])
    node.Clear()
    node.CopyFrom(made[-1])
    return True


def _constant(view: View, graph: GraphProto, name: str, values: object, dtype: int) -> str:
    array = np.asarray(values, helper.tensor_dtype_to_np_dtype(dtype))
    graph.initializer.append(numpy_helper.from_array(array, name))
    return name


@rewrite("BatchNormalization folded into Conv", "BatchNormalization")
def _fold(view: View, graph: GraphProto, node: NodeProto) -> bool:
    makers = [n for n in graph.node if n.output and n.output[0] == node.input[0]]
    readers = [n for n in graph.node if node.input[0] in n.input]
    channels = [view.constant(node, slot) for slot in (1, 2, 3, 4)]
    if len(makers) != 1 or makers[0].op_type != "Conv" or len(readers) != 1:
        return False
    conv = makers[0]
    weight = view.constant(conv, 1)
    if weight is None or any(c is None for c in channels) or len(node.output) > 1:
        return False
    if attribute(node, "training_mode", 0):
        return False
    scale, shift, mean, variance = (np.asarray(c, np.float64) for c in channels)
    factor = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    old = view.constant(conv, 2) if len(conv.input) > 2 else np.zeros(len(mean))
    if old is None:
        return False
    bias = (old.astype(np.float64) - mean) * factor + shift
    dtype = view.constants[conv.input[1]].data_type
    columns = factor.reshape(-1, *(1,) * (weight.ndim - 1))
    y = node.output[0]
    inputs = [
        conv.input[0],
        _constant(view, graph, f"{y}.w", weight.astype(np.float64) * columns, dtype),
        _constant(view, graph, f"{y}.b", bias, dtype),
    ]
    made = helper.make_node("Conv", inputs, [y], name=f"{y}.folded")
    made.attribute.extend(conv.attribute)
    node.Clear()
    node.CopyFrom(made)
    graph.node.remove(conv)
    return True


@rewrite("MatMul with a transposed weight", "MatMul")
def _transposed(view: View, graph: GraphProto, node: NodeProto) -> bool:
    weight = view.constant(node, 1)
    if weight is None or weight.ndim != 2:
        return False
    y, dtype = node.output[0], view.constants[node.input[1]].data_type
    kept = _constant(view, graph, f"{y}.wt", weight.T.copy(), dtype)
    turn = helper.make_node("Transpose", [kept], [f"{y}.back"], perm=[1, 0])
    return _put(graph, node, turn, helper.make_node("MatMul", [node.input[0], f"{y}.back"], [y]))


@rewrite("MatMul and Add as Gemm", "Add")
def _gemm(view: View, graph: GraphProto, node: NodeProto) -> bool:
    makers = [n for n in graph.node if n.op_type == "MatMul" and n.output[0] in node.input]
    if len(makers) != 1 or sum(makers[0].output[0] in n.input for n in graph.node) != 1:
        return False
    product = makers[0]
    others = [name for name in node.input if name != product.output[0]]
    shapes = [view.shape(name) for name in product.input]
    if any(shape is None or len(shape) != 2 for shape in shapes) or len(others) != 1:
        return False
    if view.array(others[0]) is None or view.dtype(node.output[0]) not in FLOATS:
        return False
    made = helper.make_node("Gemm", [*product.input, others[0]], [node.output[0]])
    node.Clear()
    node.CopyFrom(made)
    graph.node.remove(product)
    return True


@rewrite("Gemm as MatMul and Add", "Gemm")
def _apart(view: View, graph: GraphProto, node: NodeProto) -> bool:
    plain = all(
        attribute(node, n, d) == d for n, d in (("alpha", 1.0), ("beta", 1.0), ("transA", 0))
    )
    if not plain or len(node.input) < 3:
        return False
    y, made, weight = node.output[0], [], node.input[1]
    if attribute(node, "transB", 0):
        made = [helper.make_node("Transpose", [weight], [f"{y}.turned"], perm=[1, 0])]
        weight = f"{y}.turned"
    made.append(helper.make_node("MatMul", [node.input[0], weight], [f"{y}.product"]))
    return _put(graph, node, *made, helper.make_node("Add", [f"{y}.product", node.input[2]], [y]))


@rewrite("LayerNormalization written out", "LayerNormalization")
def _layer_norm(view: View, graph: GraphProto, node: NodeProto) -> bool:
    if version(view.model) >= 18 or attribute(node, "axis", -1) != -1 or len(node.output) > 1:
        return False
    x, y, dtype = node.input[0], node.output[0], view.dtype(node.input[0])
    eps = _constant(view, graph, f"{y}.eps", attribute(node, "epsilon", 1e-5), dtype)
    made = [
        helper.make_node("ReduceMean", [x], [f"{y}.m"], axes=[-1]),
        helper.make_node("Sub", [x, f"{y}.m"], [f"{y}.d"]),
        helper.make_node("Mul", [f"{y}.d", f"{y}.d"], [f"{y}.p"]),
        helper.make_node("ReduceMean", [f"{y}.p"], [f"{y}.v"], axes=[-1]),
        helper.make_node("Add", [f"{y}.v", eps], [f"{y}.e"]),
        helper.make_node("Sqrt", [f"{y}.e"], [f"{y}.r"]),
        helper.make_node("Div", [f"{y}.d", f"{y}.r"], [f"{y}.n"]),
        helper.make_node("Mul", [f"{y}.n", node.input[1]], [f"{y}.s"]),
    ]
    if len(node.input) < 3:
        return _put(graph, node, *made, helper.make_node("Identity", [f"{y}.s"], [y]))
    return _put(graph, node, *made, helper.make_node("Add", [f"{y}.s", node.input[2]], [y]))


@rewrite("division as a product", "Div")
def _reciprocal(view: View, graph: GraphProto, node: NodeProto) -> bool:
    array = view.constant(node, 1)
    if array is None or view.dtype(node.input[1]) not in FLOATS or not array.all():
        return False
    y, dtype = node.output[0], view.constants[node.input[1]].data_type
    by = _constant(view, graph, f"{y}.by", 1 / array.astype(np.float64), dtype)
    return _put(graph, node, helper.make_node("Mul", [node.input[0], by], [y]))


@rewrite("difference as a sum", "Sub")
def _negated(view: View, graph: GraphProto, node: NodeProto) -> bool:
    if view.dtype(node.output[0]) not in FLOATS:
        return False
    y = node.output[0]
    flip = helper.make_node("Neg", [node.input[1]], [f"{y}.negative"])
    return _put(graph, node, flip, helper.make_node("Add", [node.input[0], f"{y}.negative"], [y]))


@rewrite("operands exchanged", "Add", "Mul", "And", "Or", "Xor", "Equal")
def _exchanged(view: View, graph: GraphProto, node: NodeProto) -> bool:
    node.input[:] = list(node.input)[::-1]
    return True


@rewrite("comparison the other way round", "Greater", "Less")
def _mirrored(view: View, graph: GraphProto, node: NodeProto) -> bool:
    node.input[:] = list(node.input)[::-1]
    node.op_type = "Less" if node.op_type == "Greater" else "Greater"
    return True


@rewrite("Where of the contrary", "Where")
def _contrary(view: View, graph: GraphProto, node: NodeProto) -> bool:
    y, (condition, one, other) = node.output[0], node.input
    flip = helper.make_node("Not", [condition], [f"{y}.contrary"])
    return _put(graph, node, flip, helper.make_node("Where", [f"{y}.contrary", other, one], [y]))


@rewrite("If of the contrary", "If")
def _other_way(view: View, graph: GraphProto, node: NodeProto) -> bool:
    y = node.output[0]
    flip = helper.make_node("Not", [node.input[0]], [f"{y}.contrary"])
    insert_before(graph, node, [flip])
    node.input[0] = f"{y}.contrary"
    for one in node.attribute:
        one.name = "then_branch" if one.name == "else_branch" else "else_branch"
    return True


@rewrite("Sigmoid written out", "Sigmoid")
def _sigmoid(view: View, graph: GraphProto, node: NodeProto) -> bool:
    x, y, dtype = node.input[0], node.output[0], view.dtype(node.input[0])
    if dtype not in FLOATS:
        return False
    one = _constant(view, graph, f"{y}.one", 1.0, dtype)
    return _put(
        graph,
        node,
        helper.make_node("Neg", [x], [f"{y}.n"]),
        helper.make_node("Exp", [f"{y}.n"], [f"{y}.e"]),
        helper.make_node("Add", [f"{y}.e", one], [f"{y}.d"]),
        helper.make_node("Reciprocal", [f"{y}.d"], [y]),
    )


@rewrite("bias of a Conv added apart", "Conv")
def _bias(view: View, graph: GraphProto, node: NodeProto) -> bool:
    bias = view.constant(node, 2)
    if bias is None:
        return False
    y, dtype = node.output[0], view.constants[node.input[2]].data_type
    rank = len(view.shape(node.input[0]) or ())
    if not rank:
        return False
    column = _constant(view, graph, f"{y}.column", bias.reshape(-1, *(1,) * (rank - 2)), dtype)
    conv = helper.make_node("Conv", node.input[:2], [f"{y}.bare"])
    conv.attribute.extend(node.attribute)
    return _put(graph, node, conv, helper.make_node("Add", [f"{y}.bare", column], [y]))


@rewrite("axis counted from the end", "Softmax", "Concat", "Gather", "Split")
def _from_end(view: View, graph: GraphProto, node: NodeProto) -> bool:
    shape = view.shape(node.input[0])
    axis = attribute(node, "axis", 0 if node.op_type != "Softmax" else -1)
    if not shape or version(view.model) < 13 or axis < 0:
        return False
    return assign(node, "axis", axis - len(shape))


@rewrite("Identity in between", "Relu", "MatMul", "Conv", "Add", "Cast")
def _identity(view: View, graph: GraphProto, node: NodeProto) -> bool:
    x, name = node.input[0], f"{node.output[0]}.same"
    insert_before(graph, node, [helper.make_node("Identity", [x], [name])])
    node.input[0] = name
    return True
