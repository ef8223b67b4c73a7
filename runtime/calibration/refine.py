"""A calibration refined by a model: its own nodes measured where it runs them, and remembered."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ...costmodel.calibration import Calibration
from ...costmodel.calibration.signature import measurable, signature
from ...costmodel.cost import Costed
from ...costmodel.device import Device
from ...costmodel.executed import as_executed, executed_nodes, unpadded_channels
from ...graph import Graph, OcostError
from ...graph.shapes import Given, infer, resized
from ...lineage.lineage import Lineage
from ...passes.lowering.costed import lowered_with_nodes
from ..feeds.inputs import given_by, make_feeds
from ..naming import named
from ..protocol import Feeds, Options, Runtime, SessionLevel
from ..registry import runtime_for
from .here import differs
from .observed import Observe, Observed, observe
from .pairing import as_saved, by_rules, paired

_SESSIONS = 3  # what disturbs one, and how its memory happens to lie, is not in all of them


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
            f"{device.name} was calibrated elsewhere ({reason}): what is measured here can't "
            "refine it; run `ocost calibrate` here"
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
    the mean. The signatures that nodes have in the graph that the runtime saved are kept, too,
    since a profile costs that graph. Nodes that are known keep their times, and a model without
    any other isn't run.

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
    if feeds is None:
        feeds = make_feeds(graph, infer(graph, given))
    ran = given_by(graph, feeds)._replace(trips=given.trips if given is not None else {})
    session = _Sessions(graph, ran, runtime, nodes, lowered.lineage, calibration.run_s)
    model = named(resized(graph, given))
    end = time.perf_counter() + budget_s
    for at in range(_SESSIONS):
        if at and time.perf_counter() >= end:
            break
        tell(f"measuring {len(unknown)} nodes, session {at + 1} of {_SESSIONS}")
        session.add(observing(model, options, feeds, budget_s=budget_s / _SESSIONS))
    seconds = session.seconds()
    found: defaultdict[str, list[float]] = defaultdict(list)
    for costed in unknown:
        if costed.cost.name in seconds:
            found[signature(costed)].append(seconds[costed.cost.name])
    measured = {
        **session.saved(),
        **{name: float(np.mean(times)) for name, times in found.items()},
        **calibration.measured,
    }
    return replace(device, calibration=replace(calibration, measured=measured))


def _level(device: Device) -> SessionLevel:
    try:
        return SessionLevel(device.runtime_level)
    except ValueError:
        raise OcostError(
            f"{device.name}: no session can be opened at the level {device.runtime_level!r}"
        ) from None


class _Sessions:
    """What several sessions say of the nodes that are executed by rules."""

    def __init__(
        self,
        graph: Graph,
        ran: Given,
        runtime: Runtime,
        nodes: list[Costed],
        lineage: Lineage,
        run_s: float,
    ) -> None:
        self._graph, self._ran, self._runtime, self._run_s = graph, ran, runtime, run_s
        self._written = infer(graph, ran)
        self._rules = by_rules(nodes, lineage)
        self._latencies: list[float] = []  # of all nodes
        self._times: defaultdict[str, list[float]] = defaultdict(list)  # by path by rules
        self._saved: defaultdict[str, list[float]] = defaultdict(list)  # by signature

    def add(self, one: Observed) -> None:
        """Another session: its names of nodes may be its own."""
        attribution = self._runtime.lineage(self._graph, one.optimized)
        shapes = infer(one.optimized, as_executed(self._ran, attribution))
        saved = as_saved(shapes, attribution, one.seconds)
        took = one.unbiased(self._run_s)
        self._latencies.append(sum(took[name] * one.executions[name] for name in took))
        for rules, path in paired(self._rules, saved).items():
            self._times[rules].append(took[path])
        channels = unpadded_channels(attribution, self._written, shapes)
        alike: defaultdict[str, list[float]] = defaultdict(list)
        for costed in executed_nodes(shapes, attribution, channels):
            if costed.cost.name in took and measurable(costed):
                alike[signature(costed)].append(took[costed.cost.name])
        for name, times in alike.items():
            self._saved[name].append(float(np.mean(times)))

    def seconds(self) -> dict[str, float]:
        """Of an execution by node by rules."""
        return self._typical(self._times)

    def saved(self) -> dict[str, float]:
        """Of an execution by signature of a node that was saved."""
        return self._typical(self._saved)

    def _typical(self, times: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """The median of the sessions, at the pace of the fastest."""
        pace = min(self._latencies) / float(np.median(self._latencies))
        return {name: pace * float(np.median(found)) for name, found in times.items()}
