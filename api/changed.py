"""One model against another, or against what optimising makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .asked import device_at_work, load, load_to_run, require_known_loops, require_no_sizes
from .optimized import optimizable, plan_for

if TYPE_CHECKING:
    from ..compare import Diff
    from ..costmodel import Device
    from ..graph import Graph
    from ..graph.shapes import Given


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

    from ..compare import diff_graphs
    from ..compare.measured import measure as measure_graphs
    from ..graph import OcostError
    from ..graph.shapes import Given, resized
    from ..optimize import optimize_graph
    from ..runtime.equality.equivalence import check as compare_outputs
    from ..runtime.feeds.inputs import given_by, load_feeds

    if inputs is not None and not (measure or check or after is None):
        raise OcostError(f"{inputs}: inputs from a file are for a diff that checks or measures")
    require_no_sizes(inputs, given)
    chosen = device_at_work(device, threads, measure=measure, budget_s=budget_s)
    opened = load_to_run if check or measure or after is None else load
    first = opened(before)
    feeds = None if inputs is None else load_feeds(Path(inputs), first)
    given = given or Given()
    if feeds is not None:
        given = given_by(first, feeds)._replace(trips=given.trips)
    if after is None:
        require_known_loops(given, first)
        given = optimizable(given, first)
        made = optimize_graph(
            first,
            plan_for(chosen, given),
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
        require_known_loops(given, first, second)
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
