"""What all text reports rest on: the console, a page that any encoding can show, bars."""

from __future__ import annotations

import os
import re
from typing import IO, Literal, NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.text import Text

Color = Literal["auto", "always", "never"]

WIDTH = 80  # columns where no terminal tells
BAR = 18
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_WIDER = {"≥": ">=", "≤": "<="}  # not as wide in ASCII: replaced before anything is aligned
_KEPT = re.compile(r"(?<=\d) (?=%|(?:[KMGT]?i?B|[µm]?s|[kMGTP])\b)")  # no line ends there
_JOINT = "\ue000"
_ASCII = str.maketrans(
    {**dict(zip(_EIGHTHS, "    #####", strict=True)), "░": ".", "▓": "+", "─": "-", "…": "~"}
    | {"µ": "u"}
)


def console(file: IO[str], color: Color = "auto") -> Console:
    """A console for text reports on a file.

    ``auto`` colours a terminal's output unless NO_COLOR is set. The width is the terminal's; what
    is no terminal gets COLUMNS columns, or 80.
    """
    plain = color == "never" or (color == "auto" and bool(os.environ.get("NO_COLOR")))
    return Console(
        file=file,
        color_system=None if plain else "standard" if color == "always" else "auto",
        force_terminal=True if color == "always" else None,
        no_color=False if color == "always" else None,
        soft_wrap=True,  # what may run past the edge is not cut off there
        width=_width(file),
        markup=False,
        emoji=False,
        highlight=False,
    )


def _width(file: IO[str]) -> int:
    """Of a terminal as it says, of anything else as COLUMNS says."""
    try:
        columns = os.get_terminal_size(file.fileno()).columns if file.isatty() else 0
    except (OSError, ValueError):  # what calls itself a terminal and has no file behind it
        columns = 0
    if columns > 0:
        return columns
    wanted = os.environ.get("COLUMNS", "")
    return (int(wanted) if wanted.isdecimal() else 0) or WIDTH


class Page:
    """Parts of a report below one another, in ASCII where the encoding has no more than that.

    A text that is wrapped keeps its indentation; below a list's item it is that of the item.
    """

    def __init__(self, *parts: RenderableType) -> None:
        self.parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wrapped = (Wrapped(part) if isinstance(part, Text) else part for part in self.parts)
        group = Group(*wrapped)
        if not options.ascii_only:
            yield group
            return
        for text, style, control in console.render(group, options):
            yield Segment(to_ascii(text), style, control)


class Wrapped(NamedTuple):
    """A text in lines of the page's width."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        if options.ascii_only:
            text = widened(text)
        text.plain = _KEPT.sub(_JOINT, text.plain)
        item = re.match(r"\s*([-*] )?", text.plain)
        indent = item.end() if item else 0
        first, rest = text.divide([indent])
        for number, line in enumerate(rest.wrap(console, options.max_width - indent)):
            line.rstrip()
            line.plain = line.plain.replace(_JOINT, " ")
            yield Text.assemble(Text(" " * indent) if number else first, line)


def to_ascii(text: str) -> str:
    """The text in ASCII, as many columns wide; ``?`` for what has no likeness."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def ascii_cell(cell: str | Text) -> str | Text:
    """A table's cell in ASCII, as wide as it will be printed."""
    if isinstance(cell, str):  # maybe a name: other characters stay apart
        plain = widened(Text(cell)).plain.translate(_ASCII)
        return plain.encode("ascii", "backslashreplace").decode()
    text = widened(cell.copy())
    text.plain = text.plain.translate(_ASCII)
    return text


def widened(text: Text) -> Text:
    """The text with marks that ASCII writes with two characters."""
    for mark, wider in _WIDER.items():
        if mark in text.plain:
            text = Text(wider, text.style).join(text.split(mark, allow_blank=True))
    return text


def heading(text: str, note: str = "") -> Text:
    """A section's heading."""
    return Text.assemble((text, "bold"), (f"  {note}" if note else "", "dim"))


def bar(part: float | None, largest: float | None) -> Text:
    """A bar as long as the part of the largest."""
    eighths = round(8 * BAR * (part or 0.0) / largest) if largest else 0
    whole, rest = divmod(eighths, 8)
    return Text(("█" * whole + _EIGHTHS[rest]).rstrip(), "cyan")


def change_bar(before: float | None, after: float | None, largest: float | None) -> Text:
    """A bar of what remains, then what was saved (light) or came on top (dark)."""
    if before is None or after is None or not largest:
        return Text()
    old, new = (round(BAR * value / largest) for value in (before, after))
    return Text.assemble(
        ("█" * min(old, new), "cyan"),
        ("░" * (old - new), "green"),
        ("▓" * (new - old), "red"),
    )


def better(before: float | None, after: float | None, *, sure: bool = True) -> str:
    """The style of a change: less is better, where both sides are known whole."""
    if not sure:
        return ""
    if before is None or after is None or before == after:
        return "dim"
    return "green" if after < before else "red"
