"""What a graph costs: formulas, memory, roofline, devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..graph import Graph, dtypes
from ..graph.shapes import Given, Quality, Shapes, infer
from .cost import cost_nodes, count_nodes
from .device import Device
from .result import GraphCost, ModelSummary, NodeCost, Totals
from .roofline import estimate
from .totals import coverage, totals

__all__ = ["Device", "GraphCost", "NodeCost", "Totals", "cost_graph"]


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
        totals(shapes, costed, nodes),
        coverage(nodes),
        _notes(shapes, nodes, device),
    )


def _notes(shapes: Shapes, nodes: tuple[NodeCost, ...], device: Device) -> tuple[str, ...]:
    """Assumptions worth a line: element types without a peak of their own, trip counts."""
    foreign = Counter(
        dtypes.name(node.dtype)
        for node in nodes
        if node.flops and node.dtype is not None and not device.peak(node.dtype)[1]
    )
    notes = [
        f"{device.name} has no peak for {name}: float32's is used ({count} nodes)"
        for name, count in foreign.items()
        if name.startswith(("float", "bfloat", "int8", "uint8"))
    ]
    return (*notes, *_trip_notes(shapes))


def _trip_notes(shapes: Shapes) -> Iterator[str]:
    """What decides how often a body runs, where that is not known exactly."""
    for node_id, (trips, quality) in shapes.trips.items():
        if quality is Quality.EXACT:
            continue
        path = shapes.graph.prefix + node_id
        if shapes.graph.node(node_id).op_type == "If":
            yield f"'{path}' may take its other branch: its condition rests on inexact shapes"
        elif quality is Quality.ASSUMED:
            why = "its trip count is not known, or rests on assumed dims"
            yield f"'{path}' is assumed to run {trips} time(s): {why}"
        else:
            yield f"'{path}' runs at most {trips} times: its condition may end it early"
    for body in shapes.bodies.values():
        yield from _trip_notes(body)
