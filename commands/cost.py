"""``ocost cost``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from .. import arguments, options
from ..collection import uncollected
from ..output import Color, Format, destination, emit

if TYPE_CHECKING:
    from ..costmodel import Device, GraphCost
    from ..report.blocks import Document
    from ..report.text import Page


@click.command()
@options.model("model")
@options.device("Whose roofline estimates; repeat for a column each.", multiple=True)
@click.option(
    "--level",
    type=click.Choice(["executed", "written"]),
    default="executed",
    show_default=True,
    help="As the device's runtime executes the graph, by rules, or as the file has it.",
)
@options.SIZES
@click.option(
    "--under",
    metavar="TIME",
    help="With --dim NAME=1,2,4: the largest size that takes no longer, as 20ms.",
)
@options.THREADS
@options.REFINE
@options.QUIET
@options.REPORT
@uncollected()
def cost(
    model: str,
    device: tuple[str, ...],
    level: Literal["written", "executed"],
    shape: tuple[str, ...],
    dim: tuple[str, ...],
    value: tuple[str, ...],
    trips: tuple[str, ...],
    strict_dims: bool,
    under: str | None,
    threads: int | None,
    refine: bool,
    quiet: bool,
    format_: Format,
    report: Path | None,
    top: int | None,
    color: Color,
    verbose: bool,
) -> None:
    """What a model costs: totals, and which operators take longest.

    MODEL is a .onnx file, or a bundled sample: @mobilenet_v2.
    """
    from .. import api

    def document() -> Document:
        from ..report.cost_document import cost_document

        return cost_document(result, first, others)

    def page() -> Page:  # brings rich, which takes longer than the cost of a small model
        from ..report.short_cost import cost_page

        return cost_page(result, first, others, top=top, verbose=verbose, written=written)

    def as_written(on: Device) -> GraphCost:
        return api.cost(graph, on, given=given, level="written")

    output = destination(format_, report, color, model, *(device or ()))
    sizes, swept = arguments.swept(dim)
    given = arguments.given(shape, sizes, value, strict_dims, trips)
    limit = arguments.seconds("--under", under)
    if refine and (swept or limit is not None or level == "written"):
        raise click.BadParameter("--refine measures one size of each dim, as executed")
    if swept or limit is not None:
        from .sweep import sweep

        sweep(
            model,
            swept,
            device,
            output,
            given=given,
            threads=threads,
            level=level,
            under=limit,
            top=top,
            verbose=verbose,
        )
        return
    graph = api.load(model)
    wanted = [api.find_device(d, threads) for d in device or [api.DEFAULT_DEVICE]]
    if refine:
        from ..report.progress import progress

        with progress("measuring nodes", quiet=quiet) as tell:
            wanted = [
                api.refine([graph], d, given=given, threads=threads, tell=tell)
                for d in device or [api.DEFAULT_DEVICE]
            ]
    written = as_written if level == "executed" else None
    (first, result), *others = [(d, api.cost(graph, d, given=given, level=level)) for d in wanted]
    emit(output, document=document, page=page)
