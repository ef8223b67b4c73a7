"""What a graph costs as a device's runtime executes it, by rules: no runtime is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ...collection import uncollected
from ...costmodel.cost import Costed
from ...costmodel.device import Device
from ...costmodel.executed import as_executed, executed_cost, executed_nodes
from ...costmodel.result import GraphCost, ModelSummary
from ...graph import Graph
from ...graph.shapes import Given, infer
from . import Lowered, OptimizationLevel, Target, lower_mended
from .blockers import Blockers
from .sizes import Opened, opened
from .target import Version
from .targets import IDEAL, RUNTIMES


class LoweredCost(NamedTuple):
    """The cost at ``executed``, the lowered graph that it is of, and what stood in its way."""

    cost: GraphCost
    lowered: Lowered
    blockers: Blockers


class Choice(NamedTuple):
    """What a graph is lowered for on a device, and what its reader should know of that."""

    target: Target
    notes: tuple[str, ...]


def target_of(device: Device) -> Choice:
    """The target that a device names, or the nearest that there is.

    A version that is not tabulated is taken for the nearest one. A runtime without rules is taken
    for an ideal one, which fuses all that may be fused.
    """
    level = OptimizationLevel[device.runtime_level.upper()]
    block = device.channel_block if device.channel_block > 1 else 0
    if device.runtime not in RUNTIMES:
        note = (
            f"executed on the target '{IDEAL}', which fuses all that may be fused: there are "
            f"no rules for {device.runtime}"
        )
        return Choice(Target(IDEAL, block=0, level=level), (note,))
    runtime = RUNTIMES[device.runtime]()
    target = Target(runtime.name, block=block, level=level)
    if not (runtime.versions and device.runtime_version):
        return Choice(target, ())
    wanted = _version(device.runtime_version)
    taken = runtime.nearest(wanted)
    notes: tuple[str, ...] = ()
    if taken != wanted:
        notes = (
            f"executed by the rules for {runtime.name} {_text(taken)}, the nearest to "
            f"{_text(wanted)}, which is not tabulated",
        )
    return Choice(target._replace(version=taken), notes)


def _version(text: str) -> Version:
    major, minor, *_ = text.split(".")
    return int(major), int(minor)


def _text(version: Version) -> str:
    return ".".join(map(str, version))


def lowered_cost(graph: Graph, device: Device, given: Given | None = None) -> LoweredCost:
    """The cost of what the device's runtime makes of a graph.

    Its notes say what target was taken where the device's own is not known.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    target, notes = target_of(device)
    found = cost_on(graph, device, target, given)
    return found._replace(cost=replace(found.cost, notes=(*notes, *found.cost.notes)))


def cost_on(
    graph: Graph, device: Device, target: Target, given: Given | None = None
) -> LoweredCost:
    """The cost of what a target makes of a graph, on a device.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    runtime = RUNTIMES[target.runtime]()
    inputs = opened(graph, given, fixed=runtime.fixed)
    lowered = lower_mended(graph, target, inputs.sizes, frozenset())
    cost = executed_cost(
        graph,
        lowered.graph,
        lowered.lineage,
        device,
        inputs.given,
        channels=lowered.blocked,
        activations=runtime.activations,
        footprints=runtime.footprints,
    )
    cost = replace(cost, model=_as_given(cost.model, inputs))
    found = Blockers(graph, target, device, lowered, cost, inputs)
    return LoweredCost(replace(cost, blockers=found), lowered, found)


def _as_given(model: ModelSummary, inputs: Opened) -> ModelSummary:
    """What is said of a model, with what the user gave or left open before it was lowered."""
    assumed, inferred, overridden = inputs.assumed, inputs.inferred, inputs.overridden
    if assumed is None or inferred is None or overridden is None:
        return model
    return replace(model, assumed_dims=assumed, inferred_dims=inferred, overridden=overridden)


def lowered_nodes(graph: Graph, device: Device, given: Given | None = None) -> list[Costed]:
    """The nodes that the device's runtime executes, costed.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    return lowered_with_nodes(graph, device, given)[1]


@uncollected()
def lowered_with_nodes(
    graph: Graph, device: Device, given: Given | None = None
) -> tuple[Lowered, list[Costed]]:
    """What the device's runtime makes of a graph, and its nodes, costed.

    Less than ``lowered_cost``, for whoever asks often: nothing is said of memory and totals.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    target = target_of(device).target
    inputs = opened(graph, given, fixed=RUNTIMES[target.runtime]().fixed)
    lowered = lower_mended(graph, target, inputs.sizes, frozenset())
    shapes = infer(lowered.graph, as_executed(inputs.given, lowered.lineage))
    return lowered, executed_nodes(shapes, lowered.lineage, lowered.blocked)
