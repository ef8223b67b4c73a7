"""The arguments and options that several commands share, and how a command takes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import completion
from .output import Color, Format

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_Command = TypeVar("_Command", bound=Callable[..., object])
Decorator = Callable[[Any], Any]  # as click gives them

FILE = click.Path(path_type=Path)


def together(*options: Decorator) -> Callable[[_Command], _Command]:
    """Several options as one decorator, listed in this order by the help."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def offering(
    names: Callable[[str], Sequence[str]], *, or_files: bool = False
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What a shell completes an argument with: names, and files where none begins like it."""

    def offer(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name) for name in names(incomplete)]
        return found or ([CompletionItem(incomplete, type="file")] if or_files else [])

    return offer


def model(name: str, *, required: bool = True) -> Decorator:
    """A model, as the argument of this name."""
    offer = offering(completion.models, or_files=True)
    return click.argument(name, required=required, shell_complete=offer)


def models(name: str) -> Decorator:
    """Models, none or more, as the argument of this name."""
    offer = offering(completion.models, or_files=True)
    return click.argument(name, nargs=-1, shell_complete=offer)


def device(text: str, *, multiple: bool = False) -> Decorator:
    """``--device``, with a help text of the command's own."""
    return click.option(
        "--device",
        metavar="NAME|FILE",
        multiple=multiple,
        help=text,
        shell_complete=offering(completion.devices, or_files=True),
    )


def budget(text: str) -> Decorator:
    """``--budget``, with a help text of the command's own."""
    return click.option("--budget", type=float, default=10.0, metavar="SECONDS", help=text)


DEVICE = device("Whose roofline estimates; `ocost devices` lists them.")
SIZES = together(
    click.option(
        "--shape",
        multiple=True,
        metavar="NAME=1x3x224x224",
        help="Shape of an input. Repeatable.",
    ),
    click.option(
        "--dim",
        multiple=True,
        metavar="NAME=N[,N...]",
        help="Size of a dim, by symbol or as input[axis]; `cost` takes several, and sweeps.",
    ),
    click.option(
        "--value",
        multiple=True,
        metavar="NAME=V[,V...]",
        help="Contents that decide shapes. Repeatable.",
    ),
    click.option(
        "--trips", multiple=True, metavar="LOOP=N", help="How often a Loop runs its body."
    ),
    click.option("--strict-dims", is_flag=True, help="Refuse open dims instead of assuming 1."),
)
THREADS = click.option(
    "--threads", type=int, metavar="N", help="Cores of the device at work; all by default."
)
REFINE = click.option(
    "--refine",
    is_flag=True,
    help="Measure the nodes here that the calibrated --device has no times of; it keeps them.",
)
INPUTS = click.option(
    "--inputs", type=FILE, metavar="FILE", help="All inputs, in a .npz or .json; else made up."
)
CHECKED = together(
    INPUTS,
    click.option(
        "--tolerance",
        type=click.FloatRange(min=0.0),
        metavar="SHARE",
        help="How far outputs may be apart, by their largest number; else what rounding explains.",
    ),
    click.option("--allow-uncompared", is_flag=True, help="Let pass what could not be compared."),
)
OUT = click.option("-o", "out", type=FILE, metavar="FILE", help="Where the product goes.")
FORCE = click.option("--force", is_flag=True, help="Overwrite what -o names.")
FORMAT = click.option(
    "--format", "format_", type=click.Choice(Format), default=Format.text, help="What to print."
)
COLOR = click.option(
    "--color",
    type=click.Choice(Color),
    default=Color.auto,
    help="Colours: on a terminal only by default.",
)
REPORT = together(
    FORMAT,
    click.option(
        "--report",
        type=FILE,
        metavar="FILE",
        help="Write the report here too; JSON if FILE ends in .json.",
    ),
    click.option(
        "--top",
        type=click.IntRange(min=0),
        metavar="N",
        help="All tables, with N rows of the longer ones.",
    ),
    COLOR,
    click.option("-v", "--verbose", is_flag=True, help="All tables, with every row."),
)
QUIET = click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
