"""The short page of ``ocost cost``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import RenderableType
from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.result import GraphCost
from .names import clean
from .ranking import by_op_type
from .short import Caution, Short
from .six import six
from .text import Page
from .text_blockers import blocker_cautions
from .text_common import TOP, OnDevice, by_estimator, node_count, opsets, shapes_known
from .text_cost import device_table, op_type_table, render_cost
from .text_notices import assumed_lines, cores, note_lines, unknown_cautions, unmeasured
from .text_ports import port_lists
from .verdict_cost import cost_verdict

_DEVICES = 4
_FIXES = "-v for more: the fixes, every node, all totals, where the figures are from."
_HINT = {
    "written": "-v for more: every node, all totals. --level executed: as the runtime has it.",
    "executed": "-v for more: every node, all totals. --level written: as the file has it.",
}


def cost_page(
    cost: GraphCost,
    device: Device,
    others: Sequence[OnDevice] = (),
    *,
    top: int | None = None,
    verbose: bool = False,
    written: Callable[[Device], GraphCost] | None = None,
) -> Page:
    """The short page, or all tables where rows are asked for: ``top``, or all of them.

    ``written`` costs the graph as the file has it, for those tables to set beside.
    """
    if top is None and not verbose:
        return short_cost(cost, device, others)
    beside = [] if written is None else [written(d) for d, _ in ((device, cost), *others)]
    return render_cost(
        cost, device, others, top=TOP if top is None else top, verbose=verbose, written=beside
    )


def short_cost(cost: GraphCost, device: Device, others: Sequence[OnDevice] = ()) -> Page:
    """What a graph costs, on a page of 24 lines.

    Parameters
    ----------
    cost, device
        A costed graph and the device that it was costed for.
    others
        The same graph costed for further devices.
    """
    costs = [(device, cost), *others]
    model = cost.model
    facts = [f"{node_count(cost)}{_known(cost)}", f"opset {opsets(model)}"]
    facts += [] if others else [f"{count} at work" for count in cores(device)]
    facts += [f"latency {by_estimator([cost])}"] if device.calibration and not others else []
    blocked = blocker_cautions(cost)
    cautions = [
        *unknown_cautions({"": cost}),
        *map(Caution, assumed_lines(model)),
        *map(Caution, note_lines({clean(d.name): on_it for d, on_it in costs})),
        *blocked,
        *map(Caution, unmeasured([(d, {"": on_it}) for d, on_it in costs])),
    ]
    short = Short(
        cost_verdict(cost, device, others),
        [Text("; ".join(facts), "dim"), *port_lists(model)],
        [six(cost), *_devices(costs)],
        lambda rows: op_type_table(cost, rows),
        len(by_op_type(cost.nodes)),
        cautions,
        Text(_FIXES if blocked else _HINT[cost.level], "dim"),
    )
    return Page(short)


def _known(cost: GraphCost) -> str:
    coverage = cost.coverage
    off = cost.size - coverage.nodes
    which = f" ({off} in branches that don't run)" if off > 0 else ""
    if not coverage.nodes or coverage.costed < coverage.nodes:
        return which
    return f"{which}, all costed, {shapes_known(coverage)}"


def _devices(costs: Sequence[OnDevice]) -> list[RenderableType]:
    if len(costs) == 1:
        return []
    left = len(costs) - _DEVICES
    more = [Text(f"... and {left} more devices", "dim")] if left > 0 else []
    return [Text(), device_table(costs[:_DEVICES], light=True), *more]
