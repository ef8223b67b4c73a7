"""``ocost optimize``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import arguments, completion, options
from ..output import Color, Format, destination, emit


@click.command()
@options.model("model")
@options.OUT
@options.DEVICE
@click.option(
    "--passes",
    metavar="NAME[,NAME...]",
    help="Run these passes alone.",
    shell_complete=options.offering(completion.passes),
)
@click.option(
    "--skip",
    metavar="NAME[,NAME...]",
    help="Leave these passes out.",
    shell_complete=options.offering(completion.passes),
)
@click.option("--onnxsim/--no-onnxsim", default=True, help="onnxsim between the passes.")
@click.option(
    "--pad-channels",
    default="auto",
    metavar="auto|4|8|16|32|off",
    help="Pad channels where that pays.",
)
@click.option(
    "--opset",
    type=click.IntRange(min=1),
    metavar="N",
    help="Convert to this opset first, by onnx's version converter.",
)
@click.option(
    "--target",
    default="",
    metavar="ort-cpu",
    help="Write what only this runtime knows.",
    show_default=False,
)
@click.option("--explain", is_flag=True, help="Every rewrite that was declined, and why.")
@click.option("--measure", is_flag=True, help="Time both graphs in onnxruntime, and each pass.")
@options.budget("To measure both; as much for the passes.")
@options.CHECKED
@click.option(
    "--allow-hindering", is_flag=True, help="Make rewrites that slow the device's runtime down."
)
@options.SIZES
@options.THREADS
@options.FORCE
@options.REPORT
@options.QUIET
def optimize(
    model: str,
    out: Path | None,
    device: str | None,
    passes: str | None,
    skip: str | None,
    onnxsim: bool,
    pad_channels: str,
    opset: int | None,
    target: str,
    explain: bool,
    measure: bool,
    budget: float,
    inputs: Path | None,
    tolerance: float | None,
    allow_uncompared: bool,
    allow_hindering: bool,
    shape: tuple[str, ...],
    dim: tuple[str, ...],
    value: tuple[str, ...],
    trips: tuple[str, ...],
    strict_dims: bool,
    threads: int | None,
    force: bool,
    format_: Format,
    report: Path | None,
    top: int | None,
    color: Color,
    verbose: bool,
    quiet: bool,
) -> None:
    """Make a model cheaper, with proof that its outputs stay.

    MODEL is a .onnx file, or a bundled sample: @mobilenet_v2.
    """
    from .. import api
    from ..graph.write import check_writable
    from ..report.optimize_document import optimize_document
    from ..report.progress import progress
    from ..report.short_optimize import optimize_page

    output = destination(format_, report, color, model, device, inputs, product=out)
    given = arguments.given(shape, dim, value, strict_dims, trips)
    if out is not None:
        check_writable(out, force=force)
    with progress("opening the model", quiet=quiet) as tell:
        result = api.optimize_model(
            model,
            device,
            given=given,
            threads=threads,
            only=arguments.names(passes),
            without=arguments.names(skip),
            onnxsim=onnxsim,
            padding=pad_channels,
            target=target,
            opset=opset,
            measure=measure,
            inputs=inputs,
            tolerance=tolerance,
            allow_uncompared=allow_uncompared,
            allow_hindering=allow_hindering,
            budget_s=budget,
            tell=tell,
        )
    if out is not None:
        api.write(result.graph, out, force=force)
    emit(
        output,
        document=lambda: optimize_document(result),
        page=lambda: optimize_page(result, top=top, explain=explain, verbose=verbose),
    )
