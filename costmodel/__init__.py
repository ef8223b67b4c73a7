"""What a graph costs: formulas, memory, roofline, devices."""

from __future__ import annotations

from ..graph import Graph
from ..graph.collection import uncollected
from ..graph.shapes import Given, infer
from .cost import cost_nodes, count_nodes
from .device import Device
from .notes import notes
from .params import constants
from .result import GraphCost, ModelSummary, NodeCost, Totals
from .roofline import estimate
from .totals import coverage, totals

__all__ = ["Device", "GraphCost", "NodeCost", "Totals", "cost_graph"]


@uncollected()
def cost_graph(graph: Graph, device: Device, given: Given | None = None) -> GraphCost:
    """Cost a graph as written, with a roofline latency of every node on a device.

    Parameters
    ----------
    graph
        A root graph.
    device
        Whose roofline to use.
    given
        Shapes, dims and values of inputs.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    shapes = infer(graph, given)
    costed = cost_nodes(shapes)
    stored = list(constants(graph))
    nodes = tuple(estimate(c.cost, device) for c in costed)
    inputs = {n: shapes.get(n) for n in graph.inputs if n not in graph.initializers}
    summary = ModelSummary(
        path=str(graph.header.source.path or ""),
        opset=dict(graph.opset),
        nodes=count_nodes(graph),
        inputs={n: None if i is None else i.shape for n, i in inputs.items()},
        assumed_dims=dict(shapes.assumed),
        graph=graph,
    )
    return GraphCost(
        summary,
        "written",
        nodes,
        totals(shapes, costed, nodes, stored),
        coverage(nodes),
        notes(shapes, costed, nodes, device, stored),
    )
