"""Each pass measured: the graph before it against the graph after it, in a runtime."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..graph import Graph
from ..graph.shapes import Given, infer
from ..rewrite.scope import Admission
from ..runtime.feeds.inputs import make_feeds
from ..runtime.naming import named
from ..runtime.protocol import Options, Runtime
from ..runtime.timing.comparison import Comparison, compare
from ..runtime.timing.stopwatch import Run, pinned
from .bisect import Pipeline
from .pipeline import Made, Mark

_LEAST_S = 2.0  # of a comparison


@dataclass(frozen=True)
class Step:
    """A run of a pass.

    Parameters
    ----------
    mark
        Which.
    predicted_s
        The latency that it takes off (negative) or adds, estimated as written.
    comparison
        After it against before it, both with all earlier rewrites; None where what is predicted
        is under twice the noise floor, so that measuring could not confirm it.
    """

    mark: Mark
    predicted_s: float
    comparison: Comparison | None


def measure_steps(
    pipeline: Pipeline,
    graph: Graph,
    made: Made,
    barred: Mapping[str, str],
    whole: Comparison,
    *,
    runtime: Runtime,
    threads: int,
    given: Given | None = None,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[Step, ...]:
    """Measure what each pass adds to the ones before it.

    Parameters
    ----------
    pipeline
        What made it.
    graph
        The graph before.
    made
        What the pipeline made of it.
    barred
        Rewrites that were left out, and why.
    whole
        The comparison of both, for its noise floor.
    runtime
        What runs them.
    threads
        Of the sessions.
    given
        Sizes of inputs.
    budget_s
        Seconds for all comparisons; each of them takes two at least.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If the runtime can't run a graph on the way.
    """
    predicted = [_predicted(made, mark) for mark in made.marks]
    noise_s = 2 * whole.noise_floor * whole.a.latency_s
    wanted = [abs(seconds) > noise_s for seconds in predicted]
    feeds = make_feeds(graph, infer(graph, given))
    options = Options(threads=threads)
    steps = []

    def opener(limit: int) -> Callable[[], Run]:
        after = pipeline(Admission(limit, barred), None).graph if limit else graph
        model = named(after)
        return lambda: runtime.open(model, options, feeds)

    budget_s = max(_LEAST_S, budget_s / max(1, sum(wanted)))
    before = 0
    for mark, seconds, measured in zip(made.marks, predicted, wanted, strict=True):
        comparison = None
        if measured:
            tell(f"timing {mark.by} against the graph before it")
            with pinned() if threads == 1 else contextlib.nullcontext():
                comparison = compare(
                    opener(before), opener(mark.rewrites), threads=threads, budget_s=budget_s
                )
        steps.append(Step(mark, seconds, comparison))
        before = mark.rewrites
    return tuple(steps)


def _predicted(made: Made, mark: Mark) -> float:
    return sum(float(entry.deltas["written"]["latency_s"]) for entry in made.entries[mark.entries])
