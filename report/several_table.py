"""The table of several models: a column each, in as many blocks as the width asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from ..compare.several import Several
from ..costmodel.result import GraphCost
from ..runtime.equality.result import Equivalence
from .figures import SIX, Figure
from .footing import marked, of_graph
from .numbers import UNKNOWN, Quantity, percent_change, unit_of
from .table import Column, Table
from .text import better
from .text_equivalence import outputs_are
from .text_measured import measured_change

_FIGURES = tuple((label, figure) for label, figure in SIX if label not in ("parameters", "FLOPs"))

_Cells = Sequence[str | Text]
_Row = tuple[str, _Cells]


@dataclass(frozen=True)
class Blocks:
    """Columns with a label a row: as many beside the first as fit, the others below.

    Parameters
    ----------
    labels
        Of the rows.
    columns
        A head and its cells; the first one stands in every block.
    """

    labels: Sequence[str]
    columns: Sequence[tuple[str, _Cells]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        first, *others = self.columns
        while others:
            count = len(others)
            while count > 1 and self._table(first, others[:count]).least > options.max_width:
                count -= 1
            yield self._table(first, others[:count])
            others = others[count:]
            if others:
                yield Text()

    def _table(self, first: tuple[str, _Cells], others: Sequence[tuple[str, _Cells]]) -> Table:
        labels = Column("", [Text(label, "dim") for label in self.labels], right=False)
        shown = [Column(head, cells) for head, cells in (first, *others)]
        return Table([labels, *shown], light=True)


def several_table(several: Several, names: Sequence[str], places: Sequence[int]) -> Blocks:
    """The figures of all models.

    Parameters
    ----------
    several
        Graphs against the first.
    names
        Of all, safe to print.
    places
        In which order to show them, the first one first.
    """
    rows = _rows(several)
    columns = [(names[at], [cells[at] for _, cells in rows]) for at in places]
    return Blocks([label for label, _ in rows], columns)


def _rows(several: Several) -> list[_Row]:
    """Figures by row, a cell a model in the order in which they were given."""
    costs = several.costs
    models = [several.diffs[0].before.model, *(diff.after.model for diff in several.diffs)]
    rows: list[_Row] = [
        ("nodes", [str(model.nodes) for model in models]),
        ("  executed", [str(cost.coverage.nodes) for cost in costs]),
        ("file", _numbers([cost.totals.file_bytes for cost in costs], "bytes")),
    ]
    rows += [(label, _figures(costs, figure)) for label, figure in _FIGURES]
    predicted = several.predicted_s
    rows += [
        ("  change", _changes(predicted)),
        ("  place", _places(predicted)),
    ]
    if several.measured:
        rows += _measured(several)
    if any(diff.equivalence is not None for diff in several.diffs):
        rows += _outputs([diff.equivalence for diff in several.diffs])
    return rows


def _numbers(values: Sequence[float | None], quantity: Quantity) -> list[str]:
    """In one unit, in which the smallest shows too."""
    unit = unit_of(values, quantity, middle=True)
    return [unit.text(value) for value in values]


def _figures(costs: Sequence[GraphCost], figure: Figure) -> list[str]:
    texts = _numbers([figure.of(cost.totals) for cost in costs], figure.quantity)
    marks = [figure.mark(of_graph(cost)) for cost in costs]
    return [marked(text, mark) for text, mark in zip(texts, marks, strict=True)]


def _changes(values: Sequence[float | None]) -> list[str | Text]:
    first, *others = values
    texts = (Text(percent_change(first, one), better(first, one)) for one in others)
    return ["", *texts]


def _places(values: Sequence[float | None]) -> list[str]:
    """``1`` for the fastest; equal ones share a place, and one that is not known has none."""
    known = [value for value in values if value is not None]
    return [
        UNKNOWN if value is None else str(1 + sum(other < value for other in known))
        for value in values
    ]


def _measured(several: Several) -> list[_Row]:
    """Latencies in turns, with the interval of each change."""
    comparisons = [diff.measured.comparison for diff in several.diffs if diff.measured is not None]
    found = several.measured[1:]
    seconds = [comparisons[0].a.latency_s, *(one.b.latency_s for one in comparisons)]
    interval = ["", *(f"{_percent(one.low)} to {_percent(one.high)}" for one in found)]
    level = f"{100 * comparisons[0].interval_level:.0f}"
    return [
        ("measured", _numbers(seconds, "seconds")),
        ("  change", ["", *map(measured_change, comparisons)]),
        (f"  {level} % sure", interval),
        ("  place", _places([one.ratio for one in several.measured])),
    ]


def _percent(ratio: float) -> str:
    """An end of an interval, which is no more certain than to two digits."""
    change = 100 * (ratio - 1)
    return f"{change:+.0f}" if abs(change) >= 10 else f"{change:+.1f}"


def _outputs(found: Sequence[Equivalence | None]) -> list[_Row]:
    """Whether outputs are those of the first model, and else how similar."""
    words = [outputs_are(one).removeprefix("outputs ") for one in found]
    rows: list[_Row] = [("outputs", ["", *words])]
    likeness = [_cosine(one) for one in found]
    return [*rows, ("  cosine", ["", *likeness])] if any(likeness) else rows


def _cosine(found: Equivalence | None) -> str:
    """Of the least similar output."""
    known = [one.similarity for one in (() if found is None else found.outputs)]
    figures = [one.cosine for one in known if one is not None and one.cosine is not None]
    return f"{min(figures):.5f}" if figures else ""
