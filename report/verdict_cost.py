"""What ``ocost cost`` says in a sentence: the first and the last line of its page."""

from __future__ import annotations

from collections.abc import Sequence

from ..costmodel.device import Device
from ..costmodel.result import GraphCost, Totals
from .footing import of_graph
from .names import clean
from .numbers import UNKNOWN, show, total
from .pieces import Headline
from .text_common import OnDevice, model_name, plural


def cost_verdict(cost: GraphCost, device: Device, others: Sequence[OnDevice] = ()) -> Headline:
    """What it costs, in a sentence."""
    name, coverage = model_name(cost.model), cost.coverage
    here = where = f"on {clean(device.name)}"
    if others:
        where += f", {_range([on_it.totals for _, on_it in others])} on {_who(others)}"
    if cost.totals.latency_s is None:
        why = "it has no node" if not coverage.nodes else "no node is costed"
        return Headline([f"cost not known: {why}"], "bold yellow", name)
    time = show(cost.totals.latency_s, "seconds")
    if cost.totals.latency_low_s is not None and cost.totals.latency_high_s is not None:
        ends = cost.totals.latency_low_s, cost.totals.latency_high_s
        time += f" ({' to '.join(show(end, 'seconds') for end in ends)})"
    where, here = f"as {cost.level} {where}", f"as {cost.level} {here}"
    left, footing = coverage.nodes - coverage.costed, of_graph(cost)
    if footing.partial:
        how = "about" if footing.bounded else "at least"
        what = f"{left} of {plural(coverage.nodes, 'node')} not costed"
        return Headline([f"{how} {time} {where}; {what}", what], "bold yellow", name)
    text = f"{'at most' if footing.bounded else 'about'} {time}"
    return Headline(
        [f"{text} {where}, {_bound(cost)}", f"{text} {where}", f"{text} {here}"], about=name
    )


def _who(others: Sequence[OnDevice]) -> str:
    """The other device, or how many there are."""
    return clean(others[0][0].name) if len(others) == 1 else f"{len(others)} others"


def _range(totals: Sequence[Totals]) -> str:
    times = [t.latency_s for t in totals if t.latency_s is not None]
    if not times:
        return UNKNOWN
    low, high = (show(seconds, "seconds") for seconds in (min(times), max(times)))
    return low if len(times) == 1 else f"{low} to {high}"


def _bound(cost: GraphCost) -> str:
    """What bounds most of the time."""
    times: dict[str, float] = {}
    for node in cost.nodes:
        if node.bound is not None:
            times[node.bound] = times.get(node.bound, 0.0) + (node.latency_s or 0.0)
    whole = total(times.values())
    if not whole:
        return "all of it overhead"
    most = max(times, key=times.__getitem__)
    part = f"{100 * times[most] / whole:.0f} %"
    return f"{part} of it overhead" if most == "overhead" else f"{part} {most}-bound"
