"""The functions behind the commands. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .compare import Diff
    from .costmodel import Device, GraphCost
    from .explanation import Explanation, Topic
    from .graph import Graph
    from .graph.shapes import Given
    from .optimize import Optimized, Plan
    from .runtime.validation.profiled import Profiled

DEFAULT_DEVICE = "x86-server-core"


def load(model: str | Path | Graph) -> Graph:
    """Open a model; no weight is read.

    Raises
    ------
    OcostError
        If it can't be opened: one line that says what is wrong, where, and what to do.
    """
    from .graph import Graph, load, verify

    if isinstance(model, Graph):
        return model
    graph = load(model)
    verify(graph)
    return graph


def _load_to_run(model: str | Path | Graph) -> Graph:
    """Open a model for more than its cost."""
    from .graph.runnable import require_runnable

    graph = load(model)
    require_runnable(graph)
    return graph


def find_device(which: str | Path | Device = DEFAULT_DEVICE, threads: int | None = None) -> Device:
    """A device by name, by file, or ``host`` for a rough picture of this machine."""
    from .costmodel.catalogue import find
    from .costmodel.device import Device

    found = which if isinstance(which, Device) else find(which)
    return found if threads is None else found.with_threads(threads)


def cost(
    model: str | Path | Graph,
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    given: Given | None = None,
    threads: int | None = None,
) -> GraphCost:
    """What a graph costs as written: every node, totals, coverage.

    Parameters
    ----------
    model
        What to cost.
    device
        Whose roofline gives latency and bound.
    given
        Shapes, dims and contents of inputs, and trips of loops.
    threads
        Cores of the device at work; all of them by default.

    Raises
    ------
    OcostError
        On bad input.
    """
    from .costmodel import cost_graph

    graph = load(model)
    _require_loops(given, graph)
    return cost_graph(graph, find_device(device, threads), given)


def _require_loops(given: Given | None, *graphs: Graph) -> None:
    if given is not None and given.trips:
        from .graph.shapes import require_loops

        require_loops(given.trips, *graphs)


def _optimizable(given: Given | None, graph: Graph) -> Given:
    """What is given, open dims as this graph has them: rewrites may drop what tells their size.

    Raises
    ------
    OcostError
        If it overrides sizes that the file fixes: it is the file that is optimised.
    """
    from dataclasses import replace

    from .graph import OcostError
    from .graph.shapes import Given, infer

    shapes = infer(graph, given)
    for name in shapes.overridden:
        raise OcostError(
            f"optimising keeps the sizes that the file fixes, '{name}' has others given; "
            "cost, profile and a diff of two files take them"
        )
    return replace(given or Given(), found=shapes.sizes)


def diff(
    before: str | Path | Graph,
    after: str | Path | Graph | None = None,
    device: str | Path | Device | None = None,
    *,
    given: Given | None = None,
    threads: int | None = None,
    check: bool = False,
    measure: bool = False,
    inputs: str | Path | None = None,
    tolerance: float | None = None,
    similar: bool = True,
    allow_uncompared: bool = False,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Diff:
    """What changed between two graphs. Without ``after``, ``optimize_model`` makes it.

    Parameters
    ----------
    before, after
        What to compare.
    device
        Whose roofline to use; ``DEFAULT_DEVICE``, or this machine's with ``measure``.
    given
        Shapes, dims and contents of inputs, and trips of loops.
    threads
        Cores of the device at work; all of them by default, one with ``measure``.
    check
        Whether to run both and compare their outputs.
    measure
        Whether to do that, time both in onnxruntime, and compare the graphs that it executes.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name to measure with,
        and to compare outputs on beside those that are made up.
    tolerance
        How far outputs may be apart, relative to their largest number, instead of what rounding
        explains.
    similar
        Whether to say how similar outputs are where they are equal too: it takes up to 16 more
        runs of each model.
    allow_uncompared
        As of ``optimize_model``, which makes a missing ``after``.
    budget_s
        Seconds to compare both in; their profiles take about half as long.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        On bad input, if onnxsim fails, or if onnxruntime can't run what is to be measured.
    """
    from dataclasses import replace

    from .compare import diff_graphs
    from .compare.measured import measure as measure_graphs
    from .graph import OcostError
    from .graph.shapes import Given, resized
    from .optimize import optimize_graph
    from .runtime.equality.equivalence import check as compare_outputs
    from .runtime.feeds.inputs import given_by, load_feeds

    if inputs is not None and not (measure or check or after is None):
        raise OcostError(f"{inputs}: inputs from a file are for a diff that checks or measures")
    _require_no_sizes(inputs, given)
    chosen = _device(device, threads, measure=measure, budget_s=budget_s)
    opened = _load_to_run if check or measure or after is None else load
    first = opened(before)
    feeds = None if inputs is None else load_feeds(Path(inputs), first)
    given = given or Given()
    if feeds is not None:
        given = replace(given_by(first, feeds), trips=given.trips)
    if after is None:
        _require_loops(given, first)
        given = _optimizable(given, first)
        made = optimize_graph(
            first,
            _plan(chosen, given),
            chosen,
            given,
            feeds=feeds,
            tolerance=tolerance,
            allow_uncompared=allow_uncompared,
            tell=tell,
        )
        second, found = made.graph, made.diff
    else:
        second = opened(after)
        _require_loops(given, first, second)
        found = diff_graphs(first, second, chosen, given)
        if check or measure:
            first, second = resized(first, given), resized(second, given)
    if (check or measure) and found.equivalence is None:
        tell("comparing the outputs")
        equivalence = compare_outputs(
            first,
            second,
            given=given,
            feeds=feeds,
            tolerance=tolerance,
            alike=True,
            similar=similar,
        )
        found = replace(found, equivalence=equivalence)
    if measure:
        found = measure_graphs(
            first, second, found, given, feeds=feeds, budget_s=budget_s, tell=tell
        )
    return found


def optimize_model(
    model: str | Path | Graph,
    device: str | Path | Device | None = None,
    *,
    given: Given | None = None,
    threads: int | None = None,
    only: Collection[str] = (),
    without: Collection[str] = (),
    onnxsim: bool = True,
    padding: str = "auto",
    target: str = "",
    opset: int | None = None,
    measure: bool = False,
    inputs: str | Path | None = None,
    tolerance: float | None = None,
    allow_uncompared: bool = False,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Optimized:
    """Rewrite a graph so that it costs less, prove that outputs stay, account for each rewrite.

    Parameters
    ----------
    model
        What to optimise; it stays as it is.
    device
        Whose cost model says what pays, and gives the ledger's latencies; ``DEFAULT_DEVICE``, or
        this machine with ``measure``.
    given
        Sizes that the figures are for. No rewrite rests on them.
    threads
        Cores of the device at work; all of them by default, one with ``measure``.
    only, without
        Names of passes to run alone, or to leave out.
    onnxsim
        Whether it runs between the passes.
    padding
        A multiple to pad channels to where that pays: ``auto``, 4, 8, 16, 32 or ``off``.
    target
        ``ort-cpu`` writes what only onnxruntime's CPU provider knows.
    opset
        The opset of ONNX's own operators to convert the model to before the passes, by onnx's
        version converter; None to leave it. The product is compared with the model as it was.
    measure
        Whether to time both graphs in onnxruntime, and what each pass adds.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name: outputs are
        compared on them, beside those that are made up.
    tolerance
        How far outputs may be apart, relative to their largest number, instead of what rounding
        explains.
    allow_uncompared
        Whether to make rewrites whose outputs can't be compared in any way.
    budget_s
        Seconds for either.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        On bad input, or if the model can't be converted to ``opset``.
    """
    from dataclasses import replace

    from .optimize import optimize_graph
    from .runtime.feeds.inputs import given_by, load_feeds

    chosen = _device(device, threads, measure=measure, budget_s=budget_s)
    graph = _load_to_run(model)
    feeds = None if inputs is None else load_feeds(Path(inputs), graph)
    if feeds is not None:
        _require_no_sizes(inputs, given)
        trips = given.trips if given is not None else {}
        given = replace(given_by(graph, feeds), trips=trips)
    wanted = _plan(
        chosen,
        given,
        only=only,
        without=without,
        onnxsim=onnxsim,
        padding=padding,
        target=target,
        opset=opset,
    )
    seconds = budget_s if measure else None
    _require_loops(given, graph)
    given = _optimizable(given, graph)
    return optimize_graph(
        graph,
        wanted,
        chosen,
        given,
        feeds=feeds,
        tolerance=tolerance,
        allow_uncompared=allow_uncompared,
        measure_s=seconds,
        tell=tell,
    )


def _require_no_sizes(inputs: str | Path | None, given: Given | None) -> None:
    from .graph import OcostError

    if inputs is not None and given is not None and (given.shapes or given.dims or given.values):
        raise OcostError(f"{inputs} gives all inputs: leave --shape, --dim and --value away")


def _device(
    device: str | Path | Device | None, threads: int | None, *, measure: bool, budget_s: float
) -> Device:
    """What predicts: by default this machine's one core where that is measured on."""
    from .costmodel.device import HOST

    _require_time(budget_s)
    if measure:
        device = HOST if device is None else device
        threads = 1 if threads is None else threads
    return find_device(DEFAULT_DEVICE if device is None else device, threads)


def _plan(device: Device, given: Given | None, **wanted: Any) -> Plan:  # noqa: ANN401 - of plan()
    from .optimize import plan
    from .optimize.pays import estimate_pays

    return plan(**wanted, pays=estimate_pays(device, given))


def write(graph: Graph, path: str | Path, *, force: bool = False) -> None:
    """Write a graph as a model file, whole or not at all; a weightless one gets its weights.

    Raises
    ------
    OcostError
        If it can't be written, or a file is in the way and ``force`` is not given.
    """
    from .graph.write import write

    write(graph, Path(path), force=force)


def profile(
    model: str | Path | Graph,
    device: str | Path | Device = "host",
    *,
    given: Given | None = None,
    threads: int = 1,
    inputs: str | Path | None = None,
    level: str = "all",
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Profiled:
    """Profile a model on this machine: predicted against measured, node by node.

    Parameters
    ----------
    model
        What to run.
    device
        Whose roofline predicts; by default this machine's.
    given
        Shapes, dims and contents of inputs that are made up.
    threads
        Of onnxruntime, and cores of the device at work.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name instead.
    level
        How far onnxruntime optimises the graph: disable, basic, extended or all.
    budget_s
        Seconds to measure; opening the model comes on top.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        On bad input, or if onnxruntime can't run the model.
    """
    from .graph import OcostError
    from .runtime.onnxruntime.session import Level, Options
    from .runtime.validation.profiled import profile_graph

    if level not in set(Level):
        raise OcostError(f"no level {level!r}: onnxruntime optimises {', '.join(Level)}")
    _require_time(budget_s)
    graph = _load_to_run(model)
    _require_loops(given, graph)
    return profile_graph(
        graph,
        find_device(device, threads),
        Options(threads, Level(level)),
        given=given,
        inputs=None if inputs is None else Path(inputs),
        budget_s=budget_s,
        tell=tell,
    )


def _require_time(budget_s: float) -> None:
    from .graph import OcostError

    if not 0 < budget_s < math.inf:
        raise OcostError(f"a budget of {budget_s:g} s is no time to measure in")


def read_profile(
    model: str | Path | Graph,
    trace: str | Path,
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    optimized: str | Path | None = None,
    given: Given | None = None,
    threads: int | None = None,
) -> Profiled:
    """A profile that was taken elsewhere, attributed to a model and compared with a device.

    Parameters
    ----------
    model
        What was profiled, best as ``prepare`` wrote it.
    trace
        The JSON that onnxruntime, or its perf_test with ``-p``, wrote.
    device
        Whose roofline predicts.
    optimized
        The graph that the profiled session saved; without it names tell what they can.
    given
        Shapes, dims and contents of the inputs that it was profiled with.
    threads
        Cores of the device at work; all of them by default.

    Raises
    ------
    OcostError
        If a file can't be read or is not what it should be.
    """
    from .runtime.validation.elsewhere import check_profile

    chosen = find_device(device, threads)
    saved = None if optimized is None else Path(optimized)
    graph = load(model)
    _require_loops(given, graph)
    return check_profile(graph, chosen, Path(trace), saved, given)


def prepare(model: str | Path | Graph, path: str | Path, *, force: bool = False) -> None:
    """Write a model whose nodes have unique names, to be profiled elsewhere.

    Raises
    ------
    OcostError
        If it can't be read or written, or a file is in the way and ``force`` is not given.
    """
    from .runtime.onnxruntime.prepared import prepare

    prepare(_load_to_run(model), Path(path), force=force)


def devices() -> Sequence[Device]:
    """The bundled devices, and this machine as ``host``."""
    from .costmodel.catalogue import devices, find
    from .costmodel.device import HOST

    return [find(name) for name in (*devices(), HOST)]


def explain(name: str) -> Explanation:
    """What an operator's formula, a device, a kernel kind or a report's figure is.

    Raises
    ------
    OcostError
        If nothing is called so.
    """
    from .explanation import explain

    return explain(name)


def topics() -> Sequence[Topic]:
    """All that ``explain`` knows, by what it is."""
    from .explanation import topics

    return topics()


def given(
    shapes: Mapping[str, Sequence[int]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    *,
    strict: bool = False,
    trips: Mapping[str, int] | None = None,
) -> Given:
    """What is known of a model's inputs and loops before the run.

    Parameters
    ----------
    shapes
        By input name.
    dims
        Sizes of symbolic dims.
    values
        Contents of inputs that decide shapes or branches, by name.
    strict
        Refuse dims that are left open instead of assuming 1.
    trips
        How often Loops run their bodies, by the names that reports print.
    """
    import numpy as np

    from .graph.shapes import Given

    return Given(
        {n: tuple(s) for n, s in (shapes or {}).items()},
        dict(dims or {}),
        {n: np.asarray(v) for n, v in (values or {}).items()},
        strict,
        dict(trips or {}),
    )
