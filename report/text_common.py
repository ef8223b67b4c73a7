"""What the text reports of costs share: the model's line, coverage, how sure latency is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.result import Coverage, GraphCost, ModelSummary, Port, Ports, UnknownNode
from .footing import MOST
from .names import clean
from .numbers import UNKNOWN, dims, share, total

OnDevice = tuple[Device, GraphCost]

TOP = 10  # rows of the longer tables where nobody says how many
_REASONS = 5  # how many reasons are listed unless all are asked for
_PORTS, _OPSETS = 4, 2
MOSTLY = 0.5  # less time than this in measured kernels is worth a warning
_SOURCES = {
    "datasheet": "peaks and bandwidth on paper (datasheets and derived figures)",
    "calibrated": "peaks and bandwidth measured",
    "detected": "peaks and bandwidth guessed from this machine's CPU",
}


def model_name(model: ModelSummary) -> str:
    """The file's name without its folders."""
    return clean(PurePath(model.path).name) or "the model"


def plural(count: int, noun: str) -> str:
    """``1 node``, ``2 nodes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def node_count(cost: GraphCost) -> str:
    """``222 nodes``; with how many the runtime executes in their place."""
    written = plural(cost.model.nodes, "node")
    return written if cost.level == "written" else f"{written}, executed as {cost.size}"


def model_line(model: ModelSummary, *, verbose: bool = False) -> str:
    """Opsets, inputs and outputs; the first few of them unless all are asked for."""
    sides = [_ports(ports, verbose=verbose) for ports in model.ports]
    return f"opset {opsets(model, verbose=verbose)}; inputs: {sides[0]}; outputs: {sides[1]}"


def _ports(ports: Ports, *, verbose: bool) -> str:
    texts = [f"{clean(name)} {port_text(port)}" for name, port in ports.items()]
    if not verbose and (left := len(texts) - _PORTS) > 0:
        texts[_PORTS:] = [f"{left} more"]
    return ", ".join(texts) or "none"


def port_text(port: Port) -> str:
    """``float32 1x3x224x224``; dims that depend on data are ``up to`` their bound."""
    if port.shape is None and port.type.endswith(")"):  # a sequence, an optional, a map
        return port.type
    if port.shape is None and not port.type:
        return UNKNOWN
    shape = f"up to {dims(port.shape)}" if port.bound else dims(port.shape)
    return f"{port.type or UNKNOWN} {shape}"


def opsets(model: ModelSummary, *, verbose: bool = False) -> str:
    """The opsets that the model imports; the first few unless all are asked for."""
    found = [f"{clean(domain)} {n}".strip() for domain, n in model.opset.items()]
    if not verbose and len(found) > _OPSETS:
        found[_OPSETS:] = [f"{len(found) - _OPSETS} more"]
    return ", ".join(found)


def coverage_lines(cost: GraphCost, *, prefix: str = "", verbose: bool = False) -> list[Text]:
    """How many nodes are costed, how well their shapes are known, and why some are not."""
    coverage = cost.coverage
    line = f"{prefix}{coverage.costed}/{coverage.nodes} nodes costed, {shapes_known(coverage)}"
    if (left := cost.size - coverage.nodes) > 0:
        line += f"; {left} more are in branches that don't run"
    if not coverage.unknown:
        return [Text(line, "dim")]
    lines = [Text(f"{line}; not costed, and in no figure above:", "yellow")]
    return lines + reason_lines(coverage, most=None if verbose else _REASONS)


def reason_lines(coverage: Coverage, *, most: int | None) -> list[Text]:
    """Why nodes are not costed, each reason once; ``most`` reasons, or all with all nodes."""
    reasons: dict[str, list[UnknownNode]] = {}
    for unknown in coverage.unknown:
        reasons.setdefault(kind_of(unknown.reason), []).append(unknown)
    ranked = sorted(reasons.values(), key=len, reverse=True)
    if most is None:
        return [Text(line) for nodes in ranked for line in _every(nodes)]
    lines = [Text(f"  {_reason(nodes)}") for nodes in ranked[:most]]
    if left := sum(map(len, ranked[most:])):
        lines.append(Text(f"  and {plural(left, 'node')} for other reasons (-v lists all)"))
    return lines


def kind_of(text: str) -> str:
    """A reason or note without the side, names and numbers in it: what many of a kind share."""
    return re.sub(r"^(before|after): |'[^']*'|\d+(\.\d+)?( \w+)?", "...", text)


def _every(nodes: Sequence[UnknownNode]) -> list[str]:
    """One reason, and all nodes that it stops; where it names something, by what it says."""
    by_text: dict[str, list[UnknownNode]] = {}
    for node in nodes:
        by_text.setdefault(node.reason, []).append(node)
    lines = []
    for text, group in by_text.items():
        lines.append(f"  {clean(text)} ({plural(len(group), 'node')}):")
        lines += [f"    {clean(node.node)} ({clean(node.op_type)})" for node in group]
    return lines


def shapes_known(coverage: Coverage) -> str:
    """How well the shapes are known: ``all shapes exact``."""
    counts = {
        "exact": coverage.exact,
        "assumed": coverage.assumed,
        f"upper bounds ({MOST})": coverage.bound,
    }
    known = {how: count for how, count in counts.items() if count}
    if len(known) == 1:
        return f"all shapes {next(iter(known))}"
    return "shapes: " + (", ".join(f"{n} {how}" for how, n in known.items()) or "none known")


def _reason(nodes: list[UnknownNode]) -> str:
    """One reason with the operator types that it stops."""
    first = nodes[0]
    counts = Counter(unknown.op_type for unknown in nodes).most_common()
    types = ", ".join(f"{count} {clean(op_type)}" for op_type, count in counts)
    place = f" ({clean(first.node)})" if len(nodes) == 1 else f" (first: {clean(first.node)})"
    return f"{types}: {clean(first.reason)}{place}"


def caveats(on_devices: Sequence[tuple[Device, Mapping[str, GraphCost]]]) -> list[Text]:
    """How sure the latency is: per device, of one cost ("") or of those before and after."""
    costs = [cost for _, sides in on_devices for cost in sides.values()]
    high = any(cost.totals.latency_high_s is not None for cost in costs)
    ends = "its low end is the ideal roofline, its high end is not known"
    if high:
        ends = "its interval is meant to hold nine times of ten"
    first = f"Latency is an estimate ({by_estimator(costs)}): {ends}."
    return [Text(first, "dim"), *(_kernels(device, sides) for device, sides in on_devices)]


def by_estimator(costs: Sequence[GraphCost]) -> str:
    """What estimated the latency, each of several with its share of the time."""
    times: dict[str, float] = {}
    for cost in costs:
        for node in cost.nodes:
            if node.estimator:
                times[node.estimator] = times.get(node.estimator, 0.0) + (node.latency_s or 0.0)
    whole = sum(times.values())
    if len(times) < 2 or not whole:
        return ", ".join(times) or "none"
    return ", ".join(f"{share(times[name] / whole, 1)} {name}" for name in sorted(times))


def measured_share(device: Device, cost: GraphCost) -> float | None:
    """The share of the latency that is in kernels measured on the device; None without any."""
    known = [n for n in cost.nodes if n.estimator != "roofline" or device.row(n.kind).measured]
    measured = total(n.latency_s for n in known) or 0.0
    whole = total(n.latency_s for n in cost.nodes)
    return measured / whole if whole else None


def _kernels(device: Device, sides: Mapping[str, GraphCost]) -> Text:
    """Where a device's figures are from, and how much of the time measured kernels take."""
    shares = []
    for side, cost in sides.items():
        part = measured_share(device, cost)
        if part is not None:
            shares.append((f"{share(part, 1)} of the time {side}".rstrip(), part))
    kernels = "; no kernel was measured there, so expect more"
    if device.efficiency or device.calibration:
        said = " and ".join(text for text, _ in shares)
        kernels = f"; {said} is in kernels measured there" if shares else ""
    low = not (device.efficiency or device.calibration) or any(part < MOSTLY for _, part in shares)
    name = f"{clean(device.name)} ({clean(device.title)})"
    return Text(f"  {name}: {_SOURCES[device.source]}{kernels}.", "yellow" if low else "dim")
