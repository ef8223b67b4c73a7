"""Profiles that were taken elsewhere: on another device, by another provider or tool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import GraphProto, ModelProto

from ...graph import Graph, Node, load
from ...graph.graph import Header
from ...lineage.attribution import attribute
from ..profiles import Imported, NodeTime, Profile
from ..timing.stopwatch import WARM_UPS, Timing
from .alignment import Aligner, Spent
from .loops import executed_trips
from .placing import place
from .profile import quartiles
from .trace import Body, Event, read_profile

_SPREAD = (0.1, 0.9)  # quantiles of the latency
_NOISY = 1.1
_CPU = "CPUExecutionProvider"


def import_profile(original: Graph, trace: Path, optimized: Path | None = None) -> Imported:
    """Read a profile of a graph that was taken elsewhere.

    Parameters
    ----------
    original
        The graph as it was profiled: best as ``prepare`` wrote it.
    trace
        The profile's JSON, as onnxruntime's API or its perf_test (``-p``) wrote it.
    optimized
        The graph that the profiled session saved. Without it executed nodes are placed by what
        their names tell.

    Raises
    ------
    OcostError
        If a file can't be read, if ``trace`` is no profile or holds no complete run, or if it is
        not of ``optimized``.
    """
    read = read_profile(trace)
    dropped = min(WARM_UPS, len(read.runs) // 2)
    settled = read.runs[dropped:]
    reasons: Mapping[str, str] = {}
    if optimized is None:
        events: dict[str, Event] = {}
        spent = [_spent(run, events) for run in settled]
        graph = _graph(original, events)
        placing = place(original, events)
        attribution, reasons = placing.attribution, placing.reasons
    else:
        graph = load(optimized)
        aligner = Aligner(graph)
        spent = [aligner.spent(run) for run in settled]
        attribution = attribute(original, graph)
    executed = {name for run in spent for name in run}
    operators = {scope.path(node): node.op_type for scope, node in graph.walk()}
    names = [name for name in operators if name in executed]
    seconds, _ = quartiles(spent, names)
    nodes = tuple(NodeTime(n, operators[n], float(s)) for n, s in zip(names, seconds, strict=True))
    providers = {name: one.provider for run in spent for name, one in run.items()}
    trips = executed_trips(spent, operators)
    profile = Profile(graph, nodes, _latency(settled), 0.0, len(settled), trips=trips)
    notes = tuple(_notes(providers, optimized is None, read.truncated, dropped))
    return Imported(
        profile, attribution, optimized is None, providers, reasons, read.truncated, notes
    )


def _latency(runs: Sequence[Body]) -> Timing:
    durations = np.array([run.duration_us for run in runs]) * 1e-6
    low, middle, high = (float(np.quantile(durations, at)) for at in (_SPREAD[0], 0.25, _SPREAD[1]))
    return Timing(middle, low, high, len(runs), high > _NOISY * low)


def _spent(run: Body, seen: dict[str, Event], prefix: str = "") -> dict[str, Spent]:
    """The parts of a run's nodes in it, by name; a first event of each goes to ``seen``."""
    found: dict[str, Spent] = {}
    counts: Counter[str] = Counter()
    for event in run.events:
        counts[event.name] += 1
        key = event.name if event.name.startswith(prefix) else prefix + event.name
        if counts[event.name] > 1:
            key = f"{key}#{counts[event.name]}"
        seen.setdefault(key, event)
        found[key] = Spent(event.own_us, 1, len(event.bodies), event.provider)
        for body in event.bodies:
            for inner, part in _spent(body, seen, f"{key}/").items():
                whole = found.setdefault(inner, Spent(provider=part.provider))
                whole.microseconds += part.microseconds
                whole.events += part.events
                whole.bodies += part.bodies
    return found


def _graph(original: Graph, events: Mapping[str, Event]) -> Graph:
    """The nodes that were executed, as far as a profile tells: without their tensors."""
    graph = Graph(Header(original.header.ir_version, ModelProto()), GraphProto(), {})
    for key, event in events.items():
        graph.add_node(Node(key, event.op_type, (), (), name=key))
    return graph


def _notes(
    providers: Mapping[str, str], by_names: bool, truncated: bool, dropped: int
) -> Iterator[str]:
    yield (
        "times are as the profiler saw them, wall clock: its own overhead, some microseconds a "
        "node, is in them and can't be told without an unprofiled time"
    )
    if by_names:
        yield (
            "nodes are placed by their names alone, and predicted as the sum of their originals "
            "as written; the optimised graph, saved in the session that was profiled, tells more"
        )
    others = sorted(set(providers.values()) - {"", _CPU})
    if others:
        yield (
            f"{', '.join(others)}: a provider that works asynchronously shows here how long "
            "launching took, not the work"
        )
    if not dropped:
        yield "the profile has a single run, which is the first: warming up is in it"
    if truncated:
        yield "the file ends within a run, which is left out"
