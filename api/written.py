"""What needs no run: costs, names explained, models written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .asked import DEFAULT_DEVICE, find_device, load, load_to_run, require_known_loops

if TYPE_CHECKING:
    from ..costmodel import Device, GraphCost
    from ..explanation import Explanation, Topic
    from ..graph import Graph
    from ..graph.shapes import Given


def cost(
    model: str | Path | Graph,
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    given: Given | None = None,
    threads: int | None = None,
) -> GraphCost:
    """What a graph costs as written: every node, totals, coverage.

    Parameters
    ----------
    model
        What to cost.
    device
        Whose roofline gives latency and bound.
    given
        Shapes, dims and contents of inputs, and trips of loops.
    threads
        Cores of the device at work; all of them by default.

    Raises
    ------
    OcostError
        On bad input.
    """
    from ..costmodel import cost_graph

    graph = load(model)
    require_known_loops(given, graph)
    return cost_graph(graph, find_device(device, threads), given)


def explain(name: str) -> Explanation:
    """What an operator's formula, a device, a kernel kind or a report's figure is.

    Raises
    ------
    OcostError
        If nothing is called so.
    """
    from ..explanation import explain

    return explain(name)


def topics() -> Sequence[Topic]:
    """All that ``explain`` knows, by what it is."""
    from ..explanation import topics

    return topics()


def write(graph: Graph, path: str | Path, *, force: bool = False) -> None:
    """Write a graph as a model file, whole or not at all; a weightless one gets its weights.

    Raises
    ------
    OcostError
        If it can't be written, or a file is in the way and ``force`` is not given.
    """
    from ..graph.write import write

    write(graph, Path(path), force=force)


def prepare(model: str | Path | Graph, path: str | Path, *, force: bool = False) -> None:
    """Write a model whose nodes have unique names, to be profiled elsewhere.

    Raises
    ------
    OcostError
        If it can't be read or written, or a file is in the way and ``force`` is not given.
    """
    from ..runtime.onnxruntime.prepared import prepare

    prepare(load_to_run(model), Path(path), force=force)
