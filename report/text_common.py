"""What the text reports of costs share: the model's line, coverage, how sure latency is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.result import Coverage, GraphCost, ModelSummary, UnknownNode
from .footing import MOST
from .names import clean
from .numbers import dims, share, total

OnDevice = tuple[Device, GraphCost]

_REASONS = 5  # how many reasons are listed unless all are asked for
_INPUTS, _OPSETS = 4, 2
_MOSTLY = 0.5  # less time than this in measured kernels is worth a warning
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


def model_line(model: ModelSummary, *, verbose: bool = False) -> str:
    """Opsets and inputs in one line; the first few of them unless all are asked for."""
    opsets = [f"{clean(domain)} {n}".strip() for domain, n in model.opset.items()]
    if not verbose and len(opsets) > _OPSETS:
        opsets[_OPSETS:] = [f"{len(opsets) - _OPSETS} more"]
    inputs = [f"{clean(name)} {dims(shape)}" for name, shape in model.inputs.items()]
    if not verbose and len(inputs) > _INPUTS:
        inputs[_INPUTS:] = [f"{len(inputs) - _INPUTS} more"]
    return f"opset {', '.join(opsets)}; inputs: {', '.join(inputs) or 'none'}"


def coverage_lines(cost: GraphCost, *, prefix: str = "", verbose: bool = False) -> list[Text]:
    """How many nodes are costed, how well their shapes are known, and why some are not."""
    coverage = cost.coverage
    line = f"{prefix}{coverage.costed}/{coverage.nodes} nodes costed, {_shapes(coverage)}"
    if (left := cost.model.nodes - coverage.nodes) > 0:
        line += f"; {left} more are in branches that don't run"
    if not coverage.unknown:
        return [Text(line, "dim")]
    lines = [Text(f"{line}; not costed, and in no figure above:", "yellow")]
    if verbose:
        return lines + [
            Text(f"  {clean(u.node)} ({clean(u.op_type)}): {clean(u.reason)}")
            for u in coverage.unknown
        ]
    reasons: dict[str, list[UnknownNode]] = {}
    for unknown in coverage.unknown:
        reasons.setdefault(re.sub("'[^']*'", "...", unknown.reason), []).append(unknown)
    ranked = sorted(reasons.values(), key=len, reverse=True)
    lines += [Text(f"  {_reason(nodes)}") for nodes in ranked[:_REASONS]]
    if left := sum(map(len, ranked[_REASONS:])):
        lines.append(Text(f"  and {plural(left, 'node')} for other reasons (-v lists all)"))
    return lines


def _shapes(coverage: Coverage) -> str:
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
    by = {n.estimator for cost in costs for n in cost.nodes if n.estimator}
    first = (
        f"Latency is an estimate ({', '.join(sorted(by)) or 'none'}): its low end is the ideal "
        f"roofline{'' if high else ', its high end is not known'}."
    )
    return [Text(first, "dim"), *(_kernels(device, sides) for device, sides in on_devices)]


def _kernels(device: Device, sides: Mapping[str, GraphCost]) -> Text:
    """Where a device's figures are from, and how much of the time measured kernels take."""
    shares = []
    for side, cost in sides.items():
        measured = total(n.latency_s for n in cost.nodes if device.row(n.kind).measured) or 0.0
        if whole := total(n.latency_s for n in cost.nodes):
            shares.append(
                (f"{share(measured, whole)} of the time {side}".rstrip(), measured / whole)
            )
    kernels = "; no kernel was measured there, so expect more"
    if device.efficiency:
        said = " and ".join(text for text, _ in shares)
        kernels = f"; {said} is in kernels measured there" if shares else ""
    low = not device.efficiency or any(part < _MOSTLY for _, part in shares)
    name = f"{clean(device.name)} ({clean(device.title)})"
    return Text(f"  {name}: {_SOURCES[device.source]}{kernels}.", "yellow" if low else "dim")
