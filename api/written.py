"""What needs no run: costs, names explained, models written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .asked import DEFAULT_DEVICE, find_device, load, load_to_run, require_known_loops

if TYPE_CHECKING:
    from ..costmodel import Device, GraphCost
    from ..explanation import Explanation, Topic
    from ..graph import Graph
    from ..graph.shapes import Given
    from ..passes.lowering.fate import NodeFate


def cost(
    model: str | Path | Graph,
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    given: Given | None = None,
    threads: int | None = None,
    level: Literal["written", "executed"] = "executed",
) -> GraphCost:
    """What a graph costs: every node, totals, coverage.

    At ``executed`` its ``blockers()`` tell what the runtime nearly rewrites, what stands in the way
    and what a fix would save; they are found out when asked for.

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
    level
        ``written``: the graph as the file has it. ``executed``: what the device's runtime makes of
        it, by rules.

    Raises
    ------
    OcostError
        On bad input.
    """
    from ..costmodel import cost_graph

    graph, chosen = load(model), find_device(device, threads)
    require_known_loops(given, graph)
    return (cost_graph if level == "written" else _executed)(graph, chosen, given)


def _executed(graph: Graph, device: Device, given: Given | None) -> GraphCost:
    from ..costmodel.notes import notes_on_executed
    from ..costmodel.params import constants
    from ..graph.shapes import infer
    from ..passes.lowering.costed import lowered_cost

    cost = lowered_cost(graph, device, given).cost
    # Bodies alone have anything to tell of shapes as written.
    owns = any(scope.function(node) or scope.subgraphs(node) for scope, node in graph.walk())
    written = infer(graph, given) if owns else None
    notes = notes_on_executed(written, cost.nodes, device, constants(graph))
    return replace(cost, notes=(*cost.notes, *notes))


def fate(
    model: str | Path | Graph, node: str, device: str | Path | Device = DEFAULT_DEVICE
) -> NodeFate:
    """What a device's runtime makes of one node of a model, by rules.

    Raises
    ------
    OcostError
        On bad input, or if the model has no such node.
    """
    from ..passes.lowering.costed import lowered_cost
    from ..passes.lowering.fate import node_fate

    graph, chosen = load(model), find_device(device)
    return node_fate(graph, lowered_cost(graph, chosen).blockers, node)


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
    from ..runtime.prepared import prepare

    prepare(load_to_run(model), Path(path), force=force)
