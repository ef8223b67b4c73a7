"""Tables: aligned columns below a light rule, that make room where the width is short.

Names are shortened first, then columns go, then names are shortened further. A table that is still
too wide is no table any more: its rows are sentences, so that no figure is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from .footing import marked
from .names import elide_all, labels
from .numbers import Unit
from .text import Wrapped, ascii_cell

_GAP = "  "
NAME = 30  # a node's name is cut to this before other columns give way
OPERATOR = 12
_LEAST = 8  # of what may be shortened, where all else doesn't do
_WHOLE = 18  # of a light table, whose columns give way before: BatchNormalization


class Column(NamedTuple):
    """A column of a table.

    Parameters
    ----------
    header, unit
        The two lines of its head.
    cells
        Its text, row by row.
    right
        Whether it is aligned to the right, as numbers are.
    elide
        The width down to which text may be shortened where room is short, 0: never. A string is
        a node's name and loses what says least, a ``Text`` loses its end.
    drop
        Columns with a higher number go first where eliding doesn't do; 0 always stays.
    vital
        Whether a note says so where it had to go.
    whole
        Whether its text stays whole even past the edge, which only the last column may.
    caption
        A line below the table that says what the column means; it goes with the column.
    """

    header: str
    cells: Sequence[str | Text]
    unit: str = ""
    right: bool = True
    elide: int = 0
    drop: int = 0
    vital: bool = False
    whole: bool = False
    caption: str = ""

    @property
    def width(self) -> int:
        """Cells (terminal columns) of the widest text; of the head where the rest may run on."""
        texts = (self.header, self.unit, *(() if self.whole else map(str, self.cells)))
        return max(cell_len(text) for text in texts)

    @property
    def least(self) -> int:
        """The width below which the column doesn't go."""
        return min(self.width, self.elide) if self.elide else self.width


class Table(NamedTuple):
    """Columns of equally many cells, none of them wrapped.

    ``summary`` is how many of the last rows stand below a rule of their own; a ``bare`` table
    has no head, and the head of a ``light`` one is a single line: no unit's line, no rule.
    """

    columns: Sequence[Column]
    summary: int = 0
    bare: bool = False
    light: bool = False

    @property
    def width(self) -> int:
        """Cells (terminal columns) that it takes where there is room."""
        return _sum([c.width for c in self.columns])

    @property
    def least(self) -> int:
        """Cells below which its rows become sentences."""
        return _sum([min(c.least, _LEAST) if c.elide else c.width for c in _vital(self.columns)])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width
        every = [_one_line(c) for c in self.columns] if self.light else self.columns
        if options.ascii_only:
            every = [c._replace(cells=list(map(ascii_cell, c.cells))) for c in every]
        columns = _kept(every, room)
        widths = _widths(columns, room)
        if _sum(widths) > room and not columns[-1].whole:
            pairs = zip(self.columns, every, strict=True)
            yield from _sentences([column for column, shown in pairs if shown in columns])
            return
        rule = ["─" * width for width in widths]
        lines: list[tuple[Iterable[str | Text], str]] = []
        if not self.bare:
            lines.append(([c.header for c in columns], "bold"))
            if any(c.unit for c in columns):
                lines.append(([c.unit for c in columns], "dim"))
            if not self.light:
                lines.append((rule, "dim"))
        fitted = (_elided(c, width) for c, width in zip(columns, widths, strict=True))
        rows = list(zip(*fitted, strict=True))
        lines += [(row, "") for row in rows[: len(rows) - self.summary]]
        if self.summary:
            if not self.light:
                lines.append((rule, "dim"))
            style = "dim" if self.light else ""
            lines += [(row, style) for row in rows[len(rows) - self.summary :]]
        for cells, style in lines:
            line = Text(_GAP).join(map(_fitted, cells, columns, widths))
            line.no_wrap, line.overflow = True, "ignore"
            line.stylize(style)
            line.rstrip()
            yield line
        kept = {c.header for c in columns}
        missed = [c.header for c in every if c.vital and c.header not in kept]
        if missed:
            yield Wrapped(Text(f"no room for {', '.join(missed)} in {room} columns", "dim"))
        for column in columns:
            if column.caption:
                yield Wrapped(Text(column.caption, "dim"))


def _one_line(column: Column) -> Column:
    """The column with its unit beside its header, its names as whole as can be, no caption."""
    head = f"{column.header} {column.unit}".strip()
    elide = max(column.elide, _WHOLE) if column.elide else 0
    return column._replace(header=head, unit="", caption="", elide=elide)


def figures(
    header: str,
    values: Sequence[float | None],
    unit: Unit,
    marks: Sequence[str] = (),
    *,
    drop: int = 0,
) -> Column:
    """A column of figures in one unit, with what stands before each of them."""
    pairs = zip(values, marks or [""] * len(values), strict=True)
    return Column(header, [marked(unit.number(v), mark) for v, mark in pairs], unit.name, drop=drop)


def first_of_each(groups: Sequence[str]) -> list[Text]:
    """The names of groups of rows, each beside its first row only."""
    return [
        Text("" if place and groups[place - 1] == group else group, "bold")
        for place, group in enumerate(groups)
    ]


def _vital(columns: Sequence[Column]) -> list[Column]:
    """Those that never go."""
    return [c for c in columns if not c.drop]


def _sentences(columns: Sequence[Column]) -> Iterator[Wrapped]:
    """Each row as a sentence: its first cell, then the others behind their headers."""
    texts = [
        labels([cell for cell in c.cells if isinstance(cell, str)])
        if all(isinstance(cell, str) for cell in c.cells)
        else list(map(str, c.cells))
        for c in columns
    ]
    for first, *others in zip(*texts, strict=True):
        said = (
            " ".join(filter(None, (column.header, cell.strip(), cell and column.unit)))
            for column, cell in zip(columns[1:], others, strict=True)
        )
        yield Wrapped(Text(f"- {first.strip()}: {', '.join(said)}"))


def _kept(columns: Sequence[Column], room: int) -> list[Column]:
    kept = list(columns)
    while _sum([c.least for c in kept]) > room and any(c.drop for c in kept):
        worst = max(c.drop for c in kept)
        kept = [c for c in kept if c.drop < worst]
    return kept


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """The columns' widths, after the widest that may be elided gave what room is missing."""
    widths = [c.width for c in columns]
    for floors in ([c.least for c in columns], [min(c.least, _LEAST) for c in columns]):
        while _sum(widths) > room:
            spare = [i for i, c in enumerate(columns) if c.elide and widths[i] > floors[i]]
            if not spare:
                break
            widths[max(spare, key=lambda i: widths[i])] -= 1
    return widths


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _elided(column: Column, width: int) -> Sequence[str | Text]:
    if not column.elide:
        return column.cells
    names = [cell for cell in column.cells if isinstance(cell, str)]
    short = dict(zip(names, elide_all(names, width), strict=True))
    return [short[cell] if isinstance(cell, str) else cell for cell in column.cells]


def _fitted(cell: str | Text, column: Column, width: int) -> Text:
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    if column.whole:
        return text
    text.truncate(width, overflow="ellipsis")
    text.align("right" if column.right else "left", width)
    return text
