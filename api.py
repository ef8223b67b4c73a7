"""The functions behind the commands. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .compare import Diff
    from .costmodel import Device, GraphCost
    from .explanation import Explanation
    from .graph import Graph
    from .graph.shapes import Given

DEFAULT_DEVICE = "x86-server-core"


def load(model: str | Path | Graph) -> Graph:
    """Open a model; no weight is read.

    Raises
    ------
    OcostError
        If it can't be opened: one line that says what is wrong, where, and what to do.
    """
    from .graph import Graph, load, verify

    if isinstance(model, Graph):
        return model
    graph = load(model)
    verify(graph)
    return graph


def find_device(which: str | Path | Device = DEFAULT_DEVICE, threads: int | None = None) -> Device:
    """A device by name, by file, or ``host`` for a rough picture of this machine."""
    from .costmodel.device import Device, find

    found = which if isinstance(which, Device) else find(which)
    return found if threads is None else found.with_threads(threads)


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
        Shapes, dims and contents of inputs.
    threads
        Cores of the device at work; all of them by default.

    Raises
    ------
    OcostError
        On bad input.
    """
    from .costmodel import cost_graph

    return cost_graph(load(model), find_device(device, threads), given)


def diff(
    before: str | Path | Graph,
    after: str | Path | Graph | None = None,
    device: str | Path | Device = DEFAULT_DEVICE,
    *,
    given: Given | None = None,
    threads: int | None = None,
    check: bool = False,
) -> Diff:
    """What changed between two graphs. Without ``after``, onnxsim makes it.

    With ``check`` both are run on random inputs and their outputs compared.

    Raises
    ------
    OcostError
        On bad input, or if onnxsim fails.
    """
    from dataclasses import replace

    from .compare import diff_graphs
    from .optimize import simplify
    from .runtime.equivalence import check as compare_outputs

    chosen = find_device(device, threads)
    first = load(before)
    made_by = ""
    if after is None:
        made = simplify(first)
        second, made_by = made.graph, made.made_by
    else:
        second = load(after)
    found = diff_graphs(first, second, chosen, given, made_by)
    if not check:
        return found
    return replace(found, equivalence=compare_outputs(first, second, given=given))


def devices() -> Sequence[Device]:
    """The bundled devices, and this machine as ``host``."""
    from .costmodel.device import HOST, devices, find

    return [find(name) for name in (*devices(), HOST)]


def explain(name: str) -> Explanation:
    """What an operator's formula, a device, a kernel kind or a report's figure is.

    Raises
    ------
    OcostError
        If nothing is called so.
    """
    from .explanation import explain

    return explain(name)


def given(
    shapes: Mapping[str, Sequence[int]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
    *,
    strict: bool = False,
) -> Given:
    """What is known of a model's inputs before the run.

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
    """
    import numpy as np

    from .graph.shapes import Given

    return Given(
        {n: tuple(s) for n, s in (shapes or {}).items()},
        dict(dims or {}),
        {n: np.asarray(v) for n, v in (values or {}).items()},
        strict,
    )
