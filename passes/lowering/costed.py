"""What a graph costs as a device's runtime executes it, by rules: no runtime is asked."""

from __future__ import annotations

from ...costmodel.device import Device
from ...costmodel.executed import executed_cost
from ...costmodel.result import GraphCost
from ...graph import Graph
from ...graph.shapes import Given
from . import Lowered, Target, lower

_RUNTIME = "onnxruntime-cpu"


def target_of(device: Device) -> Target | None:
    """What a graph is lowered for on a device; None where its runtime has no rules."""
    if device.runtime != _RUNTIME:
        return None
    return Target(_RUNTIME, block=device.channel_block if device.channel_block > 1 else 0)


def lowered_cost(
    graph: Graph, device: Device, given: Given | None = None
) -> tuple[GraphCost, Lowered] | None:
    """The cost at ``executed``, and the graph that it is of; None without rules for the device.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    target = target_of(device)
    if target is None:
        return None
    lowered = lower(graph, target)
    cost = executed_cost(graph, lowered.graph, lowered.lineage, device, given, lowered.blocked)
    return cost, lowered
