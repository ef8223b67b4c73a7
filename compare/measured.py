"""Two graphs measured against each other on this machine, and held against the prediction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy.typing as npt
from onnx import ModelProto

from ..costmodel import Device, Totals
from ..costmodel.executed import executed_cost
from ..costmodel.host import host
from ..graph import Graph, OcostError
from ..graph.shapes import Given, infer
from ..ledger.ran import Ran
from ..runtime.feeds.inputs import given_by, make_feeds
from ..runtime.naming import named
from ..runtime.profiles import Profile
from ..runtime.protocol import Options, Runtime
from ..runtime.registry import RUNTIMES, runtime_for
from ..runtime.timing.comparison import Comparison, compare
from ..runtime.timing.stopwatch import Run, pinned
from .regions import Regions, find_regions
from .result import Diff, Measured, Pair
from .verdict import Sides, conclude, ratio

Feeds = Mapping[str, npt.NDArray[Any]]

# Of a profile: runs, the share of the comparison's budget that they may take, and the least.
_RUNS, _SHARE, _LEAST = 50, 0.2, 5


def measure(
    before: Graph,
    after: Graph,
    diff: Diff,
    given: Given,
    *,
    feeds: Feeds | None = None,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Diff:
    """Compare two graphs in the device's runtime, then profile each to see where they differ.

    What is answered is the diff with what was measured, and with the level ``executed_runtime``
    where the device is this machine.

    Parameters
    ----------
    before, after
        Root graphs.
    diff
        What changed as written; the sessions have so many threads as its device has cores.
    given
        Shapes, dims and contents of inputs.
    feeds
        Inputs of both; made up by default.
    budget_s
        Seconds for the comparison; the profiles take about half as long.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If one of the graphs can't be run, or their inputs are not the same.
    """
    _require_same_inputs(before, after)
    device = diff.device
    options = Options(threads=device.cores)
    runtime = runtime_for(device.runtime)
    if feeds is None:
        feeds = make_feeds(before, infer(before, given))
    models = named(before), named(after)
    ran = given_by(before, feeds)  # what decides branches and trip counts of these runs
    tell("timing both graphs in turns")
    with pinned() if options.threads == 1 else contextlib.nullcontext():
        first, second = (
            partial(_open, runtime, which, model, options, feeds)
            for which, model in zip(("before", "after"), models, strict=True)
        )
        comparison = compare(first, second, threads=options.threads, budget_s=budget_s)
    sides: list[Ran] = []
    notes: list[str] = []
    try:
        for which, graph, model, timing in (
            ("before", before, models[0], comparison.a),
            ("after", after, models[1], comparison.b),
        ):
            tell(f"profiling the graph {which}")
            runs = max(_LEAST, min(_RUNS, int(_SHARE * budget_s / timing.latency_s)))
            profile = runtime.profile(model, options, feeds, runs=runs, budget_s=_SHARE * budget_s)
            sides.append(_ran(runtime, graph, profile, device, ran, timing.latency_s))
            if profile.reservation:
                notes.append(f"{which}: {profile.reservation}")
    except OcostError as error:
        notes.append(f"without a profile it is not known what changed where: {error}")
    return _weighed(diff, comparison, sides, notes)


def here(device: Device) -> bool:
    """Whether what a runtime executes on this machine is what it executes on the device."""
    return device.runtime in RUNTIMES and device.isa == host().isa


def _weighed(diff: Diff, comparison: Comparison, ran: list[Ran], notes: list[str]) -> Diff:
    """What was measured held against what is predicted; ``ran`` may lack a side."""
    levels = dict(diff.levels)
    regions: Regions | None = None
    if not here(diff.device):
        notes.append(
            f"{diff.device.name} is not this machine: what is executed there is not "
            "known, and what was measured here has no predicted time"
        )
        ran = [_unpredicted(side) for side in ran]
    elif len(ran) == 2:
        levels["executed_runtime"] = Pair(ran[0].cost, ran[1].cost)
    if len(ran) == 2:
        noise_s = comparison.noise_floor * comparison.a.latency_s
        partners = {p.before.name: p.after.name for p in diff.pairs if p.before and p.after}
        regions = find_regions(ran[0], ran[1], partners, noise_s)
    written, executed = _level(levels["written"]), levels.get("executed_runtime")
    level = None if executed is None else _level(executed)
    different = diff.equivalence is not None and diff.equivalence.ok is False
    measured = Measured(
        comparison,
        regions,
        ratio(level or written, "latency_s"),
        conclude(comparison, written, level, different=different),
        tuple(notes),
    )
    return replace(diff, levels=levels, measured=measured)


def _require_same_inputs(before: Graph, after: Graph) -> None:
    names = [{n for n in graph.inputs if n not in graph.initializers} for graph in (before, after)]
    odd = sorted(names[0] ^ names[1])
    if odd:
        raise OcostError(
            f"only one of the graphs has the input '{odd[0]}': they can be measured against each "
            "other only on the same inputs"
        )


def _open(runtime: Runtime, which: str, model: ModelProto, options: Options, feeds: Feeds) -> Run:
    try:
        run = runtime.open(model, options, feeds)
        run()
    except OcostError as error:
        raise OcostError(f"the graph {which}: {error}") from error
    return run


def _ran(
    runtime: Runtime,
    graph: Graph,
    profile: Profile,
    device: Device,
    given: Given,
    latency_s: float,
) -> Ran:
    """What was profiled, attributed and costed; its times add up to the latency."""
    attribution = runtime.lineage(graph, profile.optimized)
    cost = executed_cost(graph, profile.optimized, attribution, device, given)
    scale = latency_s / profile.latency.latency_s
    seconds = {node.name: scale * node.seconds for node in profile.nodes}
    return Ran(profile.optimized, attribution, cost, seconds)


def _unpredicted(ran: Ran) -> Ran:
    nodes = tuple(node._replace(latency_s=None) for node in ran.cost.nodes)
    return replace(ran, cost=replace(ran.cost, nodes=nodes))


def _level(costs: Pair) -> Sides:
    """Totals before and after; not known where a sum leaves nodes out."""
    before, after = (
        Totals(**dict.fromkeys(Totals.names())) if cost.coverage.unknown else cost.totals
        for cost in costs
    )
    return before, after
