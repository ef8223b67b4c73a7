"""The cheaper model that passes make of one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .asked import device_at_work, load_to_run, require_known_loops, require_no_sizes

if TYPE_CHECKING:
    from ..costmodel import Device
    from ..graph import Graph
    from ..graph.shapes import Given
    from ..optimize import Optimized, Plan


def optimize_model(
    model: str | Path | Graph,
    device: str | Path | Device | None = None,
    *,
    given: Given | None = None,
    threads: int | None = None,
    only: Collection[str] = (),
    without: Collection[str] = (),
    onnxsim: bool = True,
    padding: str = "auto",
    target: str = "",
    opset: int | None = None,
    measure: bool = False,
    inputs: str | Path | None = None,
    tolerance: float | None = None,
    allow_uncompared: bool = False,
    allow_hindering: bool = False,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Optimized:
    """Rewrite a graph so that it costs less, prove that outputs stay, account for each rewrite.

    Parameters
    ----------
    model
        What to optimise; it stays as it is.
    device
        Whose cost model says what pays, and gives the ledger's latencies; ``DEFAULT_DEVICE``, or
        this machine with ``measure``.
    given
        Sizes that the figures are for. No rewrite rests on them.
    threads
        Cores of the device at work; all of them by default, one with ``measure``.
    only, without
        Names of passes to run alone, or to leave out.
    onnxsim
        Whether it runs between the passes.
    padding
        A multiple to pad channels to where that pays: ``auto``, 4, 8, 16, 32 or ``off``.
    target
        ``ort-cpu`` writes what only onnxruntime's CPU provider knows.
    opset
        The opset of ONNX's own operators to convert the model to before the passes, by onnx's
        version converter; None to leave it. The product is compared with the model as it was.
    measure
        Whether to time both graphs in onnxruntime, and what each pass adds.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name: outputs are
        compared on them, beside those that are made up.
    tolerance
        How far outputs may be apart, relative to their largest number, instead of what rounding
        explains.
    allow_uncompared
        Whether to make rewrites whose outputs can't be compared in any way.
    allow_hindering
        Whether to make rewrites with which the device's runtime is estimated to take longer, since
        they break what it would fuse or run in blocks.
    budget_s
        Seconds for either.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        On bad input, or if the model can't be converted to ``opset``.
    """

    from ..optimize import optimize_graph
    from ..runtime.feeds.inputs import given_by, load_feeds

    chosen = device_at_work(device, threads, measure=measure, budget_s=budget_s)
    graph = load_to_run(model)
    feeds = None if inputs is None else load_feeds(Path(inputs), graph)
    if feeds is not None:
        require_no_sizes(inputs, given)
        trips = given.trips if given is not None else {}
        given = given_by(graph, feeds)._replace(trips=trips)
    wanted = plan_for(
        chosen,
        given,
        only=only,
        without=without,
        onnxsim=onnxsim,
        padding=padding,
        target=target,
        opset=opset,
        allow_hindering=allow_hindering,
    )
    seconds = budget_s if measure else None
    require_known_loops(given, graph)
    given = optimizable(given, graph)
    return optimize_graph(
        graph,
        wanted,
        chosen,
        given,
        feeds=feeds,
        tolerance=tolerance,
        allow_uncompared=allow_uncompared,
        measure_s=seconds,
        tell=tell,
    )


def optimizable(given: Given | None, graph: Graph) -> Given:
    """What is given, open dims as this graph has them: rewrites may drop what tells their size.

    Raises
    ------
    OcostError
        If it overrides sizes that the file fixes: it is the file that is optimised.
    """

    from ..graph import OcostError
    from ..graph.shapes import Given, infer

    shapes = infer(graph, given)
    for name in shapes.overridden:
        raise OcostError(
            f"optimising keeps the sizes that the file fixes, '{name}' has others given; "
            "cost, profile and a diff of two files take them"
        )
    return (given or Given())._replace(found=shapes.sizes)


def plan_for(
    device: Device,
    given: Given | None,
    *,
    allow_hindering: bool = False,
    **wanted: Any,  # noqa: ANN401 - of plan()
) -> Plan:
    """What ``optimize.plan`` makes of this; what pays or hinders is told for this device."""
    from ..optimize import plan
    from ..optimize.pays import Judge

    judge = Judge(device, given)
    hinders = None if allow_hindering else judge.hinders
    return plan(**wanted, pays=judge.pays, hinders=hinders)
