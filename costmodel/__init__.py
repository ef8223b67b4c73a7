"""What a graph costs: formulas, memory, roofline, devices."""

from __future__ import annotations

from dataclasses import replace

from ..collection import uncollected
from ..graph import Graph
from ..graph.shapes import Given, infer
from .assemble import assemble
from .cost import cost_nodes
from .device import Device
from .estimators import estimator_for
from .memory import memory
from .notes import notes
from .params import constants
from .result import GraphCost, NodeCost, Totals

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
    alive = memory(shapes, costed)
    cost = assemble(shapes, costed, estimator_for(device), "written", stored=stored, alive=alive)
    return replace(cost, notes=notes(shapes, costed, cost.nodes, device, stored))
