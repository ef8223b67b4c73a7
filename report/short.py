"""The short page, which a person sees first: it fits into a terminal of 24 lines of 80 columns.

A narrower page may have as many more lines as its lines are shorter.
What has no room gives way in this order: rows of the table, blank lines, what goes on in a
second line. A warning keeps a line whatever happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from .pieces import Headline, Listing, OneLine
from .table import Table
from .text import WIDTH, Wrapped

LINES = 24
ROWS = 5  # of the table, unless room is short


class Caution(NamedTuple):
    """A kind of warning: its line, and lines that say more where there is room."""

    line: Text
    more: Sequence[Text] = ()


class _Layout(NamedTuple):
    rows: int
    spaced: bool = True
    whole: bool = True  # warnings may go on in a second line
    tight: bool = False  # no text may, names are short, totals as narrow as they go

    @classmethod
    def all(cls, rows: int) -> Iterator[_Layout]:
        """The most generous first."""
        few, two = min(rows, 3), min(rows, 2)
        yield from (cls(count) for count in range(rows, few - 1, -1))
        yield from (cls(count, False) for count in range(rows, few - 1, -1))
        yield from (cls(count, False, False) for count in range(few, two - 1, -1))
        yield from (cls(count, False, False, True) for count in range(few, -1, -1))


class Short(NamedTuple):
    """The short page.

    Parameters
    ----------
    verdict
        First and last.
    facts
        What it is about, a line each.
    totals, tight
        The figures of the whole model, and the same in fewer lines and columns if they can be.
    table, rows
        The table of so many rows, and how many there are.
    cautions
        Warnings, one a kind.
    hint
        What else there is, and how to get it.
    """

    verdict: Headline
    facts: Sequence[Text | Listing]
    totals: Sequence[RenderableType]
    table: Callable[[int], Table]
    rows: int
    cautions: Sequence[Caution]
    hint: Text
    tight: Sequence[RenderableType] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts: list[RenderableType] = []
        for layout in _Layout.all(min(self.rows, ROWS)):
            parts = self._parts(layout, options.max_width)
            lines = sum(len(console.render_lines(p, options, pad=False)) for p in parts)
            if lines * min(options.max_width, WIDTH) <= LINES * WIDTH:
                break
        yield from parts

    def _parts(self, layout: _Layout, room: int) -> list[RenderableType]:
        facts: list[RenderableType] = []
        for fact in self.facts:
            if isinstance(fact, Listing):
                facts.append(fact._replace(width=fact.least) if layout.tight else fact)
            else:
                facts.append(OneLine(fact) if layout.tight else Wrapped(fact))
        cautions: list[RenderableType] = []
        for caution in self.cautions:
            cautions.append(Wrapped(caution.line) if layout.whole else OneLine(caution.line))
            cautions += [Wrapped(text) for text in caution.more] if layout.whole else []
        table: list[RenderableType] = []
        if layout.rows and self.rows:
            table = [self.table(layout.rows)._replace(light=True)]
        narrow = any(isinstance(t, Table) and t.least > room for t in self.totals)
        totals = (self.tight or self.totals) if layout.tight or narrow else self.totals
        groups = [[self.verdict, *facts], totals, table, [*cautions, Wrapped(self.hint)]]
        blank = [Text()] if layout.spaced else []
        parts: list[RenderableType] = []
        for group in filter(None, groups):
            parts += [*(blank if parts else []), *group]
        return [*parts, self.verdict]
