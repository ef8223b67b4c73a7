"""Whether the outputs of two models can be compared at all, and how each has to be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import networkx as nx
import numpy as np

from ...graph import Graph, Node, dtypes
from ...graph.operators import VIEWS
from ...graph.shapes import Info, prove
from ...graph.shapes.onnx_inference import from_type
from .closeness import By
from .noise import SPACING

# What they pick may change places, or change, where two candidates are all but equal.
_SELECTING = frozenset({"NonMaxSuppression", "NonZero", "TopK", "Unique"})
_MOVES = VIEWS | {"Identity", "Transpose"}
# They round to whole steps: a difference of one part in a million may become one step.
_STEPPING = frozenset(
    {"DynamicQuantizeLinear", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "QAttention"}
    | {"QEmbedLayerNormalization", "QGemm", "QuantizeLinear"}
)


def mismatch(before: Graph, after: Graph, *, other_floats: bool = False) -> str:
    """How the interfaces differ, "" if they don't: names, order, types, ranks, open dims.

    Parameters
    ----------
    before, after
        Root graphs. What they declare is compared, and the types and ranks that outputs have in
        every run as far as inference can tell: a declaration may be wrong, or not be there.
    other_floats
        Whether one kind of float may stand for another.
    """
    for side in ("input", "output"):
        there, here = _interface(before, side), _interface(after, side)
        if list(there) != list(here):
            return f"{side}s are {', '.join(here)} instead of {', '.join(there)}"
        for name, info in there.items():
            text = _difference(info, here[name], other_floats, dims=True, strict=side == "input")
            if text:
                return f"{side} '{name}' {text}"
    there, here = _inferred(before), _inferred(after)
    for name, info in there.items():
        if name in here:
            text = _difference(info, here[name], other_floats, dims=False)
            if text:
                return f"output '{name}' {text}"
    return ""


def _interface(graph: Graph, side: str) -> dict[str, Info]:
    names: Iterable[str] = graph.outputs
    if side == "input":
        names = [n for n in graph.inputs if n not in graph.initializers or graph.overridable(n)]
    return {name: from_type(graph.declared[name].type) for name in names}


def _inferred(graph: Graph) -> dict[str, Info]:
    """What holds for the outputs in every run."""
    shapes = prove(graph)
    found = {name: shapes.get(name) for name in graph.outputs}
    return {name: info for name, info in found.items() if info is not None}


def _difference(
    there: Info, here: Info, other_floats: bool, *, dims: bool, strict: bool = False
) -> str:
    kinds = [info.type.WhichOneof("value") if info.type else None for info in (there, here)]
    if kinds[0] != kinds[1]:
        return "is of another kind"
    types = (there.dtype, here.dtype)
    alike = other_floats and all(map(dtypes.is_float, types))
    if there.dtype != here.dtype and dtypes.UNDEFINED not in types and not alike:
        return f"is {dtypes.name(here.dtype)} instead of {dtypes.name(there.dtype)}"
    if there.shape is None or here.shape is None:
        return ""
    if len(there.shape) != len(here.shape):
        return f"has {len(here.shape)} dims instead of {len(there.shape)}"
    for axis, (old, new) in enumerate(zip(there.shape, here.shape, strict=True)):
        if dims and old != new and (strict or None not in (old, new)):
            text = ["open" if dim is None else str(dim) for dim in (old, new)]
            return f"is {text[1]} instead of {text[0]} in dim {axis}"
    return ""


def how(graph: Graph, output: str, dtype: str, *, quantised: bool) -> By:
    """How an output has to be compared, by what computes it and by numpy's name of its type."""
    number = dtype in SPACING
    if _behind(graph, output) & _SELECTING:
        return "rows" if number else "members"
    steps = quantised and dtype in ("int8", "uint8", "int16", "uint16")
    return "values" if number or steps else "elements"


def step(graph: Graph, output: str) -> float:
    """The quantisation step of an output that is dequantised at the end; 0 if it is not.

    Rounding to the other side of one is rare, and explains a whole step where it happens.
    """
    maker = graph.producer(output)
    while maker is not None and maker.op_type in _MOVES:
        maker = graph.producer(maker.inputs[0])
    if maker is None or maker.op_type != "DequantizeLinear":
        return 0.0
    scale = graph.constant(maker.inputs[1])
    return 0.0 if scale is None else float(np.abs(scale.data().astype(np.float64)).max(initial=0))


def is_quantised(graph: Graph) -> bool:
    """Whether something rounds to quantisation steps in a graph."""
    return any(op in _STEPPING or op.startswith("QLinear") for op in _ops(graph, graph))


def _behind(graph: Graph, output: str) -> set[str]:
    """The operators that an output is computed by."""
    maker = graph.producer(output)
    if maker is None:
        return set()
    return set(_ops(graph, map(graph.node, (maker.id, *nx.ancestors(graph.nx, maker.id)))))


def _ops(graph: Graph, nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        yield node.op_type
        yield from _inside(graph, node)
        for body in graph.subgraphs(node).values():
            yield from _ops(body, body)


def _inside(graph: Graph, node: Node) -> set[str]:
    """The operators of the function that a node calls, and of those that it calls in turn."""
    functions = graph.header.functions
    ops: set[str] = set()
    seen = set()
    todo = [(node.domain, node.op_type, node.overload)]
    while todo:
        key = todo.pop()
        if key in functions and key not in seen:
            seen.add(key)
            ops.update(inner.op_type for inner in functions[key].node)
            todo += [(n.domain, n.op_type, n.overload) for n in functions[key].node]
    return ops
