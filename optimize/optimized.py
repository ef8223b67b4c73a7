"""A graph optimised with proof: ledger, refusals, equality of outputs, and measured steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..compare import diff_graphs
from ..compare.measured import measure
from ..compare.result import Diff
from ..costmodel import Device
from ..graph import Graph
from ..graph.shapes import Given
from ..ledger.executed import Ledger
from ..ledger.standing import Standing
from ..passes.lowering.blockers import Blockers
from ..passes.lowering.fused import Group, fused_groups
from ..rewrite.scope import Admission
from ..runtime.equality.equivalence import Checker
from ..runtime.equality.result import Equivalence
from ..runtime.registry import runtime_for
from .bisect import Proven, proven
from .opset import OPSET
from .pipeline import Made, Plan, Watch, run
from .proof import Regional, assume_finite
from .steps import Step, measure_steps

_REGIONS_S = 120.0  # for all regions of a model that can't be compared as a whole


@dataclass(frozen=True)
class Optimized:
    """What optimising a graph made, and how it is known to be right.

    Parameters
    ----------
    made
        The graph, the ledger and the refusals.
    diff
        Against the graph before, with the equivalence of both.
    proven
        On which proof it stands, and what was left out.
    groups
        Nodes of the graph before that the device's runtime executes as one.
    steps
        Each pass measured; None where that was not asked for.
    """

    made: Made
    diff: Diff
    proven: Proven
    groups: tuple[Group, ...]
    steps: tuple[Step, ...] | None = None

    @property
    def graph(self) -> Graph:
        """The optimised graph."""
        return self.made.graph

    @property
    def left_out(self) -> int:
        """How many rewrites were left out since outputs differed with them."""
        return len(self.proven.broken)

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
    feeds: Mapping[str, Any] | None = None,
    tolerance: float | None = None,
    allow_uncompared: bool = False,
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
    feeds
        Inputs of the user's own that outputs are compared on, beside those that are made up.
    tolerance
        How far outputs may be apart, relative to their largest number, instead of what rounding
        explains.
    allow_uncompared
        Whether to make rewrites whose outputs can't be compared in any way.
    measure_s
        Seconds to compare both graphs in the device's runtime, and as many again for the passes
        one by one; None not to measure.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If the model is broken, or no set of rewrites keeps its outputs.
    """

    def pipeline(gate: Admission, watch: Watch | None = None) -> Made:
        tell("optimising")
        return run(graph, plan, device, given, gate, watch)

    def compare(made: Made) -> Equivalence:
        return checker.check(made.graph, finite=assume_finite(mark.by for mark in made.marks))

    regional = Regional(given or Given(), _REGIONS_S, allow_uncompared)
    with Checker(graph, given=given, feeds=feeds, tolerance=tolerance) as checker:
        found = proven(pipeline, compare, regional, tell)
    made = found.made
    ledger = Ledger(tuple(made.entries), (), {"written": made.residual})
    diff = diff_graphs(graph, made.graph, device, given, _made_by(plan, made), ledger)
    diff = replace(diff, equivalence=found.equivalence, standing=_standing(found))
    groups = _groups(graph, diff)
    if measure_s is None:
        return Optimized(made, diff, found, groups)
    diff = measure(graph, made.graph, diff, given or Given(), budget_s=measure_s, tell=tell)
    assert diff.measured is not None
    steps = measure_steps(
        pipeline,
        graph,
        made,
        found.barred,
        diff.measured.comparison,
        runtime=runtime_for(device.runtime),
        threads=device.cores,
        given=given,
        budget_s=measure_s,
        tell=tell,
    )
    return Optimized(made, diff, found, groups, steps)


def _groups(graph: Graph, diff: Diff) -> tuple[Group, ...]:
    if "executed" not in diff.levels:  # a rule has failed
        return ()
    known = diff.levels["executed"].before.blockers  # has the graph lowered already
    return fused_groups(graph, known.lowered) if isinstance(known, Blockers) else ()


def _standing(found: Proven) -> Standing:
    proofs: Counter[str] = Counter()
    if found.equivalence.ok is None:
        for mark in found.made.marks:
            proofs.update(found.proofs.get(key, "none") for key in mark.keys)
    broken, unproven = (len({*keys} - {OPSET}) for keys in (found.broken, found.unproven))
    why = found.barred.get(OPSET, "")
    return Standing(proofs, broken, unproven, tuple(found.made.faults), why)


def _made_by(plan: Plan, made: Made) -> str:
    return f"ocost with {made.made_by}" if made.made_by and plan.onnxsim else "ocost"
