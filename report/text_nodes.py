"""The table of the slowest nodes, on one device or several."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ..costmodel.result import NodeCost
from .names import clean
from .numbers import UNKNOWN, largest, share, smallest, total, unit_of
from .ranking import OpTypeCost, op_type_of, slowest, together
from .table import NAME, OPERATOR, Column, Table, figures
from .text_common import OnDevice

_BOUNDS = {"compute": "cyan", "memory": "yellow", "overhead": "magenta"}
_NONE = "-"  # what a node doesn't have, as against what is not known


def node_table(on_devices: Sequence[OnDevice], top: int) -> Table:
    """The nodes that are slowest on the first device, and the sum of the others.

    With several devices each has its latency and its bound, so that a change of the bound from
    one to the other can be seen.
    """
    cost = on_devices[0][1]
    nodes = slowest(cost.nodes)
    listed, left = nodes[:top], nodes[top:]
    rest = [together(f"{len(left)} more", left)] if left else []
    rows: list[NodeCost | OpTypeCost] = [*listed, *rest]
    flops, traffic = [row.flops for row in rows], [row.traffic_bytes for row in rows]
    names = [clean(n.name) for n in listed] + [row.op_type for row in rest]
    op_types = [clean(op_type_of(n)) for n in listed] + [""] * len(rest)
    several = len(on_devices) > 1
    columns = [
        Column("node", names, right=False, elide=NAME),
        Column("operator", op_types, right=False, elide=OPERATOR, drop=50 if several else 0),
        figures("FLOPs", flops, unit_of(flops[:top], "count"), drop=51),
        figures("traffic", traffic, unit_of(traffic[:top], "bytes"), drop=52),
    ]
    columns += (
        _on_devices(on_devices, listed)
        if several
        else _details(listed, rest, cost.totals.latency_s)
    )
    return Table(columns, summary=len(rest))


def _details(
    listed: Sequence[NodeCost], rest: Sequence[OpTypeCost], whole: float | None
) -> list[Column]:
    """What bounds each node and how long it takes."""
    blank = [""] * len(rest)
    ratio = unit_of([n.intensity for n in listed], "ratio")
    intensities = [_or_none(n, ratio.number(n.intensity), n.intensity) for n in listed]
    efficiencies = [_or_none(n, share(n.efficiency, 1), n.efficiency) for n in listed]
    latencies = [n.latency_s for n in listed] + [row.latency_s for row in rest]
    return [
        Column("intensity", [*intensities, *blank], "FLOP/B", drop=53),
        Column("bound", [*map(_bound, listed), *blank], right=False, drop=50),
        Column("of peak", [*efficiencies, *blank], drop=54),
        figures("latency", latencies, unit_of(latencies[: len(listed)], "seconds", middle=True)),
        Column("share", [share(s, whole) for s in latencies], drop=55),
    ]


def _on_devices(on_devices: Sequence[OnDevice], listed: Sequence[NodeCost]) -> list[Column]:
    """A column a device: latency and bound of the listed nodes, and the latency of the others."""
    names = [n.name for n in listed]
    by_name = [{n.name: n for n in cost.nodes} for _, cost in on_devices]
    nodes = [[known[name] for name in names] for known in by_name]
    unit = unit_of([smallest(largest(n.latency_s for n in column) for column in nodes)], "seconds")
    columns = []
    for place, (device, cost) in enumerate(on_devices):
        latencies = [n.latency_s for n in nodes[place]]
        bounds = [*map(_bound, nodes[place])]
        if others := [n.latency_s for n in cost.nodes if n.name not in names]:
            latencies.append(total(others))
            bounds.append(Text())
        numbers = [unit.number(s) for s in latencies]
        width = max(map(len, numbers), default=0)
        cells = [
            Text.assemble(number.rjust(width), " ", bound)
            for number, bound in zip(numbers, bounds, strict=True)
        ]
        head = clean(device.name)
        columns.append(Column(head, cells, unit.name, right=False, drop=place, vital=True))
    return columns


def _bound(node: NodeCost) -> Text:
    text = _or_none(node, node.bound or UNKNOWN, node.bound)
    return Text(text, _BOUNDS[node.bound] if node.bound else "")


def _or_none(node: NodeCost, text: str, value: object) -> str:
    """The text, or a dash where a costed node has no such figure: a view has no intensity."""
    return _NONE if value is None and node.known else text
