"""A model that an edit may change in place, with what it has to know of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper

Array = npt.NDArray[Any]
FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
INTEGERS = (TensorProto.INT64, TensorProto.INT32, TensorProto.INT8, TensorProto.UINT8)


@dataclass
class View:
    """A model, its constants and the types of its tensors, whatever body they are in.

    Parameters
    ----------
    model
        With its weights; edits change it.
    types
        By tensor, as inference says before any edit.
    nodes
        Each with the graph that it is in.
    constants
        Initializers and what Constant nodes hold.
    """

    model: ModelProto
    types: Mapping[str, TypeProto.Tensor]
    nodes: list[tuple[GraphProto, NodeProto]] = field(init=False)
    constants: dict[str, TensorProto] = field(init=False)

    def __post_init__(self) -> None:
        every = list(graphs(self.model.graph))
        self.nodes = [(graph, node) for graph in every for node in graph.node]
        self.constants = {}
        for graph in every:
            self.constants |= {tensor.name: tensor for tensor in graph.initializer}
            for node in graph.node:
                if node.op_type == "Constant" and node.attribute[0].name == "value":
                    self.constants[node.output[0]] = node.attribute[0].t

    @classmethod
    def of(cls, model: ModelProto) -> View:
        """Of a model, which is not changed."""
        try:
            inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        except onnx.shape_inference.InferenceError:
            inferred = model
        found = {}
        for graph in graphs(inferred.graph):
            for value in (*graph.input, *graph.output, *graph.value_info):
                found[value.name] = value.type.tensor_type
            for tensor in graph.initializer:
                kind = helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
                found[tensor.name] = kind.tensor_type
        return cls(model, found)

    def copy(self) -> View:
        """The same again, to be changed."""
        made = ModelProto()
        made.CopyFrom(self.model)
        return View(made, self.types)

    def dtype(self, name: str) -> int:
        """A tensor's type; 0 where it is not known."""
        kind = self.types.get(name)
        return kind.elem_type if kind is not None else 0

    def shape(self, name: str) -> tuple[int | str, ...] | None:
        """A tensor's dims, those that are open by their symbol; None where not even the rank is."""
        kind = self.types.get(name)
        if kind is None or not kind.HasField("shape"):
            return None
        return tuple(
            dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?"
            for dim in kind.shape.dim
        )

    def alike(self, one: str, other: str) -> bool:
        """Whether two tensors certainly have one type and shape."""
        shape = self.shape(one)
        same = shape is not None and "?" not in shape and shape == self.shape(other)
        return bool(same and self.dtype(one) and self.dtype(one) == self.dtype(other))

    def array(self, name: str) -> Array | None:
        """A constant's contents; None if it is none."""
        tensor = self.constants.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def constant(self, node: NodeProto, slot: int) -> Array | None:
        """The contents of a node's input, where that is a constant."""
        return self.array(node.input[slot]) if slot < len(node.input) else None

    def replace(self, graph: GraphProto, node: NodeProto, slot: int, array: Array) -> bool:
        """Give one node another constant in the place of one, of the same type; True."""
        old = self.constants[node.input[slot]]
        name = f"{node.input[slot]}.edited"
        if old.data_type == TensorProto.BFLOAT16:
            made = helper.make_tensor(name, old.data_type, array.shape, array.ravel().tolist())
        else:
            made = numpy_helper.from_array(np.array(array, order="C"), name)
        graph.initializer.append(made)
        node.input[slot] = name
        return True


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and all bodies in it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for body in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from graphs(body)


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:  # noqa: ANN401 - what an attribute holds
    """What an attribute holds."""
    for one in node.attribute:
        if one.name == name:
            return helper.get_attribute_value(one)
    return default


def assign(node: NodeProto, name: str, value: Any) -> bool:  # noqa: ANN401 - what an attribute holds
    """Set an attribute; True, so that an edit may end with it."""
    kept = [one for one in node.attribute if one.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
    return True


def rename_input(node: NodeProto, slot: int, name: str) -> bool:
    """Let a node read another tensor; True."""
    node.input[slot] = name
    return True


def skip(graph: GraphProto, node: NodeProto, slot: int = 0) -> bool:
    """Let a node hand on one of its inputs as it is; True."""
    kept, made = node.input[slot], node.output[0]
    node.Clear()
    node.CopyFrom(helper.make_node("Identity", [kept], [made], name=f"{made}.skipped"))
    return True


def insert_before(graph: GraphProto, node: NodeProto, made: Sequence[NodeProto]) -> bool:
    """Put nodes in front of another of the same graph; True."""
    at = next(n for n, other in enumerate(graph.node) if other.output[:] == node.output[:])
    for other in reversed(made):
        graph.node.insert(at, other)
    return True


def version(model: ModelProto) -> int:
    """The opset of the default domain."""
    return next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
