"""The order in which a manifest numbers a model's tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto


def walk(model: ModelProto) -> Iterator[tuple[TensorProto, str]]:
    """Each TensorProto with the name of the value that it gives ("" for another attribute).

    A graph's initialisers come first, then node by node the attributes in their order,
    subgraphs in place; the model's local functions last.
    """
    yield from _graph(model.graph)
    for function in model.functions:
        yield from _nodes(function.node)


def _graph(graph: GraphProto) -> Iterator[tuple[TensorProto, str]]:
    yield from ((tensor, tensor.name) for tensor in graph.initializer)
    yield from _nodes(graph.node)


def _nodes(nodes: Iterable[NodeProto]) -> Iterator[tuple[TensorProto, str]]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                yield attribute.t, next(iter(node.output), "") if node.op_type == "Constant" else ""
            elif attribute.type == AttributeProto.TENSORS:
                yield from ((tensor, "") for tensor in attribute.tensors)
            elif attribute.type == AttributeProto.GRAPH:
                yield from _graph(attribute.g)
            elif attribute.type == AttributeProto.GRAPHS:
                for graph in attribute.graphs:
                    yield from _graph(graph)


def consumed(model: ModelProto, slots: Mapping[str, int]) -> set[str]:
    """Names of the values that an operator of ``slots`` takes in the slot given there."""
    bodies = (model.graph.node, *(function.node for function in model.functions))
    return {
        node.input[slots[node.op_type]]
        for body in bodies
        for node in everywhere(body)
        if node.op_type in slots and len(node.input) > slots[node.op_type]
    }


def everywhere(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes, and those of their bodies."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from everywhere(graph.node)
