"""What has to be known before a figure is read: these lines stand below the headline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from rich.text import Text

from ..costmodel.device import Device
from ..costmodel.result import GraphCost, ModelSummary
from .footing import of_graph
from .names import clean
from .numbers import dims, share
from .short import Caution
from .text_common import MOSTLY, kind_of, measured_share, plural, reason_lines

_REASONS = 2  # of a short page

# By what to call them where they differ: before and after, or devices.
Costs = Mapping[str, GraphCost]


def partial_lines(costs: Costs) -> list[Text]:
    """How many nodes are costed, where that is not all of them."""
    return _yellow(_once([(name, _partial(cost)) for name, cost in costs.items()], len(costs)))


def unknown_cautions(costs: Costs) -> list[Caution]:
    """Which nodes are in no sum, and why."""
    cautions = []
    for name, cost in costs.items():
        if line := _partial(cost):
            head = f"{name}: {line}" if name else line
            reasons = reason_lines(cost.coverage, most=_REASONS)
            cautions.append(Caution(Text(head, "yellow"), reasons))
    return cautions


def unmeasured(on_devices: Sequence[tuple[Device, Costs]]) -> list[Text]:
    """On which devices little of the latency or none rests on measured kernels."""
    names: dict[str, list[str]] = {}
    for device, sides in on_devices:
        parts = [part for part in map(partial(measured_share, device), sides.values()) if part]
        least = min(parts, default=0.0)
        if least < MOSTLY and any(cost.totals.latency_s for cost in sides.values()):
            what = f"only {share(least, 1)} of the time is in kernels measured" if least else ""
            names.setdefault(what or "no kernel was measured", []).append(clean(device.name))
    return _yellow(f"{', '.join(of)}: {what} there, so expect more" for what, of in names.items())


def _partial(cost: GraphCost) -> str:
    coverage, footing = cost.coverage, of_graph(cost)
    if not footing.partial:
        return ""
    if not coverage.costed:
        return "no node is costed: no sum over them is known"
    line = f"only {coverage.costed} of {plural(coverage.nodes, 'node')} are costed"
    if footing.bounded:
        return f"{line}, {coverage.bound} of them at most: sums marked ~ may be too low or high"
    return f"{line}: every sum below is a lower bound"


def assumed_lines(*models: ModelSummary) -> list[Text]:
    """Which dims were left open, and how to give them; which the user changed against the file."""
    inferred = {clean(n): size for model in models for n, size in model.inferred_dims.items()}
    by_size: dict[int, dict[str, None]] = {}
    changed: dict[str, None] = {}
    for model in models:
        for name, size in model.assumed_dims.items():
            if clean(name) not in inferred:
                by_size.setdefault(size, {})[clean(name)] = None
        for name, stated in model.overridden.items():
            line = f"{clean(name)} is {dims(model.inputs[name])}, the file says {dims(stated)}"
            changed[line] = None
    return [
        *_yellow(changed),
        *_yellow(
            f"open dims taken as {size}: {', '.join(names)}; "
            f"give {' '.join(f'--dim {name}=...' for name in names)}"
            for size, names in by_size.items()
        ),
        *_inferred(inferred),
    ]


def _inferred(sizes: Mapping[str, int]) -> list[Text]:
    listed = ", ".join(f"{name} is {size}" for name, size in sizes.items())
    return [Text(f"open dims that the model fixes: {listed}", "dim")] if sizes else []


def note_lines(costs: Costs) -> list[Text]:
    """Assumptions that the costs rest on, each once; of many of a kind the first, and how many."""
    notes = ((name, clean(note)) for name, cost in costs.items() for note in cost.notes)
    return folded(_once(notes, len(costs)))


def folded(notes: Iterable[str]) -> list[Text]:
    """A line a kind of note."""
    kinds: dict[str, list[str]] = {}
    for note in notes:
        kinds.setdefault(kind_of(note), []).append(note)
    more = ("", " (and one more like it)")
    return _yellow(
        f"note: {first}{more[len(rest)] if len(rest) < 2 else f' (and {len(rest)} more like it)'}"
        for first, *rest in kinds.values()
    )


def interface_lines(before: ModelSummary, after: ModelSummary) -> list[Text]:
    """That two graphs don't read or don't make the same."""
    differ = ["inputs"] if before.inputs != after.inputs else []
    line = ""
    if before.graph is not None and after.graph is not None:
        made = [[clean(name) for name in side.outputs] for side in (before.graph, after.graph)]
        if made[0] != made[1]:
            differ.append("outputs")
            line = f": outputs {', '.join(made[0])} -> {', '.join(made[1])}"
    return _yellow([f"the graphs have different {' and '.join(differ)}{line}"] if differ else [])


def at_work(device: Device) -> str:
    """A device by its name, a CPU with its cores that the estimate uses."""
    return clean(device.name) + "".join(f" ({text} at work)" for text in cores(device))


def cores(device: Device) -> list[str]:
    """The cores of a CPU that the estimate uses; nothing of what is none."""
    cpu = device.runtime.endswith("cpu")
    return [plural(device.cores, "core")] if cpu else []


def _once(lines: Iterable[tuple[str, str]], among: int) -> list[str]:
    """Each line once, with those that it is about before it unless it is about all of them."""
    owners: dict[str, dict[str, None]] = {}
    for name, line in lines:
        owners.setdefault(line, {})[name] = None
    return [
        line if len(names) == among else f"{', '.join(names)}: {line}"
        for line, names in owners.items()
        if line
    ]


def _yellow(lines: Iterable[str]) -> list[Text]:
    return [Text(line, "yellow") for line in lines]
