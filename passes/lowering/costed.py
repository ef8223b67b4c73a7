"""What a graph costs as a device's runtime executes it, by rules: no runtime is asked."""

from __future__ import annotations

from typing import NamedTuple

from ...costmodel.device import Device
from ...costmodel.executed import executed_cost
from ...costmodel.result import GraphCost
from ...graph import Graph
from ...graph.shapes import Given
from . import Lowered, Target, lower

_RUNTIME = "onnxruntime-cpu"


class LoweredCost(NamedTuple):
    """The cost at ``executed``, and the lowered graph that it is of."""

    cost: GraphCost
    lowered: Lowered


def target_of(device: Device) -> Target | None:
    """What a graph is lowered for on a device; None where its runtime has no rules."""
    if device.runtime != _RUNTIME:
        return None
    return Target(_RUNTIME, block=device.channel_block if device.channel_block > 1 else 0)


def lowered_cost(graph: Graph, device: Device, given: Given | None = None) -> LoweredCost | None:
    """The cost of what the device's runtime makes of a graph; None where there are no rules.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    target = target_of(device)
    return None if target is None else cost_on(graph, device, target, given)


def cost_on(
    graph: Graph, device: Device, target: Target, given: Given | None = None
) -> LoweredCost:
    """The cost of what a target makes of a graph, on a device.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    lowered = lower(graph, target, given)
    cost = executed_cost(
        graph, lowered.graph, lowered.lineage, device, given, channels=lowered.blocked
    )
    return LoweredCost(cost, lowered)
