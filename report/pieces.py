"""What a short page is made of: each piece fits itself into the width that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from .names import clean, elide, elide_all
from .table import Column, Table
from .text import Wrapped, widened

_LEAST = 8  # columns of a name


class Headline(NamedTuple):
    """The sentence that stands first and last, on one line if it can be.

    Parameters
    ----------
    said
        The same in less and less words, of which the first that fits is taken.
    style
        Of the sentence.
    about
        A model's name that stands before it, shortened where it has to be; in a narrow page it
        goes.
    """

    said: Sequence[str]
    style: str = "bold"
    about: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        name = clean(self.about)
        least = min(cell_len(name), _LEAST) + len(": ") if name else 0
        room = options.max_width
        fits = [t for t in self.said if least + cell_len(t) <= room]
        if not fits:  # rather without the name than in two lines
            fits = [t for t in self.said if cell_len(t) <= room]
            name = "" if fits else name
        text = fits[0] if fits else self.said[-1]
        if name:
            short = elide(name, max(_LEAST, room - cell_len(text) - len(": ")))
            text = f"{short}: {text}"
        yield Wrapped(Text(text, self.style))


class OneLine(NamedTuple):
    """A text that ends where the line does."""

    text: Text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = widened(self.text.copy()) if options.ascii_only else self.text.copy()
        text.truncate(options.max_width, overflow="ellipsis")
        text.no_wrap, text.overflow = True, "ignore"
        yield text


class Listing(NamedTuple):
    """Entries behind a label; none of them is broken over two lines.

    Parameters
    ----------
    label
        What they are, as wide as it is to stand.
    entries
        A name, which may be shortened, and what is said of it.
    more
        How many there are besides.
    width, least
        Columns for a name, and where room is short.
    """

    label: str
    entries: Sequence[tuple[str, str]]
    more: int = 0
    width: int = 32
    least: int = 32

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        said = max((cell_len(text) for _, text in self.entries), default=0)
        room = options.max_width - cell_len(self.label)
        width = min(self.width, max(_LEAST, room - said - len(" ,")))
        names = elide_all([name for name, _ in self.entries], width)
        texts = [f"{n} {said}" for n, (_, said) in zip(names, self.entries, strict=True)]
        texts += [f"... and {self.more} more"] if self.more else []
        rows = _filled(texts, room) or ["none"]
        for place, row in enumerate(rows):
            head = " " * cell_len(self.label) if place else self.label
            yield OneLine(Text.assemble((head, "dim"), row))


def _filled(texts: Sequence[str], room: int) -> list[str]:
    """The texts with commas, as many on a line as fit."""
    rows: list[str] = []
    for place, text in enumerate(texts):
        piece = f"{text}," if place < len(texts) - 1 else text
        if rows and cell_len(rows[-1]) + 1 + cell_len(piece) <= room:
            rows[-1] = f"{rows[-1]} {piece}"
        else:
            rows.append(piece)
    return rows


class Grid(NamedTuple):
    """Figures with their labels, in as many columns as fit."""

    cells: Sequence[tuple[str, str]]
    columns: int = 3

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for count in range(self.columns, 0, -1):
            table = self._table(count)
            if count == 1 or table.width <= options.max_width:
                yield table
                return

    def _table(self, count: int) -> Table:
        height = -(-len(self.cells) // count)
        columns: list[Column] = []
        for start in range(0, len(self.cells), height):
            part = self.cells[start : start + height]
            blank = [""] * (height - len(part))
            if columns:
                columns.append(Column("", [""] * height))
            labels = [Text(label, "dim") for label, _ in part]
            columns.append(Column("", [*labels, *blank], right=False))
            columns.append(Column("", [*(value for _, value in part), *blank]))
        return Table(columns, bare=True)
