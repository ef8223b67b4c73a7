"""A calibration refined by a model: its own nodes measured where it runs them, and remembered."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from onnx import ModelProto

from ...costmodel.calibration import Calibration
from ...costmodel.calibration.signature import measurable, signature
from ...costmodel.cost import Costed
from ...costmodel.device import Device
from ...graph import Graph, OcostError
from ...graph.shapes import Given, infer, resized
from ...lineage.lineage import Lineage
from ...passes.lowering.costed import lowered_with_nodes
from ..feeds.inputs import make_feeds
from ..naming import named
from ..protocol import Feeds, Options, Runtime, SessionLevel
from ..registry import runtime_for
from .here import differs
from .observed import Observe, Observed, observe
from .pairing import as_saved, by_rules, paired

_SESSIONS = 3  # what disturbs one, and how its memory happens to lie, is not in all of them
Seconds = Mapping[str, float]


def require_refinable(device: Device) -> Calibration:
    """The calibration that can be refined here.

    Raises
    ------
    OcostError
        If the device has none, or it is of another machine, runtime or number of threads.
    """
    found = device.calibration
    if found is None:
        raise OcostError(
            f"{device.name} is not calibrated, so there is nothing to refine: run "
            "`ocost calibrate -o FILE.json`, and give --device FILE.json"
        )
    reason = differs(found.provenance, found.provenance.threads)
    if reason is not None:
        raise OcostError(
            f"{device.name} was calibrated elsewhere ({reason}): what is measured here can't refine "
            "it; run `ocost calibrate` here"
        )
    return found


def refined(
    device: Device,
    graph: Graph,
    given: Given | None = None,
    *,
    feeds: Feeds | None = None,
    budget_s: float = 10.0,
    observing: Observe = observe,
    tell: Callable[[str], object] = lambda _: None,
) -> Device:
    """The device with the times of a model's own nodes that it did not have yet.

    The model runs in a few sessions. What a session's profiler tells of the nodes is given to the
    nodes that are executed by rules, and kept by their signatures; of several with one signature
    the mean. Nodes that are known keep their times, and a model without any other isn't run.

    Parameters
    ----------
    device
        Calibrated on this machine.
    graph
        A root graph. Weights that it lacks are made up.
    given
        Shapes, dims and contents of inputs, as it will be costed with.
    feeds
        All inputs; None to make them up.
    budget_s
        For the runs; opening the model comes on top, and one session is always run.
    observing
        Runs a session.
    tell
        Is told how far it is.

    Raises
    ------
    OcostError
        If the device is not calibrated, or not here, or if the runtime refuses the model.
    """
    calibration = require_refinable(device)
    lowered, nodes = lowered_with_nodes(graph, device, given)
    unknown = [c for c in nodes if measurable(c) and signature(c) not in calibration.measured]
    if not unknown:
        return device
    runtime = runtime_for(device.runtime)
    options = Options(calibration.provenance.threads, _level(device))
    runnable = resized(graph, given)
    if feeds is None:
        feeds = make_feeds(graph, infer(graph, given))
    session = _Sessions(graph, given, runtime, nodes, lowered.lineage, calibration.run_s)
    model = named(runnable)
    end = time.perf_counter() + budget_s
    for at in range(_SESSIONS):
        if at and time.perf_counter() >= end:
            break
        tell(f"measuring {len(unknown)} nodes, session {at + 1} of {_SESSIONS}")
        session.add(_run(observing, model, options, feeds, budget_s / _SESSIONS))
    seconds = session.seconds()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for costed in unknown:
        if costed.cost.name in seconds:
            found[signature(costed)].append(seconds[costed.cost.name])
    measured = {**calibration.measured, **{k: float(np.mean(v)) for k, v in found.items()}}
    return replace(device, calibration=replace(calibration, measured=measured))


def _level(device: Device) -> SessionLevel:
    try:
        return SessionLevel(device.runtime_level)
    except ValueError:
        raise OcostError(
            f"{device.name}: no session can be opened at the level {device.runtime_level!r}"
        ) from None


def _run(
    observing: Observe, model: ModelProto, options: Options, feeds: Feeds, budget_s: float
) -> Observed:
    return observing(model, options, feeds, budget_s=budget_s)


class _Sessions:
    """What several sessions say of the nodes that are executed by rules."""

    def __init__(
        self,
        graph: Graph,
        given: Given | None,
        runtime: Runtime,
        nodes: list[Costed],
        lineage: Lineage,
        run_s: float,
    ) -> None:
        self._graph, self._given, self._runtime, self._run_s = graph, given, runtime, run_s
        self._rules = by_rules(nodes, lineage)
        self._latencies: list[float] = []
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, one: Observed) -> None:
        """Another session: its names of nodes may be its own."""
        attribution = self._runtime.lineage(self._graph, one.optimized)
        saved = as_saved(infer(one.optimized, self._given), attribution, one.seconds)
        took = one.unbiased(self._run_s)
        self._latencies.append(one.latency_s)
        for rules, path in paired(self._rules, saved).items():
            self._times[rules].append(took[path])

    def seconds(self) -> dict[str, float]:
        """Of an execution by node: the median of the sessions, at the pace of the fastest."""
        pace = min(self._latencies) / float(np.median(self._latencies))
        return {name: pace * float(np.median(times)) for name, times in self._times.items()}
