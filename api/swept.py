"""What a model costs at several sizes of its dims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .asked import DEFAULT_DEVICE, find_device, load
from .written import cost

if TYPE_CHECKING:
    from ..compare.sweep import Sizes, Sweep
    from ..costmodel import Device, GraphCost
    from ..graph import Graph
    from ..graph.shapes import Given


def sweep(
    model: str | Path | Graph,
    dims: Mapping[str, Sequence[int]],
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    given: Given | None = None,
    threads: int | None = None,
    level: Literal["written", "executed"] = "executed",
    under_s: float | None = None,
) -> Sweep:
    """What a graph costs at every combination of sizes; the model is opened once.

    Parameters
    ----------
    model
        What to cost.
    dims
        Sizes by dim, which is named by its symbol or by its place (``x[0]``).
    device
        Whose estimates.
    given
        All else that is known of inputs and loops.
    threads
        Cores of the device at work; all of them by default.
    level
        As of ``cost``.
    under_s
        Seconds; where given, the largest size of the one swept dim that takes no longer is
        searched for: among the points, and between them where latency grows with size.

    Raises
    ------
    OcostError
        On bad input, with more than 64 points, or if the model refuses every point. One that is
        refused beside others says why in its ``refused``.
    """

    from ..compare.sweep import sweep
    from ..graph import OcostError
    from ..graph.shapes import Given

    known = given or Given()
    for name in dims:
        if name in known.dims:
            raise OcostError(f"--dim {name} is given as {known.dims[name]}, and is swept too")
    graph, chosen = load(model), find_device(device, threads)

    def at(sizes: Sizes) -> GraphCost:
        there = known._replace(dims={**known.dims, **sizes})
        return cost(graph, chosen, given=there, level=level)

    return sweep(at, dims, under_s)
