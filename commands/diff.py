"""``ocost diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import arguments, options
from ..output import Color, Format, destination, emit

if TYPE_CHECKING:
    from ..costmodel import Device


@click.command()
@options.model("before")
@options.models("after")
@options.DEVICE
@options.SIZES
@options.THREADS
@options.REPORT
@options.QUIET
@click.option("--check", is_flag=True, help="Run both and compare outputs; exit with 1 if unequal.")
@click.option("--measure", is_flag=True, help="Do that, and time both in onnxruntime here.")
@options.REFINE
@options.CHECKED
@options.budget("To time both in; profiles come on top.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="LEVEL.FIGURE:LIMIT",
    help="Exit with 1 if a change is over its limit: written.traffic:0%, latency:5% (as executed; "
    "as measured with --measure). Repeatable.",
)
def diff(
    before: str,
    after: tuple[str, ...],
    device: str | None,
    shape: tuple[str, ...],
    dim: tuple[str, ...],
    value: tuple[str, ...],
    trips: tuple[str, ...],
    strict_dims: bool,
    threads: int | None,
    format_: Format,
    report: Path | None,
    top: int | None,
    color: Color,
    verbose: bool,
    quiet: bool,
    check: bool,
    measure: bool,
    refine: bool,
    inputs: Path | None,
    tolerance: float | None,
    allow_uncompared: bool,
    budget: float,
    fail_on: tuple[str, ...],
) -> None:
    """What changed between two models, and whether it is real.

    BEFORE and AFTER are .onnx files, or bundled samples: @mobilenet_v2. Without AFTER, `optimize`
    makes it. Several AFTER, as of one model in several precisions, are a column each.
    """
    from .. import api
    from ..compare import gates
    from ..report.diff_document import diff_document
    from ..report.progress import progress
    from ..report.short_diff import diff_page

    output = destination(format_, report, color, before, *after, device, inputs)
    limits = [gates.parse(spec, measured=measure) for spec in fail_on or ()]
    gates.require(limits, measured=measure)
    written = output.format is Format.json or output.report is not None
    given = arguments.given(shape, dim, value, strict_dims, trips)
    refined: str | Device | None = device
    if refine:
        with progress("measuring nodes", quiet=quiet) as tell:
            refined = api.refine(
                [before, *after], device, given=given, threads=threads, inputs=inputs, tell=tell
            )
    if len(after) > 1:
        from .diff_several import diff_several

        diff_several(
            before,
            after,
            refined,
            output,
            limits,
            given=given,
            threads=threads,
            check=check,
            measure=measure,
            inputs=inputs,
            tolerance=tolerance,
            allow_uncompared=allow_uncompared,
            budget=budget,
            top=top,
            verbose=verbose,
            quiet=quiet,
        )
        return
    with progress("opening the model", quiet=quiet) as tell:
        result = api.diff(
            before,
            after[0] if after else None,
            refined,
            given=given,
            threads=threads,
            check=check,
            measure=measure,
            inputs=inputs,
            tolerance=tolerance,
            similar=written or any(limit.level == gates.OUTPUTS for limit in limits),
            allow_uncompared=allow_uncompared,
            budget_s=budget,
            tell=tell,
        )
    verdicts = gates.verdicts(limits, result, allow_uncompared=allow_uncompared)
    emit(
        output,
        document=lambda: diff_document(result, [v.document() for v in verdicts]),
        page=lambda: diff_page(result, top=top, verbose=verbose),
    )
    for verdict in verdicts:
        if not verdict.ok:
            click.echo(f"ocost: gate failed: {verdict}", err=True)
    fine = gates.outputs_pass(limits, result, allow_uncompared=allow_uncompared)
    if not fine or not all(verdict.ok for verdict in verdicts):
        raise click.exceptions.Exit(1)
