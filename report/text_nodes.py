"""The table of the slowest nodes, on one device or several."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.result import GraphCost, NodeCost
from .footing import ROUGH, marked, of_graph, of_nodes
from .names import clean, labels, operator
from .numbers import UNKNOWN, share, total, unit_of
from .ranking import OpTypeCost, op_type_of, slowest, together
from .table import NAME, OPERATOR, Column, Table, figures
from .text_common import OnDevice
from .text_types import beside, node_types

BOUNDS = {"compute": "cyan", "memory": "yellow", "overhead": "magenta"}
_NONE = "-"  # what a node doesn't have, as against what is not known
_OF_PEAK = "of peak: FLOPs over the estimated latency, as a share of the device's peak"
_NOT_MEASURED = f"; {ROUGH} where no kernel of that kind was measured on the device"


def node_table(on_devices: Sequence[OnDevice], top: int, *, verbose: bool = False) -> Table:
    """The nodes that are slowest on the first device, and the sum of the others.

    With several devices each has its latency and its bound, so that a change of the bound from
    one to the other can be seen. With ``verbose`` names are whole, at the end of the
    lines, with types and shapes of what a node reads and makes.
    """
    device, cost = on_devices[0]
    nodes = slowest(cost.nodes)
    listed, left = nodes[:top], nodes[top:]
    rest = [together(f"{len(left)} more", left)] if left else []
    rows: list[NodeCost | OpTypeCost] = [*listed, *rest]
    flops, traffic = [row.flops for row in rows], [row.traffic_bytes for row in rows]
    marks = _marks(listed) + [row.footing.mark for row in rest]
    names = labels([n.name for n in listed]) + [row.op_type for row in rest]
    op_types = [operator(op_type_of(n)) for n in listed] + [""] * len(rest)
    several = len(on_devices) > 1
    name = Column("node", names, right=False, elide=NAME)
    columns = [
        Column("operator", op_types, right=False, elide=OPERATOR, drop=50 if several else 0),
        figures("FLOPs", flops, unit_of(flops[:top], "count"), marks, drop=51),
        figures("traffic", traffic, unit_of(traffic[:top], "bytes"), marks, drop=52),
    ]
    columns += (
        _on_devices(on_devices, listed) if several else _details(device, cost, listed, rest, marks)
    )
    if verbose:
        whole = beside(names, [n.name for n in listed] + [""] * len(rest), node_types(cost))
        named = Column("node, inputs -> outputs", whole, right=False, whole=True)
        return Table([*columns, named], summary=len(rest))
    return Table([name, *columns], summary=len(rest))


def _marks(nodes: Sequence[NodeCost]) -> list[str]:
    return [of_nodes([node]).mark for node in nodes]


def _details(
    device: Device,
    cost: GraphCost,
    listed: Sequence[NodeCost],
    rest: Sequence[OpTypeCost],
    marks: Sequence[str],
) -> list[Column]:
    """What bounds each node and how long it takes."""
    blank = [""] * len(rest)
    ratio = unit_of([n.intensity for n in listed], "ratio")
    intensities = [_or_none(n, ratio.number(n.intensity), n.intensity) for n in listed]
    latencies = [n.latency_s for n in listed] + [row.latency_s for row in rest]
    unit = unit_of(latencies[: len(listed)], "seconds", middle=True)
    footing = of_graph(cost)
    of_peak = [*(_of_peak(n, device) for n in listed), *blank]
    rough = any(cell.startswith(ROUGH) for cell in of_peak)
    caption = _OF_PEAK + (_NOT_MEASURED if rough else "")
    return [
        Column("intensity", [*intensities, *blank], "FLOP/B", drop=53),
        Column("bound", [*map(_bound, listed), *blank], right=False, drop=50),
        Column("of peak", of_peak, drop=54, caption=caption),
        figures("latency", latencies, unit, marks),
        Column("share", [footing.share(s, cost.totals.latency_s) for s in latencies], drop=55),
    ]


def _on_devices(on_devices: Sequence[OnDevice], listed: Sequence[NodeCost]) -> list[Column]:
    """A column a device: latency and bound of the listed nodes, and the latency of the others."""
    names = [n.name for n in listed]
    named = frozenset(names)
    by_name = [{n.name: n for n in cost.nodes} for _, cost in on_devices]
    columns = []
    for place, (device, cost) in enumerate(on_devices):
        nodes = [by_name[place][name] for name in names]
        latencies = [n.latency_s for n in nodes]
        unit = unit_of(latencies, "seconds")
        bounds, marks = [*map(_bound, nodes)], _marks(nodes)
        if others := [n for n in cost.nodes if n.name not in named]:
            latencies.append(total(n.latency_s for n in others))
            bounds.append(Text())
            marks.append(of_nodes(others).mark)
        numbers = [marked(unit.number(s), mark) for s, mark in zip(latencies, marks, strict=True)]
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
    return Text(text, BOUNDS[node.bound] if node.bound else "")


def _of_peak(node: NodeCost, device: Device) -> str:
    """The share of the device's peak that the estimated time comes to."""
    if node.flops is None or node.latency_s is None:
        return UNKNOWN
    if not node.flops or not node.latency_s:
        return _NONE
    peak, _ = device.peak(node.dtype)
    text = share(node.flops / node.latency_s, peak)
    return text if device.row(node.kind).measured else f"{ROUGH}{text}"


def _or_none(node: NodeCost, text: str, value: object) -> str:
    """The text, or a dash where a costed node has no such figure: a view has no intensity."""
    return _NONE if value is None and node.known else text
