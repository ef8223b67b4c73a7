"""Nodes that compute from constants alone, before the run; Constant nodes as initializers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper

from ..graph import Node, Tensor, dtypes
from ..graph.shapes.fold import fold, fold_functions
from ..graph.shapes.info import Info, ShapeCall
from ..rewrite.edit import Edit
from ..rewrite.facts.growth import refuse_growth
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Outcome, Pass
from ..rewrite.scope import Array, Scope

# What value folding doesn't know, since it decides no shape. Only what is the same in all opsets
# (onnx's reference has but the newest Softmax), and no DequantizeLinear: a dequantised weight is
# several times as large, and runtimes compute with the small one.
_BY_REFERENCE = frozenset({"MatMul", "Sin", "Cos", "Tanh", "Sigmoid", "Erf"})
_PLAIN = frozenset(
    {dtypes.FLOAT, dtypes.DOUBLE, dtypes.FLOAT16, dtypes.INT32, dtypes.INT64, dtypes.BOOL}
    | {dtypes.INT8, dtypes.UINT8}
)
_ROOM = 2**28  # bytes of what is computed on the way


@dataclass(frozen=True)
class FoldConstants(Pass):
    """Compute what depends on constants only, unless the file would grow by it.

    Refuses where the result takes more room than what it replaces: a table that is expanded, a
    copy of a weight that others read as it is. Quantised weights stay quantised. Constant nodes
    become initializers, their data unread.
    """

    name: ClassVar[str] = "fold-constants"

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Whole trees of such nodes at once: a part alone may be larger than the outcome."""
        for node in list(scope.graph):
            if node.op_type == "Constant" and not node.domain:
                self.attempt(scope, Match(scope, {"node": node}), _constant, outcome)
        trees = _trees(scope)
        absorbed = {inner for below in trees.values() for inner in below}
        parts = Outcome(outcome.rewrites)  # that a part of a tree is refused too says nothing new
        waiting = [(root, outcome) for root in trees if root not in absorbed][::-1]
        while waiting:
            root, told = waiting.pop()
            nodes = _nodes(scope, trees, root)
            match = Match(scope, {"root": nodes[-1], **{n.id: n for n in nodes[-2::-1]}})
            if not self.attempt(scope, match, _fold, told):
                waiting += [(part, parts) for part in trees[root]]


def _constant(m: Match, edit: Edit) -> str:
    """A Constant node as an initializer of the same name."""
    output, graph = m["node"].outputs[0], m.scope.graph
    tensor = m.scope.constant(output)
    node_stays = graph.parent is not None and graph.header.ir_version < 4
    if output in graph.outputs or node_stays or tensor is None:
        return ""
    if not isinstance(tensor.proto, TensorProto):  # a sparse one
        return ""
    edit.settle(named(tensor, output))
    return "a Constant is an initializer"


def named(tensor: Tensor, name: str) -> Tensor:
    """The same constant under another name, its data unread."""
    assert isinstance(tensor.proto, TensorProto)
    proto = TensorProto()
    proto.CopyFrom(tensor.proto)
    proto.name = name
    return Tensor.from_proto(proto, tensor.source)


def _trees(scope: Scope) -> dict[str, list[str]]:
    """The nodes that compute from constants; below each those that make what it alone reads."""
    graph = scope.graph
    trees: dict[str, list[str]] = {}
    for node in graph:
        if not _computable(scope, node):
            continue
        below: dict[str, None] = {}
        for name in filter(None, node.inputs):
            maker = graph.producer(name)
            if maker is not None and maker.id in trees and _serves(scope, maker, node):
                below[maker.id] = None
                continue
            constant = scope.constant(name)
            if constant is None or constant.dtype not in _PLAIN:
                break
        else:
            trees[node.id] = list(below)
    return trees


def _serves(scope: Scope, maker: Node, node: Node) -> bool:
    """Whether nobody else reads what a node makes."""
    made = [name for name in maker.outputs if name]
    return all(scope.kept(t) is None and scope.readers(t) in ([], [node]) for t in made)


def _nodes(scope: Scope, trees: Mapping[str, list[str]], root: str) -> list[Node]:
    """A tree's nodes, each behind those that it reads."""
    ids = [root]
    for node_id in ids:  # it grows
        ids += trees[node_id]
    return [scope.graph.node(node_id) for node_id in reversed(ids)]


def _computable(scope: Scope, node: Node) -> bool:
    """Whether a node could be computed, and what it makes stored."""
    known = node.op_type in _BY_REFERENCE or node.op_type in fold_functions()
    if node.domain or not known or node.op_type == "Identity" or not any(node.inputs):
        return False
    made = [name for name in node.outputs if name]
    sizes = [_nbytes(scope, name) for name in made]
    return all(size is not None and size <= _ROOM for size in sizes) and not any(
        name in scope.graph.outputs for name in made
    )


def _nbytes(scope: Scope, tensor: str) -> int | None:
    """Bytes of a tensor before it is computed; None where its shape isn't known, or odd types."""
    shape, dtype = scope.shape(tensor), scope.dtype(tensor)
    if shape is None or dtype is None or dtype not in _PLAIN:
        return None
    return dtypes.nbytes(dtype, math.prod(shape))


def _fold(m: Match, edit: Edit) -> str:
    scope, root = m.scope, m["root"]
    made = [name for name in root.outputs if name]
    refuse_growth(scope, m.nodes, sum(_nbytes(scope, name) or 0 for name in made))
    values: dict[str, Array] = {}
    for node in m.nodes:
        for name in filter(None, node.inputs):
            if name not in values:
                constant = scope.constant(name)
                assert constant is not None  # or it wouldn't be in the tree
                values[name] = constant.data()
        results = _compute(node, values, scope)
        if results is None:
            return ""
        values.update(results)
    for name in made:
        edit.settle(Tensor.from_array(name, np.array(values[name], order="C", copy=None)))
    edit.forget(*made)
    return "it reads constants only"


def _compute(node: Node, values: Mapping[str, Array], scope: Scope) -> dict[str, Array] | None:
    """A node's outputs by name; None where they can't be told exactly enough."""
    inputs = [values[name] if name else None for name in node.inputs]
    sums = node.op_type in _BY_REFERENCE or node.op_type.startswith(("Reduce", "CumSum"))
    if sums and any(value is not None and value.dtype == np.float16 for value in inputs):
        return None  # it matters in which precision it is summed
    if node.op_type in _BY_REFERENCE - {"MatMul"} and any(
        value is not None and value.dtype.kind != "f" for value in inputs
    ):
        return None  # the model is broken
    if node.op_type in _BY_REFERENCE:
        results: Sequence[Array] = _by_reference(node, values, scope.opset())
    else:
        infos = [v if v is None else Info(_type(v), v.shape, value=v) for v in inputs]
        results = fold(ShapeCall(node, infos, scope.opset()), _ROOM) or ()
    named_results = {t: v for t, v in zip(node.outputs, results, strict=False) if t}
    for name in filter(None, node.outputs):
        value = named_results.get(name)
        if value is None or (value.shape, _type(value)) != (scope.shape(name), scope.dtype(name)):
            return None
    return named_results


def _type(array: Array) -> int:
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def _by_reference(node: Node, values: Mapping[str, Array], opset: int) -> Sequence[Array]:
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 - loads every operator

    feeds = {name: values[name] for name in node.inputs if name}
    inputs = [helper.make_tensor_value_info(n, _type(v), v.shape) for n, v in feeds.items()]
    outputs = [ValueInfoProto(name=name) for name in node.outputs]
    model = helper.make_model(
        helper.make_graph([node.as_proto()], "node", inputs, outputs),
        opset_imports=[helper.make_opsetid("", opset)],
    )
    return list(ReferenceEvaluator(model).run(None, feeds))
