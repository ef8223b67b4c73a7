"""Models run here, and profiles that were taken elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .asked import (
    DEFAULT_DEVICE,
    device_here,
    find_device,
    load,
    load_to_run,
    require_known_loops,
    require_time,
)

if TYPE_CHECKING:
    from ..costmodel import Device
    from ..graph import Graph
    from ..graph.shapes import Given
    from ..runtime.validation.profiled import Profiled

_BUDGET_S, _LEDGER_S = 10.0, 60.0


def profile(
    model: str | Path | Graph,
    device: str | Path | Device = "host",
    *,
    given: Given | None = None,
    threads: int = 1,
    inputs: str | Path | None = None,
    level: str = "all",
    ledger: bool = False,
    budget_s: float | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> Profiled:
    """Profile a model on this machine: predicted against measured, node by node.

    Parameters
    ----------
    model
        What to run.
    device
        Whose roofline predicts; by default this machine's.
    given
        Shapes, dims and contents of inputs that are made up.
    threads
        Of the runtime, and cores of the device at work.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name instead.
    level
        How far the runtime optimises the graph: disable, basic, extended or all.
    ledger
        Whether to measure what each optimisation brings that the runtime makes by itself, too.
    budget_s
        Seconds to measure, by default 10, and 60 with the ledger; opening the model comes on top.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        On bad input, if the device was calibrated elsewhere, or if the runtime can't run the model.
    """
    from ..graph import OcostError
    from ..runtime.protocol import Options, SessionLevel
    from ..runtime.validation.profiled import profile_graph

    if level not in set(SessionLevel):
        raise OcostError(f"no level {level!r}: a runtime optimises {', '.join(SessionLevel)}")
    if budget_s is None:
        budget_s = _LEDGER_S if ledger else _BUDGET_S
    require_time(budget_s)
    graph = load_to_run(model)
    require_known_loops(given, graph)
    return profile_graph(
        graph,
        device_here(device, threads),
        Options(threads, SessionLevel(level)),
        given=given,
        inputs=None if inputs is None else Path(inputs),
        ledger=ledger,
        budget_s=budget_s,
        tell=tell,
    )


def read_profile(
    model: str | Path | Graph,
    trace: str | Path,
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    optimized: str | Path | None = None,
    given: Given | None = None,
    threads: int | None = None,
) -> Profiled:
    """A profile that was taken elsewhere, attributed to a model and compared with a device.

    Parameters
    ----------
    model
        What was profiled, best as ``prepare`` wrote it.
    trace
        The JSON that onnxruntime, or its perf_test with ``-p``, wrote.
    device
        Whose roofline predicts.
    optimized
        The graph that the profiled session saved; without it names tell what they can.
    given
        Shapes, dims and contents of the inputs that it was profiled with.
    threads
        Cores of the device at work; all of them by default.

    Raises
    ------
    OcostError
        If a file can't be read or is not what it should be.
    """
    from ..runtime.validation.elsewhere import check_profile

    chosen = find_device(device, threads)
    saved = None if optimized is None else Path(optimized)
    graph = load(model)
    require_known_loops(given, graph)
    return check_profile(graph, chosen, Path(trace), saved, given)
