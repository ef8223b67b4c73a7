"""What a graph costs as a device's runtime executes it, by rules: no runtime is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ...collection import uncollected
from ...costmodel.cost import Costed, cost_nodes
from ...costmodel.device import Device
from ...costmodel.executed import executed_cost, executed_nodes
from ...costmodel.result import GraphCost
from ...graph import Graph
from ...graph.shapes import Given, infer
from . import Lowered, Target, lower
from .blockers import Blockers

_RUNTIME = "onnxruntime-cpu"


class LoweredCost(NamedTuple):
    """The cost at ``executed``, the lowered graph that it is of, and what stood in its way."""

    cost: GraphCost
    lowered: Lowered
    blockers: Blockers


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
    found = Blockers(graph, target, device, lowered, cost, given)
    return LoweredCost(replace(cost, blockers=found), lowered, found)


@uncollected()
def lowered_nodes(graph: Graph, device: Device, given: Given | None = None) -> list[Costed]:
    """The nodes that the device's runtime executes, costed; those of the graph without rules.

    Less than ``lowered_cost``, for whoever asks often: nothing is said of memory and totals.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    target = target_of(device)
    if target is None:
        return cost_nodes(infer(graph, given))
    lowered = lower(graph, target, given)
    shapes = infer(lowered.graph, given)
    return executed_nodes(shapes, lowered.lineage, lowered.blocked)
