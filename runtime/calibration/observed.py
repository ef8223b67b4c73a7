"""The nodes of a model timed in the session that runs the model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np
from onnx import ModelProto

from ...graph import Graph
from ..onnxruntime.alignment import Aligner, Spent
from ..onnxruntime.profile import record
from ..protocol import Feeds, Options
from .measuring import typical

_RUNS = 100  # to profile, at most
_LEAST_S = 5e-8  # that an execution of a node takes
_BIAS_OFF_S = 5e-7  # by which what the profiler adds may differ from that of other nodes
_RUNS_OFF = 0.01  # by which the profiled runs may have been slower or faster as a whole: a share


class Observed(NamedTuple):
    """A session, as its profiler saw it.

    Parameters
    ----------
    optimized
        The graph that it executes.
    seconds
        Of a run by node, over all its executions, with what the profiler adds.
    executions
        Of a run by node, on the mean.
    latency_s
        Of a run without the profiler.
    added_s
        About what the profiler adds to an execution.
    """

    optimized: Graph
    seconds: Mapping[str, float]
    executions: Mapping[str, float]
    latency_s: float
    added_s: float

    def unbiased(self, run_s: float) -> dict[str, float]:
        """Seconds of one execution by node, without what the profiler adds.

        All executions and ``run_s``, which a run takes besides its nodes, add up to the latency.
        What they are apart with the usual bias is put down to a bias of its own and to a pace of
        its own, as far as each may be off.
        """
        names = list(self.seconds)
        seen = np.array([self.seconds[name] for name in names])
        often = np.array([self.executions[name] for name in names])
        wanted = max(self.latency_s - run_s, float(_LEAST_S * often.sum()))
        apart = seen.sum() - self.added_s * often.sum() - wanted
        by_bias, by_pace = (_BIAS_OFF_S * often.sum()) ** 2, (_RUNS_OFF * wanted) ** 2
        bias = self.added_s + apart * by_bias / (by_bias + by_pace) / often.sum()
        own = np.maximum(seen - max(0.0, bias) * often, _LEAST_S * often)
        each = own * (wanted / own.sum()) / often
        return {name: float(value) for name, value in zip(names, each, strict=True)}


class Observe(Protocol):
    """Runs a model for a while: profiled, then not."""

    def __call__(
        self, model: ModelProto, options: Options, feeds: Feeds, *, budget_s: float
    ) -> Observed:
        """A session's nodes and latency; half of the budget is for each."""


def observe(model: ModelProto, options: Options, feeds: Feeds, *, budget_s: float) -> Observed:
    """Open a model in a session of its own, profile it, then time it.

    Raises
    ------
    OcostError
        If the runtime refuses the model or fails on the inputs.
    """
    half_s = budget_s / 2
    found = record(model, options, feeds, runs=_RUNS, runs_s=half_s, budget_s=half_s)
    aligner = Aligner(found.optimized)
    spent = [aligner.spent(run) for run in found.runs]
    idle = Spent()
    seconds, executions = {}, {}
    for name in dict.fromkeys(name for one in spent for name in one):
        parts = [one.get(name, idle) for one in spent]
        executions[name] = float(np.mean([part.events for part in parts]))
        seconds[name] = typical(np.array([part.microseconds for part in parts], float)) * 1e-6
    added_s = _added_s(options.threads)
    return Observed(found.optimized, seconds, executions, found.latency.latency_s, added_s)


@cache
def _added_s(threads: int) -> float:
    """About what the profiler adds to a node here."""
    from .peaks import overhead_of  # noqa: PLC0415 - brings all that makes up nodes

    return overhead_of(threads)[1].profiler_s
