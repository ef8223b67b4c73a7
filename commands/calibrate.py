"""``ocost calibrate``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import arguments, options
from ..output import Color, Format, Output, emit


@click.command()
@click.option(
    "-o",
    "out",
    type=options.FILE,
    metavar="FILE.json",
    required=True,
    help="The device file that is made: `ocost cost --device FILE.json MODEL` uses it.",
)
@click.option(
    "--budget",
    default="2m",
    show_default=True,
    metavar="TIME",
    help="To measure, as 30s, 2m, 10m; more measures more nodes.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Of an operator; a calibration holds for that number.",
)
@click.option(
    "--for",
    "models",
    multiple=True,
    metavar="MODEL",
    help="Measure this model's own nodes too; repeatable. With a FILE.json that is there already, "
    "these alone.",
)
@options.FORCE
@options.FORMAT
@options.COLOR
@options.QUIET
def calibrate(
    out: Path,
    budget: str,
    threads: int,
    models: tuple[str, ...],
    force: bool,
    format_: Format,
    color: Color,
    quiet: bool,
) -> None:
    """Measure this machine, and make a device file of it.

    The runtime's kernels are timed on nodes that are made up, within the budget.

    What is measured is kept beside the file until all is done: run the same command again when it
    was interrupted, and it goes on from there.
    """
    from .. import api
    from ..report.devices_document import devices_document
    from ..report.progress import progress
    from ..report.text_calibration import calibration_page

    budget_s = arguments.seconds("--budget", budget) or 0.0
    with progress("measuring peaks", quiet=quiet) as tell:
        if not models or force or not out.exists():
            device = api.calibrate(out, budget_s=budget_s, threads=threads, force=force, tell=tell)
        if models:
            device = api.refine(models, out, threads=threads, tell=tell)
    emit(
        Output(format_, None, color),
        document=lambda: devices_document([device]),
        page=lambda: calibration_page(device, str(out)),
    )
