"""``ocost cost`` of several sizes as text: a row a point, and what grows with them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..compare.sweep import Largest, Point, Sweep
from ..costmodel.device import Device
from ..costmodel.result import GraphCost
from .figures import SIX
from .footing import marked, of_graph
from .names import clean
from .numbers import UNKNOWN, Quantity, Unit, show, unit_of
from .pieces import Headline
from .ranking import by_op_type
from .sweep_document import weight_bytes
from .table import OPERATOR, Column, Table
from .text import Page, heading
from .text_common import model_name, opsets, plural
from .text_notices import assumed_lines, at_work, note_lines, partial_lines, unmeasured
from .text_ports import port_lists

_FEW = 5  # operator types, unless rows are asked for
_COLUMNS = ("MACs", "FLOPs", "traffic", "peak memory", "est. latency")
_DROPPED = {"MACs": 3, "FLOPs": 2, "peak memory": 1}
_HEADS = {"peak memory": "peak", "est. latency": "latency"}


def sweep_page(
    sweep: Sweep, device: Device, *, top: int | None = None, verbose: bool = False
) -> Page:
    """What a graph costs at several sizes.

    Parameters
    ----------
    sweep, device
        The points, and whose estimates they are.
    top
        How many operator types to list.
    verbose
        List every one.
    """
    first, last = _ends(sweep)
    assert first.cost is not None
    assert last.cost is not None
    cost = first.cost
    model = cost.model
    verdict = _verdict(sweep, device, first, last)
    facts = f"{plural(model.nodes, 'node')}, opset {opsets(model)}; on {at_work(device)}"
    rows = (_FEW if top is None else top) if not verbose else len(cost.nodes) + len(last.cost.nodes)
    parts: list[RenderableType] = [
        verdict,
        Text(facts, "dim"),
        *port_lists(model),
        Text(),
        _table(sweep, cost),
    ]
    if first is not last:
        parts += [Text(_growth(first, last), "dim")]
        if rows:
            note = f"at {clean(first.label)} and at {clean(last.label)}"
            parts += [Text(), heading("By operator type", note), _operators(first, last, rows)]
    if sweep.largest is not None:
        parts += [Text(), Text(_answer(sweep.largest), "bold")]
    cautions = _cautions(sweep, device, first, last)
    parts += [Text(), *cautions] if cautions else []
    return Page(*parts, Text(), verdict)


def _ends(sweep: Sweep) -> tuple[Point, Point]:
    """The first point and the last one that are costed."""
    costed = [point for point in sweep.points if point.cost is not None]
    return costed[0], costed[-1]


def _verdict(sweep: Sweep, device: Device, first: Point, last: Point) -> Headline:
    assert first.cost is not None
    name, where = model_name(first.cost.model), f"as {first.cost.level} on {clean(device.name)}"
    found = sweep.largest
    if found is not None and found.under is not None:
        size = found.under.sizes[found.dim]
        said = f"largest {clean(found.dim)} under {show(found.limit_s, 'seconds')}: {size}"
        return Headline([f"{said}, {where}", said], about=name)
    times = [_latency(point) for point in (first, last)]
    said = f"{times[0]} at {clean(first.label)}"
    if first is not last:
        said += f", {times[1]} at {clean(last.label)}"
    return Headline([f"{said}, {where}", said], about=name)


def _latency(point: Point) -> str:
    """With what stands before a sum that leaves nodes out."""
    assert point.cost is not None
    return marked(show(point.latency_s, "seconds"), of_graph(point.cost).mark)


def _table(sweep: Sweep, first: GraphCost) -> Table:
    figures = [(label, figure) for label, figure in SIX if label in _COLUMNS]
    points = sweep.points
    columns = [
        Column(clean(name), [str(point.sizes[name]) for point in points]) for name in sweep.dims
    ]
    for label, figure in sorted(figures, key=lambda f: _COLUMNS.index(f[0])):
        values = [None if p.cost is None else figure.of(p.cost.totals) for p in points]
        marks = ["" if p.cost is None else figure.mark(of_graph(p.cost)) for p in points]
        unit = _unit(values, figure.quantity)
        cells = [marked(unit.number(v), mark) for v, mark in zip(values, marks, strict=True)]
        head = _HEADS.get(label, label)
        columns.append(Column(head, cells, unit.name, drop=_DROPPED.get(label, 0)))
    each = [point.per_item_s for point in points]
    unit = _unit(each, "seconds")
    times = [_times(point.latency_s, first.totals.latency_s) for point in points]
    return Table(
        [
            *columns,
            Column("per item", list(map(unit.number, each)), unit.name, drop=1),
            Column("times", times),
        ]
    )


def _unit(values: Sequence[float | None], quantity: Quantity) -> Unit:
    """One in which the smallest shows too."""
    unit = unit_of(values, quantity, middle=True)
    small = min((v for v in values if v), default=0.0)
    return unit._replace(decimals=2) if small / unit.factor < 10 and unit.decimals else unit


def _times(value: float | None, first: float | None) -> str:
    return UNKNOWN if value is None or not first else f"{value / first:.2f}"


def _growth(first: Point, last: Point) -> str:
    """What a run at the last point takes of the first: weights are read once whatever the size."""
    assert first.cost is not None
    assert last.cost is not None
    said = f"{clean(last.label)} is {_many(last.items, first.items)} {clean(first.label)}"
    latency = _times(last.latency_s, first.latency_s)
    traffic = _times(last.cost.totals.traffic_bytes, first.cost.totals.traffic_bytes)
    said += f": latency {latency} times, traffic {traffic} times."
    read = weight_bytes(first), weight_bytes(last)
    if None in read or not read[0]:
        return said
    once, again = (show(size, "bytes") for size in read)
    if once == again:
        return (
            f"{said} Weights are read once a run, not once an item: {once} of the traffic at both."
        )
    return f"{said} Of weights {once} are read, then {again}."


def _many(items: int, first: int) -> str:
    """How many times as large a point is as the first."""
    return f"{items / first:.4g} times" if first else "beside"


def _operators(first: Point, last: Point, top: int) -> Table:
    """The operator types that take longest at the last point, beside the first."""
    assert first.cost is not None
    assert last.cost is not None
    before = {row.op_type: row.latency_s for row in by_op_type(first.cost.nodes)}
    rows = by_op_type(last.cost.nodes)[:top]
    pairs = [(before.get(row.op_type), row.latency_s) for row in rows]
    unit = unit_of([one for one, _ in pairs], "seconds")
    return Table(
        [
            Column("operator", [clean(r.op_type) for r in rows], right=False, elide=OPERATOR),
            Column("nodes", [str(row.count) for row in rows], drop=1),
            Column("first", [unit.number(one) for one, _ in pairs], unit.name),
            Column("last", [unit.number(other) for _, other in pairs], unit.name),
            Column("times", [_times(other, one) for one, other in pairs]),
        ]
    )


def _answer(found: Largest) -> str:
    """The largest size under the limit, and how that is known."""
    dim, limit = clean(found.dim), show(found.limit_s, "seconds")
    asked = f"largest {dim} under {limit}"
    if found.under is None and found.over is None:
        return f"{asked}: not known, since {clean(found.reason)}"

    def take(point: Point, verb: str = "takes") -> str:
        return f"{point.sizes[found.dim]} {verb} {show(point.latency_s, 'seconds')}"

    if found.under is None:
        assert found.over is not None
        return f"no {dim} that was swept is under {limit}: {take(found.over)}"
    said = f"{asked}: {take(found.under)}"
    if found.over is None:
        return f"{said}; it is the largest that was swept"
    if found.reason:
        said += f" and {take(found.over)}; none between was tried further"
        return f"{said}, since {clean(found.reason)}"
    how = "found by bisection" if found.how == "bisected" else "both were swept"
    return f"{said}, {take(found.over)} ({how})"


def _cautions(sweep: Sweep, device: Device, first: Point, last: Point) -> list[Text]:
    """What has to be known before the figures are read."""
    assert first.cost is not None
    assert last.cost is not None
    sides = {point.label: point.cost for point in (first, last) if point.cost is not None}
    refused = [
        Text(f"{clean(point.label)} can't be costed: {clean(point.refused)}", "yellow")
        for point in sweep.points
        if point.cost is None
    ]
    return [
        *refused,
        *partial_lines(sides),
        *assumed_lines(first.cost.model, last.cost.model),
        *note_lines(sides),
        *unmeasured([(device, sides)]),
    ]
