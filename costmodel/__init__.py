"""What a graph costs: formulas, memory, roofline, devices."""

from __future__ import annotations

from ..graph import Graph
from ..graph.collection import uncollected
from ..graph.shapes import Given, infer
from .cost import cost_nodes
from .device import Device
from .notes import notes
from .params import constants
from .result import GraphCost, NodeCost, Totals
from .roofline import estimate
from .summary import summary
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
    return GraphCost(
        summary(graph, shapes, graph.header.source.path),
        "written",
        nodes,
        totals(shapes, costed, nodes, stored),
        coverage(nodes),
        notes(shapes, costed, nodes, device, stored),
        shapes,
    )
