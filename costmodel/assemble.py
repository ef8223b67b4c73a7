"""Costed nodes put together to the cost of a graph, at whichever level it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..graph import Graph
from ..graph.shapes import Shapes
from ..graph.tensor import Tensor
from .cost import Costed, count_nodes
from .estimators import Estimator
from .memory import Memory
from .params import by_path, constants, parameters_by_constant
from .result import GraphCost, Level
from .summary import summary
from .totals import coverage, file_bytes, totals


def assemble(
    shapes: Shapes,
    costed: Sequence[Costed],
    estimator: Estimator,
    level: Level,
    *,
    stored: Sequence[Tensor],
    alive: Memory | None,
    source: Graph | None = None,
) -> GraphCost:
    """The cost of a graph.

    Parameters
    ----------
    shapes, costed
        Of the graph.
    estimator
        Says how long each node takes.
    level
        Which form of the model the graph is.
    stored
        The graph's constants.
    alive
        Activation memory; None where a size is not known.
    source
        The graph in the user's file, where that is another one.
    """
    graph = shapes.graph
    source = source or graph
    nodes = tuple(map(estimator, costed))
    on_disk = file_bytes(source, stored if source is graph else constants(source))
    params = parameters_by_constant(costed)
    constants_ = sum(params.values())
    whole = estimator.whole(nodes)
    figures = totals(shapes, costed, nodes, constants_, stored, alive, on_disk, whole)
    made_of = summary(graph, shapes, source.header.source.path)
    if source is not graph:
        nodes_in_file = count_nodes(source)
        made_of = replace(made_of, opset=dict(source.opset), nodes=nodes_in_file, graph=source)
    return GraphCost(
        made_of,
        level,
        nodes,
        figures,
        coverage(nodes),
        shapes=shapes,
        params=by_path(params),
    )
