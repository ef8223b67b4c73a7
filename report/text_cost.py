"""``ocost cost`` as text: totals, operator types, the slowest nodes, how sure all that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from rich.console import RenderableType
from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.result import Bound, GraphCost
from .figures import shown
from .footing import marked, of_graph
from .names import clean, operator
from .numbers import UNKNOWN, largest, smallest, total, unit_of
from .ranking import by_op_type, op_type_of, together
from .table import OPERATOR, Column, Table, figures, first_of_each
from .text import Page, bar, heading
from .text_blockers import blocker_lines
from .text_common import TOP, OnDevice, caveats, coverage_lines, model_line, model_name, node_count
from .text_memory import memory_lines
from .text_nodes import node_table
from .text_notices import assumed_lines, at_work, note_lines, partial_lines
from .verdict_cost import cost_verdict


def render_cost(
    cost: GraphCost,
    device: Device,
    others: Sequence[OnDevice] = (),
    *,
    top: int = TOP,
    verbose: bool = False,
    written: Sequence[GraphCost] = (),
) -> Page:
    """What a graph costs.

    Parameters
    ----------
    cost, device
        A costed graph and the device that it was costed for, which ranks the nodes.
    others
        The same model costed for further devices: each adds a column, and where its runtime
        executes another graph, tables of that.
    top
        How many nodes and operator types to list.
    verbose
        List every one, and every node that is not costed.
    written
        The cost of the graph as the file has it on each of the devices, to set beside.
    """
    costs = [(device, cost), *others]
    as_written = " as written" if cost.level == "written" else ""
    on = f" on {clean(device.name)}" if len(_alike(costs)) > 1 else ""
    devices = ", ".join(at_work(d) for d, _ in costs)
    parts: list[RenderableType] = [
        Text(
            f"{model_name(cost.model)}{as_written}: {node_count(cost)}{on}",
            "bold",
        ),
        *partial_lines({"": cost}),
        *assumed_lines(cost.model),
        *note_lines({clean(d.name): on_it for d, on_it in costs}),
        Text(f"{model_line(cost.model, verbose=verbose)}; on {devices}", "dim"),
        Text(),
        _totals(cost),
        *(memory_lines(cost) if verbose else ()),
        Text(),
        heading("Latency", "share of it by what bounds the nodes"),
        device_table(costs, written=written),
    ]
    for alike in _alike(costs):
        parts += _nodes_of(alike, top, verbose=verbose, several=bool(others))
    for name, on_it in _sides(costs):
        prefix = f"{name}: " if name else ""
        parts += [Text(), *coverage_lines(on_it, prefix=prefix, verbose=verbose)]
    parts += caveats([(d, {"": on_it}) for d, on_it in costs])
    return Page(*parts, Text(), cost_verdict(cost, device, others))


def _alike(costs: Sequence[OnDevice]) -> list[list[OnDevice]]:
    """The devices in groups of those that execute the same nodes."""
    groups: dict[tuple[str, ...], list[OnDevice]] = {}
    for device, cost in costs:
        groups.setdefault(tuple(node.name for node in cost.nodes), []).append((device, cost))
    return list(groups.values())


def _sides(costs: Sequence[OnDevice]) -> list[tuple[str, GraphCost]]:
    """A cost of each graph that is executed, by the devices that execute it if it is not one."""
    groups = _alike(costs)
    names = [", ".join(clean(d.name) for d, _ in group) for group in groups]
    costed = [group[0][1] for group in groups]
    return list(zip(names if groups[1:] else [""], costed, strict=True))


def _nodes_of(
    costs: Sequence[OnDevice], top: int, *, verbose: bool, several: bool
) -> list[RenderableType]:
    """The tables of the nodes that devices execute, and what is nearly rewritten there."""
    device, cost = costs[0]
    top = len(cost.nodes) if verbose else top
    parts: list[RenderableType] = []
    if top and cost.nodes:
        note = f"latency on {clean(device.name)}"
        parts += [Text(), heading("By operator type", note), op_type_table(cost, top)]
        note = f"ranked by {clean(device.name)}" if several else ""
        nodes = node_table(costs, top, verbose=verbose)
        parts += [Text(), heading("Slowest nodes", note), nodes]
    blocked = blocker_lines(cost.blockers(), cost, most=None if verbose else top)
    return [*parts, Text(), *blocked] if blocked else parts


def _totals(cost: GraphCost) -> Table:
    totals, footing = cost.totals, of_graph(cost)
    rows = [f for f in shown(totals) if f.group != "latency"]
    units = [unit_of([f.of(totals)], f.quantity) for f in rows]
    numbers = [
        marked(unit.number(row.of(totals)), row.mark(footing))
        for unit, row in zip(units, rows, strict=True)
    ]
    remarks = {"total_activation_bytes": "if nothing is reused"}
    part = footing.share(totals.compulsory_bytes, totals.traffic_bytes)
    if part != UNKNOWN:
        remarks["compulsory_bytes"] = f"{part} of the traffic; no fusion goes below"
    graph = cost.model.graph
    if graph is not None and graph.header.source.fillers:
        remarks["file_bytes"] = "with its weights, which the file on disk leaves out"
    return Table(
        [
            Column("", first_of_each([f.group for f in rows]), right=False),
            Column("", [f.label for f in rows], right=False),
            Column("", numbers),
            Column("", [u.name for u in units], right=False),
            Column("", [Text(remarks.get(f.field, ""), "dim") for f in rows], right=False, drop=1),
        ],
        bare=True,
    )


def device_table(
    on_devices: Sequence[OnDevice], *, light: bool = False, written: Sequence[GraphCost] = ()
) -> Table:
    """The latency on each device, and what bounds how much of it.

    Where their runtimes execute different graphs, the nodes and the traffic of each too.
    ``written`` are the costs of the graph as the file has it.
    """
    costs = [cost for _, cost in on_devices]
    estimates = [cost.totals.latency_s for cost in costs]
    lows = [cost.totals.latency_low_s for cost in costs]
    highs = [cost.totals.latency_high_s for cost in costs]
    unit = unit_of([smallest(estimates)], "seconds")
    footings = list(map(of_graph, costs))
    marks = [footing.mark for footing in footings]
    columns = [
        Column("device", [clean(d.name) for d, _ in on_devices], right=False),
        figures("estimate", estimates, unit, marks),
        figures("low end", lows, unit, marks),
    ]
    if written:
        taken = [cost.totals.latency_s for cost in written]
        columns.append(figures("as written", taken, unit, [of_graph(c).mark for c in written]))
    if any(highs):
        columns.append(figures("high end", highs, unit, marks))
    if len(_alike(on_devices)) > 1:
        traffic = [cost.totals.traffic_bytes for cost in costs]
        columns.append(Column("nodes", [str(cost.size) for cost in costs], drop=3))
        columns.append(figures("traffic", traffic, unit_of(traffic, "bytes"), marks, drop=3))
    ridges = [d.ridge for d, _ in on_devices]
    columns.append(
        Column("ridge", list(map(unit_of(ridges, "ratio").number, ridges)), "FLOP/B", drop=2)
    )
    for bound in get_args(Bound):
        times = [total(n.latency_s for n in cost.nodes if n.bound == bound) for cost in costs]
        shares = [f.share(t, e) for f, t, e in zip(footings, times, estimates, strict=True)]
        columns.append(Column(bound, shares, drop=1))
    return Table(columns, light=light)


def op_type_table(cost: GraphCost, top: int) -> Table:
    """The costliest operator types, then the sum of the others."""
    rows = by_op_type(cost.nodes)
    if rest := rows[top:]:
        names = {row.op_type for row in rest}
        others = [n for n in cost.nodes if op_type_of(n) in names]
        rows = [*rows[:top], together(f"{len(rest)} more", others)]
    flops, traffic = [r.flops for r in rows], [r.traffic_bytes for r in rows]
    latencies = [r.latency_s for r in rows]
    slowest = largest(latencies)
    marks, footing = [r.footing.mark for r in rows], of_graph(cost)
    return Table(
        [
            Column("operator", [operator(r.op_type) for r in rows], right=False, elide=OPERATOR),
            Column("nodes", [str(r.count) for r in rows], drop=1),
            figures("FLOPs", flops, unit_of(flops, "count"), marks, drop=3),
            figures("traffic", traffic, unit_of(traffic, "bytes"), marks, drop=2),
            figures("latency", latencies, unit_of(latencies, "seconds"), marks),
            Column("share", [footing.share(s, cost.totals.latency_s) for s in latencies]),
            Column("", [bar(s, slowest) for s in latencies], right=False, drop=4),
        ],
        summary=1 if rest else 0,
    )
