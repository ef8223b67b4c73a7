"""The ledger of a runtime's own optimisations of a model, measured on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from onnx import ModelProto

from ...costmodel import Device
from ...graph import Graph
from ...graph.shapes import Given
from ...passes.lowering import OptimizationLevel
from ...passes.lowering.costed import cost_on, target_of
from ..protocol import Feeds, Options, Runtime
from ..timing.comparison import Opener, Trial
from ..timing.stopwatch import pinned
from .acts import Off
from .ledger import RuntimeLedger, Switchboard, runtime_ledger
from .structure import structure

_OPENING = 0.6  # of a trial's time: two sessions of one model differ more than two runs do


def measure_ledger(
    runtime: Runtime,
    graph: Graph,
    model: ModelProto,
    device: Device,
    options: Options,
    feeds: Feeds,
    *,
    given: Given | None = None,
    budget_s: float = 60.0,
    tell: Callable[[str], object] = lambda _: None,
) -> RuntimeLedger:
    """Switch a runtime's optimisations on one by one, and off.

    Parameters
    ----------
    runtime
        What runs the model.
    graph
        A root graph.
    model
        The same with its weights, its nodes named by path.
    device
        Whose roofline predicts, by the rules for its runtime; nothing if that is another one.
    options
        Of the sessions; what is on at its level is looked at.
    feeds
        The inputs.
    given
        What the prediction is for.
    budget_s
        For the measurements.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If the runtime can't open or run the model with some of them off.
    """
    level = OptimizationLevel[options.level.name]
    target = target_of(device).target

    def without(off: Off) -> Options:
        return replace(options, without=tuple(sorted(off)))

    def opener(off: Off) -> Opener:
        return lambda: runtime.open(model, without(off), feeds)

    def predicted(off: Off) -> float | None:
        if target.runtime != runtime.name:
            return None
        cost = cost_on(graph, device, target._replace(level=level, without=off), given).cost
        return None if cost.coverage.unknown else cost.totals.latency_s

    def trial(before: Opener, after: Opener, seconds: float) -> Trial:
        return Trial(before, after, threads=options.threads, budget_s=seconds, opening=_OPENING)

    board = Switchboard(
        runtime.switches(options),
        lambda off: structure(runtime.executed(model, without(off))),
        opener,
        predicted,
    )
    with pinned() if options.threads == 1 else contextlib.nullcontext():
        return runtime_ledger(board, trial, budget_s=budget_s, tell=tell)
