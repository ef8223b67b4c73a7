"""A model profiled on this machine and checked against the cost model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...costmodel import Device, GraphCost, cost_graph
from ...costmodel.executed import executed_cost
from ...costmodel.footprint import footprint
from ...graph import Graph, OcostError
from ...graph.shapes import Given, infer, resized
from ..feeds.inputs import given_by, load_feeds, make_feeds
from ..naming import named
from ..optimisations.ledger import RuntimeLedger
from ..optimisations.measured import measure_ledger
from ..profiles import Growth, MemoryPeak, Profile, Startup, Trips
from ..protocol import Options
from ..registry import runtime_for
from .environment import Environment, environment_of
from .joined import Validation, validate
from .loops import as_seen, original_trips, trips_note

_RUNS = (10, 50)  # that are profiled, at least and at most
_BESIDE = 0.2  # of the budget, where most of it goes to the ledger


@dataclass(frozen=True)
class Profiled:
    """A profile, what it was expected to be, and how both agree.

    Parameters
    ----------
    written, executed
        What the original costs, and the graph that the runtime made of it.
    device
        That both were costed for.
    profile
        The measurement.
    inputs
        The file that they are from; None if they were made up.
    notes
        What a reader of the figures should know.
    memory, startup, growth
        The most activations that the arena held, what opening the model takes, and what a process
        grows by that runs it; None where that was not measured.
    origin
        The file of a profile that was taken elsewhere.
    trips
        How often each loop as written ran its body, on the mean; the costs are for as many.
    runtime_ledger
        What each of the runtime's own optimisations brings; None where that was not asked for.
    """

    written: GraphCost
    executed: GraphCost
    device: Device
    environment: Environment
    profile: Profile
    validation: Validation
    inputs: Path | None
    notes: tuple[str, ...]
    memory: MemoryPeak | None = None
    startup: Startup | None = None
    growth: Growth | None = None
    origin: Path | None = None
    trips: Trips = field(default_factory=dict)
    runtime_ledger: RuntimeLedger | None = None


def profile_graph(
    graph: Graph,
    device: Device,
    options: Options,
    *,
    given: Given | None = None,
    inputs: Path | None = None,
    ledger: bool = False,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Profiled:
    """Profile a graph on this machine and compare with what it costs on a device.

    The costs are those for the very inputs of the runs: their shapes, and where they are small
    their contents, which decide branches and trip counts.

    Parameters
    ----------
    graph
        A root graph.
    device
        Whose roofline predicts.
    options
        Of the session.
    given
        Shapes, dims and values of inputs that are made up.
    inputs
        A ``.npz`` or ``.json`` file with all inputs instead.
    ledger
        Whether to switch the runtime's own optimisations on one by one, too: most of the budget
        then goes there.
    budget_s
        For the measurement; opening the model comes on top, and a few runs are always made.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If the inputs don't fit the model, or the runtime refuses to run it.
    """
    runtime = runtime_for(device.runtime)
    if inputs is not None and given is not None and (given.shapes or given.dims or given.values):
        raise OcostError(f"{inputs} gives all inputs: leave --shape, --dim and --value away")
    left: tuple[Mapping[str, int], Mapping[str, int]] = {}, {}
    runnable = resized(graph, given)
    if inputs is None:
        shapes = infer(graph, given)
        left = shapes.assumed, shapes.inferred  # which the feeds no longer tell
        feeds = make_feeds(graph, shapes)
    else:
        feeds = load_feeds(inputs, graph)
    ran = given_by(graph, feeds)._replace(trips=given.trips if given is not None else {})
    written = _cost(graph, device, ran, *left)
    tell("profiling, then timing without the profiler")
    profile_s = budget_s * (_BESIDE if ledger else 1)
    runs = _runs(written.totals.latency_s, profile_s / 2)
    model = named(runnable)
    profile = runtime.profile(model, options, feeds, runs=runs, budget_s=profile_s / 2)
    environment = environment_of(runtime, options)
    tell("attributing the time to the original nodes")
    attribution = runtime.lineage(graph, profile.optimized)
    seen = original_trips(profile.trips, attribution, graph)
    told = as_seen(graph, ran, seen) if seen else ran
    if seen:
        written = _cost(graph, device, told, *left)
    executed = executed_cost(
        graph,
        profile.optimized,
        attribution,
        device,
        as_seen(profile.optimized, ran, profile.trips),
        footprints=footprint,
    )
    validation = validate(profile, attribution, executed, written)
    found = None
    if ledger:
        rest_s = budget_s - profile_s
        found = measure_ledger(
            runtime, graph, model, device, options, feeds, given=told, budget_s=rest_s, tell=tell
        )
    tell("looking at memory and start-up")
    return Profiled(
        written,
        executed,
        device,
        environment,
        profile,
        validation,
        inputs,
        (
            *_circumstances(graph, device, runtime.name, environment, profile),
            *trips_note(seen),
            *reservations(validation),
        ),
        runtime.memory(model, options, feeds),
        runtime.startup(model, options),
        growth=runtime.growth(model, options, feeds),
        trips=seen,
        runtime_ledger=found,
    )


def _cost(
    graph: Graph,
    device: Device,
    ran: Given,
    assumed: Mapping[str, int],
    inferred: Mapping[str, int],
) -> GraphCost:
    """What the graph costs on the inputs of the runs, with what was assumed of open dims."""
    cost = cost_graph(graph, device, ran)
    model = replace(cost.model, assumed_dims=dict(assumed), inferred_dims=dict(inferred))
    return replace(cost, model=model)


def _runs(latency_s: float | None, budget_s: float) -> int:
    """How many runs to profile in the time, if they take as long as predicted."""
    least, most = _RUNS
    return max(least, min(most, int(budget_s / latency_s))) if latency_s else most


def _circumstances(
    graph: Graph, device: Device, runtime: str, environment: Environment, profile: Profile
) -> Iterator[str]:
    if device.runtime != runtime or device.isa != environment.isa:
        yield (
            f"predicted for {device.name} ({device.runtime}, {device.isa}), but measured with "
            f"{runtime} on {environment.isa}: the difference is mostly that of the devices"
        )
    if graph.header.source.fillers:
        yield "the file has no weights: the runs use random ones, which decide what depends on data"
    if environment.denormals == "kept":
        yield (
            "denormals are not flushed to zero, since another session was opened before in this "
            "process: where a model computes with many it runs slower"
        )
    if profile.reservation:
        yield profile.reservation


def reservations(found: Validation) -> Iterator[str]:
    """What to keep in mind when reading the figures, a line each."""
    if found.measured.noisy:
        yield "the machine was busy meanwhile: measure again when it is idle"
    if not found.adds_up:
        part = 100 * found.sum_s / found.measured.latency_s
        yield (
            f"the nodes' times add up to {part:.0f} % of the model's latency, outside of its "
            "interval"
        )
    if found.idle:
        yield (
            f"{len(found.idle)} node(s) are in the estimate that didn't run (first: "
            f"{found.idle[0]}): the runs took another branch"
        )
