"""The command line: parse, call the library, render, exit code. No logic."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import arguments, completion, hints
from .output import Color, Format, Output, destination, emit, show


class _Commands(TyperGroup):
    """The commands; what is none of them is met with what may have been meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - of click
        """The command that the first argument names."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            from .graph import OcostError

            raise OcostError(hints.no_command(args[0], list(self.commands)))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="ocost",
    help="What an ONNX graph costs, what an optimisation saves, and whether that is true.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is denser, and needs no rich
    context_settings={"help_option_names": ["-h", "--help"]},
    cls=_Commands,
)


_Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A .onnx file, or a bundled sample: @mobilenet_v2.",
        autocompletion=completion.models,
    ),
]
_Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME|FILE",
        help="Whose roofline estimates; `ocost devices` lists them.",
        autocompletion=completion.devices,
    ),
]
_Shape = Annotated[
    list[str] | None,
    typer.Option("--shape", metavar="NAME=1x3x224x224", help="Shape of an input. Repeatable."),
]
_Dim = Annotated[
    list[str] | None,
    typer.Option("--dim", metavar="NAME=N", help="Size of a dim, by symbol or as input[axis]."),
]
_Value = Annotated[
    list[str] | None,
    typer.Option(
        "--value", metavar="NAME=V[,V...]", help="Contents that decide shapes. Repeatable."
    ),
]
_Trips = Annotated[
    list[str] | None,
    typer.Option("--trips", metavar="LOOP=N", help="How often a Loop runs its body."),
]
_Strict = Annotated[
    bool, typer.Option("--strict-dims", help="Refuse open dims instead of assuming 1.")
]
_Threads = Annotated[
    int | None, typer.Option(metavar="N", help="Cores of the device at work; all by default.")
]
_Format = Annotated[Format, typer.Option("--format", help="What to print.")]
_Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the report here too; JSON if FILE ends in .json."),
]
_Out = Annotated[Path | None, typer.Option("-o", metavar="FILE", help="Where the product goes.")]
_Force = Annotated[bool, typer.Option("--force", help="Overwrite what -o names.")]
_Inputs = Annotated[
    Path | None,
    typer.Option("--inputs", metavar="FILE", help="All inputs, in a .npz or .json; else made up."),
]
_Tolerance = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        metavar="SHARE",
        help="How far outputs may be apart, by their largest number; else what rounding explains.",
    ),
]
_AllowUncompared = Annotated[
    bool,
    typer.Option("--allow-uncompared", help="Let pass what could not be compared."),
]
_Top = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="All tables, with N rows of the longer ones."),
]
_Color = Annotated[Color, typer.Option(help="Colours: on a terminal only by default.")]
_Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="All tables, with every row.")]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress on stderr.")]


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"ocost {__version__}")
        raise typer.Exit


_EXAMPLES = """Start with a bundled sample:

\b
  ocost cost @mobilenet_v2            what it costs
  ocost optimize @repvgg_a0           what can be saved, with proof
  ocost diff @repvgg_a0 --measure     whether that is real on this machine
  ocost explain                       what can be explained
"""


@app.callback(epilog=_EXAMPLES)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """What an ONNX graph costs, what an optimisation saves, and whether that is true."""


@app.command()
def cost(
    model: _Model,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="NAME|FILE",
            help="Whose roofline estimates; repeat for a column each.",
            autocompletion=completion.devices,
        ),
    ] = None,
    shape: _Shape = None,
    dim: _Dim = None,
    value: _Value = None,
    trips: _Trips = None,
    strict_dims: _Strict = False,
    threads: _Threads = None,
    format_: _Format = Format.text,
    report: _Report = None,
    top: _Top = None,
    color: _Color = Color.auto,
    verbose: _Verbose = False,
) -> None:
    """What a model costs: totals, and the operators that take longest."""
    from . import api
    from .report.cost_document import cost_document
    from .report.short_cost import cost_page

    output = destination(format_, report, color, model, *(device or ()))
    given = arguments.given(shape, dim, value, strict_dims, trips)
    graph = api.load(model)
    wanted = [api.find_device(d, threads) for d in device or [api.DEFAULT_DEVICE]]
    (first, result), *others = [(d, api.cost(graph, d, given=given)) for d in wanted]
    emit(
        output,
        document=lambda: cost_document(result, first, others),
        page=lambda: cost_page(result, first, others, top=top, verbose=verbose),
    )


@app.command()
def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="BEFORE",
            help="A .onnx file, or a bundled sample: @mobilenet_v2.",
            autocompletion=completion.models,
        ),
    ],
    after: Annotated[
        str | None,
        typer.Argument(
            metavar="AFTER",
            help="The same; without it, `optimize` makes it.",
            autocompletion=completion.models,
        ),
    ] = None,
    device: _Device = None,
    shape: _Shape = None,
    dim: _Dim = None,
    value: _Value = None,
    trips: _Trips = None,
    strict_dims: _Strict = False,
    threads: _Threads = None,
    format_: _Format = Format.text,
    report: _Report = None,
    top: _Top = None,
    color: _Color = Color.auto,
    verbose: _Verbose = False,
    quiet: _Quiet = False,
    check: Annotated[
        bool, typer.Option("--check", help="Run both and compare outputs; exit with 1 if unequal.")
    ] = False,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Do that, and time both in onnxruntime here."),
    ] = False,
    inputs: _Inputs = None,
    tolerance: _Tolerance = None,
    allow_uncompared: _AllowUncompared = False,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="To time both in; profiles come on top.")
    ] = 10.0,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL.FIGURE:LIMIT",
            help="Exit with 1 if a change is over its limit: written.traffic:0%, or with "
            "--measure latency:5%. Repeatable.",
        ),
    ] = None,
) -> None:
    """What changed between two models, and whether it is real."""
    from . import api
    from .compare import gates
    from .report.diff_document import diff_document
    from .report.progress import progress
    from .report.short_diff import diff_page

    output = destination(format_, report, color, before, after, device, inputs)
    limits = [gates.parse(spec, measured=measure) for spec in fail_on or ()]
    gates.require(limits, measured=measure)
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
            typer.echo(f"ocost: gate failed: {verdict}", err=True)
    fine = gates.outputs_pass(limits, result, allow_uncompared=allow_uncompared)
    if not fine or not all(verdict.ok for verdict in verdicts):
        raise typer.Exit(1)


@app.command()
def optimize(
    model: _Model,
    out: _Out = None,
    device: _Device = None,
    passes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="Run these passes alone.",
            autocompletion=completion.passes,
        ),
    ] = None,
    skip: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="Leave these passes out.",
            autocompletion=completion.passes,
        ),
    ] = None,
    onnxsim: Annotated[
        bool, typer.Option("--onnxsim/--no-onnxsim", help="onnxsim between the passes.")
    ] = True,
    pad_channels: Annotated[
        str, typer.Option(metavar="auto|4|8|16|32|off", help="Pad channels where that pays.")
    ] = "auto",
    target: Annotated[
        str, typer.Option(metavar="ort-cpu", help="Write what only this runtime knows.")
    ] = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Every rewrite that was declined, and why.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Time both graphs in onnxruntime, and each pass.")
    ] = False,
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="To measure both; as much for the passes.")
    ] = 10.0,
    inputs: _Inputs = None,
    tolerance: _Tolerance = None,
    allow_uncompared: _AllowUncompared = False,
    shape: _Shape = None,
    dim: _Dim = None,
    value: _Value = None,
    trips: _Trips = None,
    strict_dims: _Strict = False,
    threads: _Threads = None,
    force: _Force = False,
    format_: _Format = Format.text,
    report: _Report = None,
    top: _Top = None,
    color: _Color = Color.auto,
    verbose: _Verbose = False,
    quiet: _Quiet = False,
) -> None:
    """Make a model cheaper, with proof that its outputs stay."""
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
def profile(
    model: _Model,
    device: _Device = None,
    shape: _Shape = None,
    dim: _Dim = None,
    value: _Value = None,
    trips: _Trips = None,
    strict_dims: _Strict = False,
    inputs: _Inputs = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Of onnxruntime, 1 by default; of the device with --from."
        ),
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL", help="onnxruntime's optimisation: disable, basic, extended or all."
        ),
    ] = "all",
    budget: Annotated[
        float, typer.Option(metavar="SECONDS", help="To measure; opening the model comes on top.")
    ] = 10.0,
    trace: Annotated[
        Path | None,
        typer.Option("--from", metavar="TRACE.JSON", help="A profile that was taken elsewhere."),
    ] = None,
    optimized: Annotated[
        Path | None,
        typer.Option(metavar="SAVED.ONNX", help="With --from: the graph that session saved."),
    ] = None,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only write the model to profile elsewhere to -o.")
    ] = False,
    out: _Out = None,
    force: _Force = False,
    format_: _Format = Format.text,
    report: _Report = None,
    top: _Top = None,
    color: _Color = Color.auto,
    verbose: _Verbose = False,
    quiet: _Quiet = False,
) -> None:
    """Run a model here: measured against predicted, node by node."""
    from . import api
    from .report.profile_document import profile_document
    from .report.progress import progress
    from .report.short_profile import profile_page

    if prepare:
        if out is None:
            raise typer.BadParameter("--prepare: say where the model goes, -o named.onnx")
        if trace or optimized or inputs or report:
            raise typer.BadParameter("--prepare only writes a model: it goes with -o and --force")
        api.prepare(model, out, force=force)
        return
    if out is not None or (optimized is not None and trace is None):
        raise typer.BadParameter("-o goes with --prepare, and --optimized with --from")
    if inputs is not None and trace is not None:
        raise typer.BadParameter("--inputs is for a run here; with --from give --shape, --value")
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
def devices(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE", help="Show one device whole.")
    ] = None,
    format_: _Format = Format.text,
    color: _Color = Color.auto,
) -> None:
    """List the devices, or show one with the sources of its figures."""
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
def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="An operator, a pass, a figure, a device or a kernel kind; without it: a list.",
            autocompletion=completion.names,
        ),
    ] = None,
    color: _Color = Color.auto,
) -> None:
    """What a name means: a formula, a rewrite, a source."""
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
    completion.mend_words(os.environ)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # temporary files go then too
    sys.exit(run(sys.argv[1:]))


_INTERRUPTED = 130  # what typer makes of Ctrl-C
_NO_COMMAND = 2


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code."""
    try:
        code: int = (
            app(list(arguments) or ["--help"], prog_name="ocost", standalone_mode=False) or 0
        )
        if code == _INTERRUPTED:
            raise KeyboardInterrupt
        return code if arguments else _NO_COMMAND
    except (KeyboardInterrupt, typer.Abort):
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

    usage = getattr(error, "format_message", None)
    if usage is not None:
        line = f"error: {usage() or 'no command; see ocost --help'}"
    elif isinstance(error, OcostError):
        line = f"error: {error}"
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
