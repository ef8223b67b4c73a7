"""A model whose nodes carry their ids as names, so that what a runtime says can be traced back."""

from __future__ import annotations

from onnx import GraphProto, ModelProto

from ..graph import Graph, to_proto
from ..graph.save import Weights


def named(graph: Graph, weights: Weights = "filled") -> ModelProto:
    """The model with its weights, ``filled`` or as ``to_proto`` has them, and nodes named by path.

    Nodes of bodies are named too, and calls of functions; a function's own nodes are shared by
    its calls and keep what names they have. A runtime anchors what it makes of some nodes by
    their names alone, so a node without one could not be found again.

    Raises
    ------
    OcostError
        If the weights can't be read.
    """
    model = to_proto(graph, weights)
    _name(graph, model.graph)
    return model


def _name(graph: Graph, proto: GraphProto) -> None:
    for node, made in zip(graph, proto.node, strict=True):
        made.name = graph.path(node)
        bodies = graph.subgraphs(node)
        if not bodies:
            continue
        for attribute in made.attribute:
            if attribute.name in bodies:
                _name(bodies[attribute.name], attribute.g)
            for index, body in enumerate(attribute.graphs):
                _name(bodies[f"{attribute.name}.{index}"], body)
