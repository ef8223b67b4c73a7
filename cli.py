"""The command line: parse, call the library, render, exit code. No logic."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import arguments, completion, options
from .collection import uncollected
from .output import Color, Format, Output, destination, emit, show

if TYPE_CHECKING:
    from .report.blocks import Document
    from .report.text import Page

_EXAMPLES = """Start with a bundled sample:

\b
  ocost cost @mobilenet_v2            what it costs
  ocost optimize @repvgg_a0           what can be saved, with proof
  ocost diff @repvgg_a0 --measure     whether that is real on this machine
  ocost explain                       what can be explained

For completion put this into ~/.bashrc (bash_source), ~/.zshrc (zsh_source):

\b
  eval "$(_OCOST_COMPLETE=bash_source ocost)"
"""


class _Commands(click.Group):
    """The commands; what is none of them is met with what may have been meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from . import hints
            from .graph import OcostError

            raise OcostError(hints.no_command(args[0], list(self.commands)))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order that they are written in."""
        return list(self.commands)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from . import __version__

        click.echo(f"ocost {__version__}")
        ctx.exit()


@click.group(
    cls=_Commands,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option(
    "--version",
    is_flag=True,
    callback=_version,
    is_eager=True,
    expose_value=False,
    help="Show the version.",
)
def app() -> None:
    """What an ONNX graph costs, what an optimisation saves, and whether that is true."""


@app.command()
@options.model("model")
@options.device("Whose roofline estimates; repeat for a column each.", multiple=True)
@options.SIZES
@options.THREADS
@options.REPORT
@uncollected()
def cost(
    model: str,
    device: tuple[str, ...],
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
) -> None:
    """What a model costs: totals, and the operators that take longest.

    MODEL is a .onnx file, or a bundled sample: @mobilenet_v2.
    """
    from . import api

    def document() -> Document:
        from .report.cost_document import cost_document

        return cost_document(result, first, others)

    def page() -> Page:  # brings rich, which takes longer than the cost of a small model
        from .report.short_cost import cost_page

        return cost_page(result, first, others, top=top, verbose=verbose)

    output = destination(format_, report, color, model, *(device or ()))
    given = arguments.given(shape, dim, value, strict_dims, trips)
    graph = api.load(model)
    wanted = [api.find_device(d, threads) for d in device or [api.DEFAULT_DEVICE]]
    (first, result), *others = [(d, api.cost(graph, d, given=given)) for d in wanted]
    emit(output, document=document, page=page)


@app.command()
@options.model("before")
@options.model("after", required=False)
@options.DEVICE
@options.SIZES
@options.THREADS
@options.REPORT
@options.QUIET
@click.option("--check", is_flag=True, help="Run both and compare outputs; exit with 1 if unequal.")
@click.option("--measure", is_flag=True, help="Do that, and time both in onnxruntime here.")
@options.CHECKED
@options.budget("To time both in; profiles come on top.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="LEVEL.FIGURE:LIMIT",
    help="Exit with 1 if a change is over its limit: written.traffic:0%, or with "
    "--measure latency:5%. Repeatable.",
)
def diff(
    before: str,
    after: str | None,
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
    inputs: Path | None,
    tolerance: float | None,
    allow_uncompared: bool,
    budget: float,
    fail_on: tuple[str, ...],
) -> None:
    """What changed between two models, and whether it is real.

    BEFORE and AFTER are .onnx files, or bundled samples: @mobilenet_v2. Without AFTER, `optimize`
    makes it.
    """
    from . import api
    from .compare import gates
    from .report.diff_document import diff_document
    from .report.progress import progress
    from .report.short_diff import diff_page

    output = destination(format_, report, color, before, after, device, inputs)
    limits = [gates.parse(spec, measured=measure) for spec in fail_on or ()]
    gates.require(limits, measured=measure)
    written = output.format is Format.json or output.report is not None
    given = arguments.given(shape, dim, value, strict_dims, trips)
    with progress("opening the model", quiet=quiet) as tell:
        result = api.diff(
            before,
            after,
            device,
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


@app.command()
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
@click.option("--target", default="", metavar="ort-cpu", help="Write what only this runtime knows.")
@click.option("--explain", is_flag=True, help="Every rewrite that was declined, and why.")
@click.option("--measure", is_flag=True, help="Time both graphs in onnxruntime, and each pass.")
@options.budget("To measure both; as much for the passes.")
@options.CHECKED
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
    from . import api
    from .graph.write import check_writable
    from .report.optimize_document import optimize_document
    from .report.progress import progress
    from .report.short_optimize import optimize_page

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


@app.command()
@options.model("model")
@options.DEVICE
@options.SIZES
@options.INPUTS
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
@options.budget("To measure; opening the model comes on top.")
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
    threads: int | None,
    level: str,
    budget: float,
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
    from . import api
    from .report.profile_document import profile_document
    from .report.progress import progress
    from .report.short_profile import profile_page

    if prepare:
        if out is None:
            raise click.BadParameter("--prepare: say where the model goes, -o named.onnx")
        if trace or optimized or inputs or report:
            raise click.BadParameter("--prepare only writes a model: it goes with -o and --force")
        api.prepare(model, out, force=force)
        return
    if out is not None or (optimized is not None and trace is None):
        raise click.BadParameter("-o goes with --prepare, and --optimized with --from")
    if inputs is not None and trace is not None:
        raise click.BadParameter("--inputs is for a run here; with --from give --shape, --value")
    output = destination(format_, report, color, model, device, inputs, trace, optimized)
    given = arguments.given(shape, dim, value, strict_dims, trips)
    with progress("opening the model", quiet=quiet) as tell:
        result = (
            api.profile(
                model,
                device or "host",
                given=given,
                threads=threads or 1,
                inputs=inputs,
                level=level,
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


@app.command()
@click.argument("name", metavar="[NAME|FILE]", required=False)
@options.FORMAT
@options.COLOR
def devices(
    name: str | None,
    format_: Format,
    color: Color,
) -> None:
    """List the devices, or show one with the sources of its figures.

    NAME or FILE is the device to show whole.
    """
    from . import api
    from .report.devices_document import devices_document
    from .report.text_devices import render_device, render_devices

    found = api.devices() if name is None else [api.find_device(name)]
    emit(
        Output(format_, None, color),
        document=lambda: devices_document(found),
        page=lambda: (
            render_devices(found, default=api.DEFAULT_DEVICE)
            if name is None
            else render_device(found[0])
        ),
    )


@app.command()
@click.argument("name", required=False, shell_complete=options.offering(completion.names))
@options.COLOR
def explain(
    name: str | None,
    color: Color,
) -> None:
    """What a name means: a formula, a rewrite, a source.

    NAME is an operator, a pass, a figure, a device or a kernel kind; without it there is a list.
    """
    from . import api
    from .report.text_devices import render_device
    from .report.text_explain import render_explain, render_topics

    if name is None:
        show(render_topics([(t.title, t.about, t.names) for t in api.topics()]), color)
        return
    found = api.explain(name)
    show(
        render_device(found.device)
        if found.device is not None
        else render_explain(found.name, found.what, found.text, found.source),
        color,
    )


def main() -> None:
    """Entry point. Exit code 0: fine; 1: a gate failed; 2: usage, bad input, internal error."""
    if completion.ASKED in os.environ:
        sys.exit(completion.answer(app, os.environ))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # temporary files go then too
    code = run(sys.argv[1:])
    for end in (signal.SIGINT, signal.SIGTERM):  # all is done, and the exit code is known
        signal.signal(end, signal.SIG_IGN)
    gc.freeze()  # all of it goes with the process: there is nothing to look through before
    sys.exit(code)


_NO_COMMAND = 2
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    try:
        with app.make_context("ocost", list(arguments) or ["--help"]) as context:
            app.invoke(context)
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code if arguments else _NO_COMMAND
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _interrupted() if _is_interrupt(error) else _fail(error)


def _interrupted() -> int:
    print("ocost: interrupted", file=sys.stderr)
    return 2


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind it: a library that is just being imported makes an ImportError."""
    if error is None or isinstance(error, KeyboardInterrupt):
        return error is not None
    return _is_interrupt(error.__cause__ or error.__context__)


def _fail(error: Exception) -> int:
    """Say what is wrong in one line."""
    from .graph import OcostError

    if isinstance(error, click.ClickException):
        line = f"error: {error.format_message()}"
    elif isinstance(error, OcostError):
        line = f"error: {error}"
    elif isinstance(error, OSError) and error.errno in _NO_ROOM:
        import tempfile

        line = (
            f"error: no room for temporary files in {tempfile.gettempdir()} ({error.strerror}); "
            "make some, or name another folder in TMPDIR"
        )
    else:
        if os.environ.get("OCOST_TRACEBACK"):
            traceback.print_exc()
        where = "(set OCOST_TRACEBACK=1 to see where)"
        line = f"internal error: {type(error).__name__}: {error} {where}"
    # Names come from the file: a control character in one must not reach the terminal.
    print("ocost: " + "".join(c if c.isprintable() else "?" for c in line), file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
