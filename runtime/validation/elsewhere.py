"""A profile that was taken elsewhere, checked against the cost model."""

from __future__ import annotations

from pathlib import Path

from ...costmodel import Device, cost_graph
from ...costmodel.executed import executed_cost
from ...graph import Graph, OcostError
from ...graph.shapes import Given
from ..registry import runtime_for
from .environment import Environment
from .joined import validate
from .loops import as_seen, original_trips, trips_note
from .profiled import Profiled, reservations
from .sums import covered_cost

_ELSEWHERE = Environment(None, None, None, None, None, None, None, None)


def check_profile(
    graph: Graph,
    device: Device,
    trace: Path,
    optimized: Path | None = None,
    given: Given | None = None,
) -> Profiled:
    """Attribute a profile to a graph and compare with what that costs on a device.

    Parameters
    ----------
    graph
        The graph as it was profiled, or what ``prepare`` made the profiled one from.
    device
        Whose roofline predicts.
    trace
        The profile's JSON.
    optimized
        The graph that the profiled session saved.
    given
        Shapes, dims and values of the inputs that it was profiled with.

    Raises
    ------
    OcostError
        If a file can't be read or is not what it should be, or if nothing that was profiled is
        found in the graph.
    """
    found = runtime_for(device.runtime).imported(graph, trace, optimized)
    seen = original_trips(found.profile.trips, found.attribution, graph)
    given = given or Given()
    written = cost_graph(graph, device, as_seen(graph, given, seen))
    if found.by_names:
        executed = covered_cost(found, written)
    else:
        ran = found.profile.optimized
        told = as_seen(ran, given, found.profile.trips)
        executed = executed_cost(graph, ran, found.attribution, device, told)
    validation = validate(found.profile, found.attribution, executed, written)
    if not any(node.placed for node in validation.nodes):
        raise OcostError(
            f"{trace}: none of the {len(validation.nodes)} nodes in it is found in the model: is "
            "it this model's, as --prepare writes it?"
        )
    return Profiled(
        written,
        executed,
        device,
        _ELSEWHERE,
        found.profile,
        validation,
        None,
        (*found.notes, *trips_note(seen), *reservations(validation)),
        origin=trace,
        trips=seen,
    )
