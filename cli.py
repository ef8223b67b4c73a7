"""The command line: parse, call the library, render, exit code. No logic."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .costmodel import Device, GraphCost
    from .graph.shapes import Given

app = typer.Typer(
    name="ocost",
    help="What an ONNX graph costs, what an optimisation saves, and whether that is true.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


class Format(StrEnum):
    """Output formats."""

    text = "text"
    json = "json"


class Color(StrEnum):
    """When to colour."""

    auto = "auto"
    always = "always"
    never = "never"


_Model = Annotated[str, typer.Argument(metavar="MODEL", help="A .onnx file or @sample.")]
_Shape = Annotated[
    list[str] | None,
    typer.Option("--shape", metavar="NAME=1x3x224x224", help="Shape of an input."),
]
_Dim = Annotated[
    list[str] | None, typer.Option("--dim", metavar="NAME=N", help="Size of a symbolic dim.")
]
_Value = Annotated[
    list[str] | None,
    typer.Option("--value", metavar="NAME=V[,V...]", help="Contents of an input."),
]
_Strict = Annotated[
    bool, typer.Option("--strict-dims", help="Refuse open dims instead of assuming 1.")
]
_Threads = Annotated[int | None, typer.Option(help="Cores at work; all by default.")]
_Format = Annotated[Format, typer.Option("--format", help="What to print.")]
_Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the report here too; JSON if FILE ends in .json."),
]
_Top = Annotated[int, typer.Option(min=0, help="Rows of the longer tables.")]
_Color = Annotated[Color, typer.Option(help="Colours: on a terminal only by default.")]
_Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show every node.")]
_Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress on stderr.")]


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"ocost {__version__}")
        raise typer.Exit


@app.callback()
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
        typer.Option("--device", metavar="NAME|FILE", help="Repeat for a column each."),
    ] = None,
    shape: _Shape = None,
    dim: _Dim = None,
    value: _Value = None,
    strict_dims: _Strict = False,
    threads: _Threads = None,
    format_: _Format = Format.text,
    report: _Report = None,
    top: _Top = 10,
    color: _Color = Color.auto,
    verbose: _Verbose = False,
) -> None:
    """Totals, the costliest nodes, what bounds each, and coverage."""
    from . import api

    given = _given(shape, dim, value, strict_dims)
    graph = api.load(model)
    devices = [api.find_device(d, threads) for d in device or [api.DEFAULT_DEVICE]]
    costs = [(d, api.cost(graph, d, given=given)) for d in devices]
    _emit_cost(costs, format_, report, top, color, verbose, [model])


def _emit_cost(
    costs: Sequence[tuple[Device, GraphCost]],
    format_: Format,
    report: Path | None,
    top: int,
    color: Color,
    verbose: bool,
    inputs: Sequence[str],
) -> None:
    from . import report as reports

    _emit(
        format_,
        report,
        color,
        inputs,
        document=lambda: reports.cost_document(costs),
        text=lambda: reports.render_cost(costs, top=top, verbose=verbose),
    )


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A .onnx file or @sample.")],
    after: Annotated[
        str | None, typer.Argument(metavar="[AFTER]", help="Without it, onnxsim makes it.")
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME|FILE", help="Whose roofline.")
    ] = None,
    shape: _Shape = None,
    dim: _Dim = None,
    value: _Value = None,
    strict_dims: _Strict = False,
    threads: _Threads = None,
    format_: _Format = Format.text,
    report: _Report = None,
    top: _Top = 10,
    color: _Color = Color.auto,
    verbose: _Verbose = False,
    quiet: _Quiet = False,
) -> None:
    """What changed between two graphs: computation, bytes, memory, latency, node by node."""
    from . import api
    from . import report as reports

    given = _given(shape, dim, value, strict_dims)
    chosen = api.find_device(device or api.DEFAULT_DEVICE, threads)
    if after is None and not quiet and sys.stderr.isatty():
        typer.echo("ocost: onnxsim makes the graph to compare with ...", err=True)
    result = api.diff(before, after, chosen, given=given)
    _emit(
        format_,
        report,
        color,
        [before, after or ""],
        document=lambda: reports.diff_document(result),
        text=lambda: reports.render_diff(result, top=top, verbose=verbose),
    )


@app.command()
def devices(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="Show one device whole.")
    ] = None,
    format_: _Format = Format.text,
    color: _Color = Color.auto,
) -> None:
    """List the devices, or show one with the sources of its figures."""
    from . import api
    from . import report as reports

    found = api.devices() if name is None else [api.find_device(name)]
    _emit(
        format_,
        None,
        color,
        [],
        document=lambda: reports.devices_document(found),
        text=lambda: (
            reports.render_devices(found) if name is None else reports.render_device(found[0])
        ),
    )


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="An operator, a device, a kernel kind.")],
    color: _Color = Color.auto,
) -> None:
    """What a name means, with its formula or its sources."""
    from . import api
    from . import report as reports

    found = api.explain(name)
    _emit(
        Format.text,
        None,
        color,
        [],
        document=dict,
        text=lambda: (
            reports.render_explanation(found)
            if found.device is None
            else reports.render_device(found.device)
        ),
    )


def _given(
    shape: list[str] | None, dim: list[str] | None, value: list[str] | None, strict: bool
) -> Given:
    from . import api

    return api.given(
        dict(_pair("--shape", s, _parse_shape) for s in shape or ()),
        dict(_pair("--dim", d, int) for d in dim or ()),
        dict(_pair("--value", v, _parse_value) for v in value or ()),
        strict=strict,
    )


def _pair(option: str, text: str, parse: Callable[[str], Any]) -> tuple[str, Any]:
    name, equals, rest = text.rpartition("=")
    try:
        if not equals or not name:
            raise ValueError
        return name, parse(rest)
    except ValueError:
        example = {"--shape": "x=1x3x224x224", "--dim": "batch=1", "--value": "sr=16000"}[option]
        raise typer.BadParameter(f"{option} {text}: write it as {option} {example}") from None


def _parse_shape(text: str) -> tuple[int, ...]:
    sizes = tuple(int(size) for size in text.split("x")) if text else ()
    if any(size < 0 for size in sizes):
        raise ValueError
    return sizes


def _parse_value(text: str) -> object:
    numbers = [float(v) if any(c in v for c in ".en") else int(v) for v in text.split(",")]
    return numbers if len(numbers) > 1 else numbers[0]


def _emit(
    format_: Format,
    report: Path | None,
    color: Color,
    inputs: Sequence[str],
    *,
    document: Callable[[], dict[str, Any]],
    text: Callable[[], RenderableType],
) -> None:
    """Print the result, and write it to a file too if asked for."""
    from . import report as reports

    if format_ is Format.json:
        sys.stdout.write(reports.to_json(document()))
    else:
        reports.console(color.value).print(text())
    if report is not None:
        if any(Path(i).exists() and report.exists() and report.samefile(i) for i in inputs if i):
            raise typer.BadParameter(f"--report {report} would overwrite an input")
        as_json = report.suffix == ".json" or format_ is Format.json
        reports.write(report, reports.to_json(document()) if as_json else reports.plain(text()))


def main() -> None:
    """Entry point. Exit code 0: fine; 1: a gate failed; 2: usage, bad input, internal error."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: Sequence[str]) -> int:
    import gc

    # A run is short and makes many small objects that live to its end.
    gc.set_threshold(200_000, 50, 50)
    try:
        return app(list(arguments), standalone_mode=False) or 0
    except (KeyboardInterrupt, typer.Abort):
        print("ocost: interrupted", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _fail(error)


def _fail(error: Exception) -> int:
    """Say what is wrong in one line."""
    from .graph.errors import OcostError

    usage = getattr(error, "format_message", None)
    if usage is not None:
        print(f"ocost: error: {usage()}", file=sys.stderr)
    elif isinstance(error, OcostError):
        print(f"ocost: error: {error}", file=sys.stderr)
    else:
        if os.environ.get("OCOST_TRACEBACK"):
            traceback.print_exc()
        print(
            f"ocost: internal error: {type(error).__name__}: {error} "
            "(set OCOST_TRACEBACK=1 to see where)",
            file=sys.stderr,
        )
    return 2
