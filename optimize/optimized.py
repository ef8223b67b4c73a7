"""A graph optimised with proof: ledger, refusals, equality of outputs, and measured steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..compare import diff_graphs
from ..compare.measured import measure
from ..compare.result import Diff
from ..costmodel import Device
from ..graph import Graph
from ..graph.shapes import Given
from ..passes.scope import Gate
from ..runtime.equality.equivalence import Equivalence, check
from .bisect import proven
from .groups import Group, fused_groups
from .pipeline import Made, Plan, run
from .steps import Step, measure_steps


@dataclass(frozen=True)
class Optimized:
    """What optimising a graph made, and how it is known to be right.

    Parameters
    ----------
    made
        The graph, the ledger and the refusals.
    diff
        Against the graph before, with the equivalence of both.
    left_out
        How many rewrites were left out since outputs differed with them.
    groups
        Chains of the graph before that a runtime executes as one node.
    steps
        Each pass measured; None where that was not asked for.
    """

    made: Made
    diff: Diff
    left_out: int
    groups: tuple[Group, ...]
    steps: tuple[Step, ...] | None = None

    @property
    def graph(self) -> Graph:
        """The optimised graph."""
        return self.made.graph

    @property
    def equivalence(self) -> Equivalence:
        """Of the outputs before and after."""
        assert self.diff.equivalence is not None
        return self.diff.equivalence


def optimize_graph(
    graph: Graph,
    plan: Plan,
    device: Device,
    given: Given | None = None,
    *,
    measure_s: float | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> Optimized:
    """Optimise a graph; the graph itself stays as it is.

    Parameters
    ----------
    graph
        A root graph.
    plan
        Passes and onnxsim.
    device
        Whose roofline gives latencies, and says what pays.
    given
        Sizes that the figures are for, and that outputs are compared with.
    measure_s
        Seconds to compare both graphs in onnxruntime, and as many again for the passes one by
        one; None not to measure.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If the model is broken, or no set of rewrites keeps its outputs.
    """

    def pipeline(gate: Gate) -> Made:
        tell("optimising")
        return run(graph, plan, device, given, gate)

    found = proven(pipeline, lambda after: check(graph, after, given=given), tell)
    made = found.made
    diff = diff_graphs(graph, made.graph, device, given, _made_by(plan, made))
    diff = replace(diff, equivalence=found.equivalence, rewrites=tuple(made.entries))
    groups = fused_groups(graph)
    if measure_s is None:
        return Optimized(made, diff, len(found.broken), groups)
    measured = measure(graph, made.graph, diff, given or Given(), budget_s=measure_s, tell=tell)
    steps = measure_steps(
        pipeline,
        graph,
        made,
        found.broken,
        measured.comparison,
        threads=device.cores,
        given=given,
        budget_s=measure_s,
        tell=tell,
    )
    return Optimized(made, replace(diff, measured=measured), len(found.broken), groups, steps)


def _made_by(plan: Plan, made: Made) -> str:
    return f"ocost with {made.made_by}" if made.made_by and plan.onnxsim else "ocost"
