"""Several models against the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .asked import device_at_work, load, load_to_run, require_known_loops, require_no_sizes

if TYPE_CHECKING:
    from ..compare.result import Diff
    from ..compare.several import Several
    from ..costmodel import Device
    from ..graph import Graph
    from ..graph.shapes import Given


def diff_several(
    before: str | Path | Graph,
    afters: Sequence[str | Path | Graph],
    device: str | Path | Device | None = None,
    *,
    given: Given | None = None,
    threads: int | None = None,
    check: bool = False,
    measure: bool = False,
    inputs: str | Path | None = None,
    tolerance: float | None = None,
    similar: bool = True,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Several:
    """What changed from one graph to each of several others, as of one model in several precisions.

    Parameters
    ----------
    before, afters
        What to compare with, and what to compare.
    device, given, threads, tolerance, similar, tell
        As of ``diff``.
    check
        Whether to run all and compare the outputs of each with those of the first.
    measure
        Whether to time all in onnxruntime, in turns, and to profile them. Other than of two models
        outputs are compared only with ``check``: models of other precisions are meant to differ.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name, floats in the
        types of the first model.
    budget_s
        Seconds to compare each with the first in; their profiles take about half as long.

    Raises
    ------
    OcostError
        On bad input, if there is nothing to compare with, or if onnxruntime can't run what is to
        be measured.
    """
    from ..compare.diff import Reference
    from ..compare.measured import require_same_inputs
    from ..compare.several import Several, names_of
    from ..graph import OcostError
    from ..graph.shapes import Given, infer, resized
    from ..runtime.equality.equivalence import Checker
    from ..runtime.feeds.inputs import given_by, load_feeds, make_feeds

    if not afters:
        raise OcostError("there is no model to compare with the first")
    if inputs is not None and not (measure or check):
        raise OcostError(f"{inputs}: inputs from a file are for a diff that checks or measures")
    require_no_sizes(inputs, given)
    chosen = device_at_work(device, threads, measure=measure, budget_s=budget_s)
    opened = load_to_run if check or measure else load
    first, *others = [opened(model) for model in (before, *afters)]
    feeds = None if inputs is None else load_feeds(Path(inputs), first)
    given = given or Given()
    if feeds is not None:
        given = given_by(first, feeds)._replace(trips=given.trips)
    require_known_loops(given, first, *others)
    if measure:
        for graph, path in zip(others, afters, strict=True):
            require_same_inputs(first, graph, of=f"of the first model and {path}")
    reference = Reference(first, chosen, given)
    found: list[Diff] = []
    for graph, path in zip(others, afters, strict=True):
        tell(f"costing {path}")
        found.append(reference.diff(graph))
    names = names_of([found[0].before.model, *(one.after.model for one in found)])
    if check or measure:
        first, *others = [resized(graph, given) for graph in (first, *others)]
    if check:
        with Checker(
            first, given=given, feeds=feeds, tolerance=tolerance, alike=True, similar=similar
        ) as checker:
            for place, graph in enumerate(others):
                tell(f"comparing the outputs of {names[place + 1]}")
                found[place] = replace(found[place], equivalence=checker.check(graph))
    if measure:
        if feeds is None:
            feeds = make_feeds(first, infer(first, given))
        found = _measured(first, others, found, names, feeds, budget_s, tell)
    return Several(names, tuple(found))


def _measured(
    first: Graph,
    others: Sequence[Graph],
    diffs: Sequence[Diff],
    names: Sequence[str],
    feeds: Mapping[str, Any],
    budget_s: float,
    tell: Callable[[str], object],
) -> list[Diff]:
    """Each against the first on its inputs, floats in the types that each takes."""
    from ..compare.measured import Candidate, measure_all
    from ..runtime.equality.fitting import Fixed, fitted

    candidates = [
        Candidate(name, graph, diff, fitted(Fixed(feeds), graph).feeds())
        for name, graph, diff in zip(names[1:], others, diffs, strict=True)
    ]
    return measure_all(first, candidates, feeds, budget_s=budget_s, tell=tell)
