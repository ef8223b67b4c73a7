"""``ocost diff`` of more than two models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..output import Format, Output, emit

if TYPE_CHECKING:
    from ..compare.gates import Gate
    from ..costmodel import Device
    from ..graph.shapes import Given


def diff_several(
    before: str,
    afters: Sequence[str],
    device: str | Device | None,
    output: Output,
    limits: Sequence[Gate],
    *,
    given: Given,
    threads: int | None,
    check: bool,
    measure: bool,
    inputs: Path | None,
    tolerance: float | None,
    allow_uncompared: bool,
    budget: float,
    top: int | None,
    verbose: bool,
    quiet: bool,
) -> None:
    """A column a model, each against the first; gates hold for each.

    Raises
    ------
    click.exceptions.Exit
        With 1 if a gate failed, or outputs were compared and are not equal.
    """
    from .. import api
    from ..compare import gates
    from ..report.progress import progress
    from ..report.several_document import several_document
    from ..report.text_several import several_page

    written = output.format is Format.json or output.report is not None
    of_outputs = any(limit.level == gates.OUTPUTS for limit in limits)
    with progress("opening the models", quiet=quiet) as tell:
        result = api.diff_several(
            before,
            afters,
            device,
            given=given,
            threads=threads,
            check=check or (measure and of_outputs),
            measure=measure,
            inputs=inputs,
            tolerance=tolerance,
            similar=written or of_outputs,
            budget_s=budget,
            tell=tell,
        )
    verdicts = [
        gates.verdicts(limits, diff, allow_uncompared=allow_uncompared) for diff in result.diffs
    ]
    emit(
        output,
        document=lambda: several_document(
            result, [[one.document() for one in of_diff] for of_diff in verdicts]
        ),
        page=lambda: several_page(result, top=top, verbose=verbose),
    )
    fine = True
    for name, diff, of_diff in zip(result.names[1:], result.diffs, verdicts, strict=True):
        for verdict in of_diff:
            if not verdict.ok:
                fine = False
                click.echo(f"ocost: gate failed for {name}: {verdict}", err=True)
        fine &= gates.outputs_pass(limits, diff, allow_uncompared=allow_uncompared)
    if not fine:
        raise click.exceptions.Exit(1)
