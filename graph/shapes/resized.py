"""A graph whose file fixes other sizes of inputs than the user wants, made to take them."""

from __future__ import annotations

from onnx import GraphProto

from ..graph import Graph
from .given import Given, input_infos


def resized(graph: Graph, given: Given | None) -> Graph:
    """The graph with the input sizes that the user overrides declared, to be run.

    What the file declares of inner tensors and outputs need not hold any more: types stay, their
    shapes go. A graph of which nothing is overridden is answered itself.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    inputs = input_infos(graph, given or Given())
    if not inputs.overridden:
        return graph
    made = graph.copy()
    for scope in {id(one): one for one in (made, *(s for s, _ in made.walk()))}.values():
        skeleton = GraphProto()
        skeleton.CopyFrom(scope.skeleton)
        del skeleton.value_info[:]
        inner = () if scope is made else skeleton.input
        for value in (*skeleton.output, *inner):
            if value.type.HasField("tensor_type"):
                value.type.tensor_type.ClearField("shape")
        scope.skeleton = skeleton
        scope.declared = {value.name: value for value in (*skeleton.output, *skeleton.input)}
    for name in inputs.overridden:
        shape = inputs.infos[name].resolved or ()
        for dim, size in zip(made.declared[name].type.tensor_type.shape.dim, shape, strict=True):
            if dim.HasField("dim_value"):
                dim.dim_value = size
    return made
