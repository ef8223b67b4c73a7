"""Two graphs measured against each other on this machine, and held against the prediction."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

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
from ..runtime.timing.comparison import Comparison, Trial
from ..runtime.timing.stopwatch import Run, Timing, pinned
from .regions import Regions, find_regions
from .result import Diff, Measured, Pair
from .verdict import Sides, conclude, ratio

Feeds = Mapping[str, npt.NDArray[Any]]

# Of a profile: runs, the share of the comparison's budget that they may take, and the least.
_RUNS, _SHARE, _LEAST = 50, 0.2, 5


class Candidate(NamedTuple):
    """A graph to be measured against the one before: what it is called, and what is known of it.

    ``diff`` is what changed by rules, ``feeds`` are its inputs.
    """

    name: str
    graph: Graph
    diff: Diff
    feeds: Feeds


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
    require_same_inputs(before, after)
    if feeds is None:
        feeds = make_feeds(before, infer(before, given))
    candidate = Candidate("after", after, diff, feeds)
    (found,) = measure_all(before, [candidate], feeds, budget_s=budget_s, tell=tell)
    return found


def measure_all(
    before: Graph,
    candidates: Sequence[Candidate],
    feeds: Feeds,
    *,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> list[Diff]:
    """The same of several graphs, each against the one before; their trials take turns.

    Parameters
    ----------
    before, feeds
        A root graph and its inputs.
    candidates
        The others; their inputs are the same, but for types.
    budget_s
        Seconds for each.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If one of the graphs can't be run.
    """
    device = candidates[0].diff.device
    options = Options(threads=device.cores)
    runtime = runtime_for(device.runtime)
    model, models = named(before), [named(one.graph) for one in candidates]
    tell(f"timing {'both' if len(candidates) == 1 else f'{len(candidates) + 1}'} graphs in turns")
    with pinned() if options.threads == 1 else contextlib.nullcontext():
        first = partial(_open, runtime, "before", model, options, feeds)
        trials = []
        for one, other in zip(candidates, models, strict=True):
            second = partial(_open, runtime, one.name, other, options, one.feeds)
            trials.append(Trial(first, second, first, threads=options.threads, budget_s=budget_s))
        while unfinished := [trial for trial in trials if not trial.finished]:
            for trial in unfinished:
                trial.turn()
    comparisons = [trial.comparison() for trial in trials]

    def profiled(
        which: str, graph: Graph, model: ModelProto, feeds: Feeds, latency_s: float
    ) -> _Profiled:
        tell(f"profiling the graph {which}")
        runs = max(_LEAST, min(_RUNS, int(_SHARE * budget_s / latency_s)))
        try:
            profile = runtime.profile(model, options, feeds, runs=runs, budget_s=_SHARE * budget_s)
            ran = given_by(graph, feeds)  # what decides branches and trip counts of these runs
            side = _ran(runtime, graph, profile, device, ran)
        except OcostError as error:
            note = f"without a profile it is not known what changed where: {error}"
            return _Profiled(None, 0.0, note)
        note = f"{which}: {profile.reservation}" if profile.reservation else ""
        return _Profiled(side, profile.latency.latency_s, note)

    old = profiled("before", before, model, feeds, comparisons[0].a.latency_s)
    found = []
    for one, other, comparison in zip(candidates, models, comparisons, strict=True):
        new = (
            profiled(one.name, one.graph, other, one.feeds, comparison.b.latency_s)
            if old.ran is not None
            else _Profiled(None, 0.0, "")
        )
        sides = [side.at(s) for side, s in ((old, comparison.a), (new, comparison.b))]
        notes = [side.note for side in (old, new) if side.note]
        found.append(_weighed(one.diff, comparison, [s for s in sides if s is not None], notes))
    return found


class _Profiled(NamedTuple):
    """What was executed, where it could be profiled, its latency, and what is to be said of it."""

    ran: Ran | None
    latency_s: float
    note: str

    def at(self, timing: Timing) -> Ran | None:
        """With times that add up to this latency."""
        if self.ran is None:
            return None
        scale = timing.latency_s / self.latency_s
        return replace(self.ran, seconds={n: scale * s for n, s in self.ran.seconds.items()})


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
        (ran[0], ran[1]) if len(ran) == 2 else None,
    )
    return replace(diff, levels=levels, measured=measured)


def require_same_inputs(before: Graph, after: Graph, *, of: str = "of the graphs") -> None:
    """Refuse graphs that can't be run on the same inputs.

    Raises
    ------
    OcostError
        If one of them has an input that the other has not.
    """
    names = [{n for n in graph.inputs if n not in graph.initializers} for graph in (before, after)]
    odd = sorted(names[0] ^ names[1])
    if odd:
        raise OcostError(
            f"only one {of} has the input '{odd[0]}': they can be measured against each "
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
) -> Ran:
    """What was profiled, attributed and costed."""
    attribution = runtime.lineage(graph, profile.optimized)
    cost = executed_cost(graph, profile.optimized, attribution, device, given)
    seconds = {node.name: node.seconds for node in profile.nodes}
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
