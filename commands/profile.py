"""``ocost profile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import arguments, options
from ..output import Color, Format, destination, emit

if TYPE_CHECKING:
    from ..costmodel import Device


@click.command()
@options.model("model")
@options.DEVICE
@options.SIZES
@options.INPUTS
@options.REFINE
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Of onnxruntime, 1 by default; of the device with --from.",
)
@click.option(
    "--level",
    default="all",
    metavar="LEVEL",
    help="onnxruntime's optimisation: disable, basic, extended or all.",
)
@click.option(
    "--ledger",
    is_flag=True,
    help="Measure each optimisation that onnxruntime makes by itself: on and off.",
)
@click.option(
    "--budget",
    type=float,
    metavar="SECONDS",
    help="To measure, 10 by default, 60 with --ledger; opening the model comes on top.",
)
@click.option(
    "--from",
    "trace",
    type=options.FILE,
    metavar="TRACE.JSON",
    help="A profile that was taken elsewhere.",
)
@click.option(
    "--optimized",
    type=options.FILE,
    metavar="SAVED.ONNX",
    help="With --from: the graph that session saved.",
)
@click.option("--prepare", is_flag=True, help="Only write the model to profile elsewhere to -o.")
@options.OUT
@options.FORCE
@options.REPORT
@options.QUIET
def profile(
    model: str,
    device: str | None,
    shape: tuple[str, ...],
    dim: tuple[str, ...],
    value: tuple[str, ...],
    trips: tuple[str, ...],
    strict_dims: bool,
    inputs: Path | None,
    refine: bool,
    threads: int | None,
    level: str,
    ledger: bool,
    budget: float | None,
    trace: Path | None,
    optimized: Path | None,
    prepare: bool,
    out: Path | None,
    force: bool,
    format_: Format,
    report: Path | None,
    top: int | None,
    color: Color,
    verbose: bool,
    quiet: bool,
) -> None:
    """Run a model here: measured against predicted, node by node.

    MODEL is a .onnx file, or a bundled sample: @mobilenet_v2.
    """
    from .. import api
    from ..report.profile_document import profile_document
    from ..report.progress import progress
    from ..report.short_profile import profile_page

    if prepare:
        if out is None:
            raise click.BadParameter("--prepare: say where the model goes, -o named.onnx")
        if trace or optimized or inputs or report or ledger or refine:
            raise click.BadParameter("--prepare only writes a model: it goes with -o and --force")
        api.prepare(model, out, force=force)
        return
    if out is not None or (optimized is not None and trace is None):
        raise click.BadParameter("-o goes with --prepare, and --optimized with --from")
    if ledger and trace is not None:
        raise click.BadParameter("--ledger measures here: it can't be had of a profile --from")
    if refine and trace is not None:
        raise click.BadParameter("--refine measures here: it can't be had of a profile --from")
    if inputs is not None and trace is not None:
        raise click.BadParameter("--inputs is for a run here; with --from give --shape, --value")
    output = destination(format_, report, color, model, device, inputs, trace, optimized)
    given = arguments.given(shape, dim, value, strict_dims, trips)
    with progress("opening the model", quiet=quiet) as tell:
        refined: str | Device = device or "host"
        if refine:
            refined = api.refine(
                [model], device, given=given, threads=threads or 1, inputs=inputs, tell=tell
            )
        result = (
            api.profile(
                model,
                refined,
                given=given,
                threads=threads or 1,
                inputs=inputs,
                level=level,
                ledger=ledger,
                budget_s=budget,
                tell=tell,
            )
            if trace is None
            else api.read_profile(
                model,
                trace,
                device or api.DEFAULT_DEVICE,
                optimized=optimized,
                given=given,
                threads=threads,
            )
        )
    emit(
        output,
        document=lambda: profile_document(result),
        page=lambda: profile_page(result, top=top, verbose=verbose),
    )
