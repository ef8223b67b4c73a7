"""The six totals of a graph, in a few lines."""

from __future__ import annotations

from ..costmodel.result import GraphCost
from .figures import SIX
from .footing import marked, of_graph
from .numbers import unit_of
from .pieces import Grid


def six(cost: GraphCost) -> Grid:
    """The six totals."""
    footing = of_graph(cost)
    cells = []
    for label, figure in SIX:
        value = figure.of(cost.totals)
        unit = unit_of([value], figure.quantity)
        number = marked(unit.number(value), figure.mark(footing))
        cells.append((label, number if value is None else f"{number} {unit.name}".rstrip()))
    return Grid(cells)
