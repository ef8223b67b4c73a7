"""What the reports' header says of a graph: its size, opsets, inputs and outputs."""

from __future__ import annotations

from onnx import TypeProto

from ..graph import Graph, dtypes
from ..graph.shapes import Info, Quality, Shapes
from .cost import count_nodes
from .result import ModelSummary, Port


def summary(graph: Graph, shapes: Shapes, path: object) -> ModelSummary:
    """The summary of a root graph; ``path`` is the file that it is from, or None."""
    inputs = {n: shapes.get(n) for n in graph.inputs if n not in graph.initializers}
    outputs = {n: shapes.get(n) for n in graph.outputs}
    return ModelSummary(
        path=str(path or ""),
        opset=dict(graph.opset),
        nodes=count_nodes(graph),
        inputs={n: None if i is None else i.shape for n, i in inputs.items()},
        assumed_dims=dict(shapes.assumed),
        inferred_dims=dict(shapes.inferred),
        overridden=dict(shapes.overridden),
        ports=(
            {n: port(i) for n, i in inputs.items()},
            {n: port(i) for n, i in outputs.items()},
        ),
        graph=graph,
    )


def port(info: Info | None) -> Port:
    """Type and shape of a tensor as far as they are known."""
    if info is None:
        return Port("", None)
    if info.type is not None:
        return Port(_type(info.type), None)
    known = info.dtype != dtypes.UNDEFINED
    bound = info.quality is Quality.BOUND and info.shape != ()
    return Port(dtypes.name(info.dtype) if known else "", info.shape, bound)


def _type(proto: TypeProto) -> str:
    """``sequence(float32)``, ``map(int64, float32)``."""
    match proto.WhichOneof("value"):
        case "sequence_type":
            return f"sequence({_type(proto.sequence_type.elem_type)})"
        case "optional_type":
            return f"optional({_type(proto.optional_type.elem_type)})"
        case "map_type":
            key = dtypes.name(proto.map_type.key_type)
            return f"map({key}, {_type(proto.map_type.value_type)})"
        case "tensor_type":
            return dtypes.name(proto.tensor_type.elem_type)
        case "sparse_tensor_type":
            return f"sparse {dtypes.name(proto.sparse_tensor_type.elem_type)}"
    return "?"
