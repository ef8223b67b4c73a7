"""A calibrated device refined by models: their own nodes measured here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .asked import DEFAULT_DEVICE, find_device, load_to_run, require_known_loops, require_time

if TYPE_CHECKING:
    from ..costmodel import Device
    from ..graph import Graph
    from ..graph.shapes import Given


def refine(
    models: Sequence[str | Path | Graph],
    device: str | Path | Device | None,
    *,
    given: Given | None = None,
    threads: int | None = None,
    inputs: str | Path | None = None,
    budget_s: float = 10.0,
    tell: Callable[[str], object] = lambda _: None,
) -> Device:
    """Measure the nodes of models that a calibrated device has no times of yet.

    A device file gets the new times too, whole or not at all.

    Parameters
    ----------
    models
        Whose nodes to measure, in turn: what one has measured isn't measured for the next.
    device
        A device file that ``ocost calibrate`` wrote here, or what was read from one.
    given
        Shapes, dims and contents of inputs, as the models will be costed with.
    threads
        That the device must be calibrated for.
    inputs
        A ``.npz`` file, or a ``.json`` of nested lists, with all inputs by name to measure with.
    budget_s
        Seconds to measure each model in; opening it comes on top.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        On bad input, if the device isn't calibrated, or not here, or if the runtime refuses a
        model.
    """
    import json

    from ..costmodel.device_file import document
    from ..graph.save import replacing
    from ..runtime.calibration.refine import refined, require_refinable
    from ..runtime.feeds.inputs import given_by, load_feeds

    require_time(budget_s)
    before = found = find_device(DEFAULT_DEVICE if device is None else device)
    require_refinable(found)
    if threads is not None:
        found.with_threads(threads)
    graphs = [load_to_run(model) for model in models]
    require_known_loops(given, *graphs)
    for graph in graphs:
        feeds = None if inputs is None else load_feeds(Path(inputs), graph)
        told = given
        if feeds is not None:
            told = given_by(graph, feeds)._replace(trips=given.trips if given is not None else {})
        found = refined(found, graph, told, feeds=feeds, budget_s=budget_s, tell=tell)
    if found is not before and isinstance(device, str | Path):
        with replacing(Path(device)) as temporary:
            temporary.write_text(json.dumps(document(found)) + "\n", encoding="utf-8")
    return found
