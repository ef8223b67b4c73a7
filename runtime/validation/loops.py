"""What the trips of loops in a profile tell the cost model."""

from __future__ import annotations

from collections.abc import Iterator

from ...graph import Graph
from ...graph.shapes import Given, Quality, Shapes, infer
from ...lineage.lineage import Lineage
from ..profiles import Trips

_LOOPS = frozenset({"Loop", "Scan"})
_LISTED = 4


def original_trips(trips: Trips, attribution: Lineage, original: Graph) -> Trips:
    """What the runs saw of each executed loop, by the paths of the loops as written."""
    loops = {scope.path(node) for scope, node in original.walk() if node.op_type in _LOOPS}
    return {
        path: trips[executed.name]
        for executed in attribution.executed
        if executed.name in trips
        for path in executed.originals
        if path in loops
    }


def as_seen(graph: Graph, given: Given, trips: Trips) -> Given:
    """What is given, with the trips of those loops that the model alone does not tell exactly."""
    if not trips:
        return given
    known = dict(_inexact(infer(graph, given._replace(trips={}))))
    told = {
        path: round(seen)
        for path, seen in trips.items()
        if path in known and (known[path] is None or round(seen) <= (known[path] or 0))
    }
    return given._replace(trips={**given.trips, **told})


def _inexact(scope: Shapes) -> Iterator[tuple[str, int | None]]:
    """Loops whose trips are not known, each with the most that it can make if that is."""
    for node_id, (trips, quality) in scope.trips.items():
        if scope.graph.node(node_id).op_type == "Loop" and quality is not Quality.EXACT:
            yield scope.graph.prefix + node_id, trips if quality is Quality.BOUND else None
    for body in scope.bodies.values():
        yield from _inexact(body)


def trips_note(trips: Trips) -> Iterator[str]:
    """One line on how often the loops ran, if there are any."""
    if trips:
        listed = [f"'{path}' {seen:.4g}" for path, seen in list(trips.items())[:_LISTED]]
        more = f" and {len(trips) - _LISTED} more" if len(trips) > _LISTED else ""
        yield f"trips seen, which the prediction takes: {', '.join(listed)}{more}"
