"""onnxsim as a step: called so that the model's interface survives.

By default onnxsim takes an initializer that is also a graph input for a constant and deletes that
input, raises old IR versions, takes a negative dim for a size, folds constants to other types and
leaves metadata of its own behind. All of that is prevented or mended here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto
from onnx.helper import make_tensor_type_proto, make_tensor_value_info

from ..graph import Graph, OcostError, from_proto, to_proto
from ..graph.shapes import Shapes, infer
from .onnxsim_folds import disputed
from .onnxsim_optimizers import FOLDING, trusted
from .onnxsim_process import shared

_LARGEST = 2**31 - 2**20  # bytes of constants; protobuf writes no more, and needs some for the rest
_OWN_METADATA = "onnxsim."
# Types that numpy has: those that onnxsim is known to compute in. Others it stores as their bits.
_PLAIN = frozenset(
    {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BOOL}
    | {TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64}
    | {TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64}
)


@dataclass(frozen=True)
class Simplified:
    """A simplified graph, and what made it."""

    graph: Graph
    made_by: str


class DisputedError(OcostError):
    """A constant that onnxsim computed is not what the standard says."""


Growth = Literal["any", "small"]


def simplify(
    graph: Graph,
    optimizers: Collection[str] | None = None,
    growth: Growth = "any",
) -> Simplified:
    """What onnxsim makes of a graph; the graph itself stays as it is.

    Weights are needed for that: they are read, or regenerated for a weightless graph.

    Parameters
    ----------
    graph
        A root graph.
    optimizers
        The names of those that may run, ``constant_folding`` among them; by default all that are
        trusted.
    growth
        Which constants it may compute. ``any`` may make a file grow a lot: onnxsim stores a
        transposed copy of a weight that others read as it is. ``small`` are those up to 64 KB.

    Raises
    ------
    DiedError
        If onnxsim's process dies.
    DisputedError
        If onnx's reference evaluator computes another constant.
    OcostError
        If onnxsim fails on the model, or the model is over protobuf's 2 GB.
    """
    names = trusted() if optimizers is None else tuple(optimizers)
    if _stored(graph) > _LARGEST:
        raise OcostError("onnxsim takes no model of over 2 GB")
    shapes = infer(graph)
    model = to_proto(graph, "filled")
    declared = [_copy(output) for output in model.graph.output]
    _open_negative_dims(model.graph)
    _complete_outputs(model, shapes)
    made = shared().simplify(
        model,
        [name for name in names if name != FOLDING],
        mutable_initializer=any(graph.overridable(name) for name in graph.initializers),
        tensor_size_threshold="64KB" if growth == "small" else "1.5GB",
        skip_constant_folding=FOLDING not in names or _spoils(shapes),
    )
    if FOLDING in names and (why := disputed(model, made)):
        raise DisputedError(why)
    _mend(model, made)
    _unname(model.graph, made.graph)
    del made.graph.output[:]
    made.graph.output.extend(declared)
    return Simplified(from_proto(made), f"onnxsim {version('onnxsim')}")


def _stored(graph: Graph) -> int:
    """Bytes of all constants, without reading them."""
    found = sum(tensor.nbytes or 0 for tensor in graph.initializers.values())
    bodies = (body for node in graph for body in graph.subgraphs(node).values())
    return found + sum(map(_stored, bodies))


def _spoils(shapes: Shapes) -> bool:
    """Whether onnxsim might compute a constant of a type that it stores under another one.

    It makes a uint8 of a float8, for one. What it doesn't fold then, ``fold-constants`` may.
    """
    computed = (node for node in shapes.graph if node.op_type != "Constant")
    made = (shapes.get(t) for node in computed for t in node.outputs if t)
    odd = any(i is not None and i.constant and i.dtype not in _PLAIN and i.dtype for i in made)
    return odd or any(map(_spoils, shapes.bodies.values()))


def _open_negative_dims(graph: GraphProto) -> None:
    """Some exporters write -1 for an open dim, which onnxsim takes for a size."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.HasField("dim_value") and dim.dim_value < 0:
                dim.ClearField("dim_value")
    for node in graph.node:
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                _open_negative_dims(body)


def _complete_outputs(model: ModelProto, shapes: Shapes) -> None:
    """onnxsim refuses an output that declares no shape: give it the one that is inferred."""
    for output in model.graph.output:
        info = shapes.get(output.name)
        declared = output.type.tensor_type.HasField("shape")
        if not declared and info is not None and info.shape is not None and info.type is None:
            output.type.CopyFrom(make_tensor_type_proto(info.dtype, [None] * len(info.shape)))


def _copy(output: ValueInfoProto) -> ValueInfoProto:
    made = ValueInfoProto()
    made.CopyFrom(output)
    return made


def _mend(before: ModelProto, after: ModelProto) -> None:
    """Undo what a user did not ask for."""
    after.ir_version = before.ir_version
    del after.metadata_props[:]
    after.metadata_props.extend(before.metadata_props)
    written = {n.name: n for n in before.graph.node if n.name}
    for node in after.graph.node:
        old = written.get(node.name)
        if old is not None and old.op_type == node.op_type:
            if not node.doc_string:
                node.doc_string = old.doc_string
            there = {p.key for p in node.metadata_props}
            node.metadata_props.extend(p for p in old.metadata_props if p.key not in there)
        own = [p for p in node.metadata_props if not p.key.startswith(_OWN_METADATA)]
        if len(own) != len(node.metadata_props):
            del node.metadata_props[:]
            node.metadata_props.extend(own)
    if before.ir_version < 4:  # there, every initializer has to be listed as an input
        listed = {v.name for v in after.graph.input}
        after.graph.input.extend(
            make_tensor_value_info(t.name, t.data_type, t.dims)
            for t in after.graph.initializer
            if t.name not in listed
        )
    _keep_symbols(before.graph, after.graph)
    _undeclare(before.graph, after.graph)
    names, made = _interface(before), _interface(after)
    if names != made:
        odd = sorted(set(names) ^ set(made))[:3] or names[:3]
        raise OcostError(f"onnxsim changes the model's interface: {', '.join(odd)}")


def _keep_symbols(before: GraphProto, after: GraphProto) -> None:
    """Take back the names that onnxsim gives to open dims which have one."""
    inputs = {value.name: value for value in before.input}
    symbols: dict[str, str] = {}
    for value in after.input:
        if value.name in inputs:
            old, new = (v.type.tensor_type.shape.dim for v in (inputs[value.name], value))
            symbols.update(zip((d.dim_param for d in new), (d.dim_param for d in old), strict=True))
            value.CopyFrom(inputs[value.name])
    for value in after.value_info:
        for dim in value.type.tensor_type.shape.dim:
            if symbols.get(dim.dim_param):
                dim.dim_param = symbols[dim.dim_param]


def _undeclare(before: GraphProto, after: GraphProto) -> None:
    """Drop the types that onnxsim declares and the model did not.

    A runtime infers them itself, where it can. Where it can't, onnxruntime 1.32 is better off
    without: they make it fuse SkipLayerNormalization, which takes its CPU provider five times as
    long as two Adds and a LayerNormalization (measured, 128 x 768: 436 us against 90).
    """
    declared = {value.name for value in before.value_info}
    kept = [value for value in after.value_info if value.name in declared]
    del after.value_info[:]
    after.value_info.extend(kept)


def _unname(before: GraphProto, after: GraphProto) -> None:
    """Take back the names that onnxsim gives to nodes without one."""
    unnamed = {n.output[0]: n for n in before.node if n.output and not n.name}
    bodies = {(n.output[0], a.name): a.g for n in before.node for a in n.attribute if n.output}
    for node in after.node:
        first = node.output[0] if node.output else ""
        if first in unnamed and unnamed[first].op_type == node.op_type:
            node.name = ""
        for attribute in node.attribute:
            if (first, attribute.name) in bodies:
                _unname(bodies[first, attribute.name], attribute.g)


def _interface(model: ModelProto) -> list[str]:
    """Names of inputs that a caller gives, and of outputs, in order."""
    constants = {t.name for t in model.graph.initializer} if model.ir_version < 4 else set()
    inputs = [v.name for v in model.graph.input if v.name not in constants]
    return [*inputs, *(v.name for v in model.graph.output)]
