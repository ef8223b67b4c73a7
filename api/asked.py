"""What a caller names: a model, a device, sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..costmodel import Device
    from ..graph import Graph
    from ..graph.shapes import Given

DEFAULT_DEVICE = "x86-server-core"


def load(model: str | Path | Graph) -> Graph:
    """Open a model; no weight is read.

    Raises
    ------
    OcostError
        If it can't be opened: one line that says what is wrong, where, and what to do.
    """
    from ..graph import Graph, load, verify

    if isinstance(model, Graph):
        return model
    graph = load(model)
    verify(graph)
    return graph


def load_to_run(model: str | Path | Graph) -> Graph:
    """Open a model for more than its cost."""
    from ..graph.runnable import require_runnable

    graph = load(model)
    require_runnable(graph)
    return graph


def find_device(which: str | Path | Device = DEFAULT_DEVICE, threads: int | None = None) -> Device:
    """A device by name, by file, or ``host`` for a rough picture of this machine."""
    from ..costmodel.catalogue import find
    from ..costmodel.device import Device

    found = which if isinstance(which, Device) else find(which)
    return found if threads is None else found.with_threads(threads)


def devices() -> Sequence[Device]:
    """The bundled devices, and this machine as ``host``."""
    from ..costmodel.catalogue import devices, find
    from ..costmodel.device import HOST

    return [find(name) for name in (*devices(), HOST)]


def device_at_work(
    device: str | Path | Device | None, threads: int | None, *, measure: bool, budget_s: float
) -> Device:
    """What predicts: by default this machine's one core where that is measured on."""
    from ..costmodel.device import HOST

    require_time(budget_s)
    if measure:
        device = HOST if device is None else device
        return device_here(device, 1 if threads is None else threads)
    return find_device(DEFAULT_DEVICE if device is None else device, threads)


def device_here(which: str | Path | Device, threads: int) -> Device:
    """What predicts beside a measurement taken here.

    Raises
    ------
    OcostError
        If it was calibrated on another machine, runtime or number of threads: it predicts for
        that one, which a measurement here neither confirms nor refutes.
    """
    from ..graph import OcostError

    device = find_device(which)
    if device.calibration is None:
        return device.with_threads(threads)
    from ..runtime.calibration.here import differs

    apart = differs(device.calibration.provenance, threads)
    if apart is not None:
        raise OcostError(
            f"{device.name} can't be compared with a measurement taken here: {apart}; "
            "calibrate here, or predict alone with `ocost cost`"
        )
    return device


def require_time(budget_s: float) -> None:
    """Refuse a budget, in seconds, that nothing can be measured in."""
    from ..graph import OcostError

    if not 0 < budget_s < math.inf:
        raise OcostError(f"a budget of {budget_s:g} s is no time to measure in")


def given(
    shapes: Mapping[str, Sequence[int]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    *,
    strict: bool = False,
    trips: Mapping[str, int] | None = None,
) -> Given:
    """What is known of a model's inputs and loops before the run.

    Parameters
    ----------
    shapes
        By input name.
    dims
        Sizes of symbolic dims.
    values
        Contents of inputs that decide shapes or branches, by name.
    strict
        Refuse dims that are left open instead of assuming 1.
    trips
        How often Loops run their bodies, by the names that reports print.
    """
    import numpy as np

    from ..graph.shapes import Given

    return Given(
        {n: tuple(s) for n, s in (shapes or {}).items()},
        dict(dims or {}),
        {n: np.asarray(v) for n, v in (values or {}).items()},
        strict,
        dict(trips or {}),
    )


def require_known_loops(given: Given | None, *graphs: Graph) -> None:
    """Refuse trips of loops that none of the graphs has."""
    if given is not None and given.trips:
        from ..graph.shapes import require_loops

        require_loops(given.trips, *graphs)


def require_no_sizes(inputs: str | Path | None, given: Given | None) -> None:
    """Refuse sizes and contents beside a file that gives all inputs."""
    from ..graph import OcostError

    if inputs is not None and given is not None and (given.shapes or given.dims or given.values):
        raise OcostError(f"{inputs} gives all inputs: leave --shape, --dim and --value away")
