"""The lines of a profile's page that tell whose the measured time is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from ..runtime.validation.apportioning import Boundary
from ..runtime.validation.checks import NodeCheck
from ..runtime.validation.joined import Validation
from .names import clean, elide_all, labels
from .numbers import share, show
from .text_common import kind_of, plural

_PLACES = 3  # boundaries that are listed unless all are asked for
_ENDS, _END = 2, 27  # originals of a boundary, and columns for each
_UNPLACED = {
    "layout": "Changes of layout, shape or type",
    "const": "Computed from constants in every run",
    "unmapped": "Not mapped",
}


def attribution_lines(found: Validation, *, verbose: bool = False) -> list[Text]:
    """How much of the time is that of originals, where the rest is, and what is not predicted."""
    lines = [mapped_line(found)]
    for status, seconds in found.unplaced.items():
        count = sum(node.status == status and not node.placed for node in found.nodes)
        what = _UNPLACED.get(status, "Work of no original")
        part = share(seconds, found.sum_s)
        time = f"{show(seconds, 'seconds')} ({part}) in {plural(count, 'node')}"
        lines.append(Text(f"{what}: {time}"))
        at = [boundary for boundary in found.boundaries if boundary.status == status]
        lines += _boundaries(at, verbose=verbose)
    return [*lines, *unpredicted_lines(found, verbose=verbose)]


def _boundaries(boundaries: Iterable[Boundary], *, verbose: bool) -> list[Text]:
    """Where nodes were inserted, the costliest place first."""
    ranked = sorted(boundaries, key=lambda b: -b.measured_s)
    listed = ranked if verbose else ranked[:_PLACES]
    names = list(dict.fromkeys(name for b in listed for name in b.originals))
    texts = labels(names) if verbose else elide_all(names, _END)
    called = dict(zip(names, texts, strict=True))
    lines = [
        Text(
            f"  {show(b.measured_s, 'seconds')} "
            f"{_between([called[name] for name in b.originals], verbose=verbose)}"
        )
        for b in listed
    ]
    if left := ranked[len(listed) :]:
        seconds = sum(boundary.measured_s for boundary in left)
        lines.append(Text(f"  {show(seconds, 'seconds')} at {plural(len(left), 'more place')}"))
    return lines


def _between(names: Sequence[str], *, verbose: bool) -> str:
    """The maker of a tensor and its first reader, unless all of them are asked for."""
    if not verbose:
        left = len(names) - _ENDS
        names = [*names[:_ENDS], *([f"{left} more"] if left > 0 else [])]
    if len(names) < 2:
        return f"at {', '.join(names) or 'no original'}"
    return f"between {', '.join(names[:-1])} and {names[-1]}"


def mapped_line(found: Validation) -> Text:
    """How many executed nodes are mapped, and how many originals were found."""
    known = sum(node.status != "missing" for node in found.originals)
    line = f"{found.mapped}/{len(found.nodes)} executed nodes mapped"
    line += f" ({share(found.time_mapped_fraction, 1)} of the time)"
    line += f"; {known}/{len(found.originals)} original nodes found"
    return Text(line, "dim" if found.mapped == len(found.nodes) else "yellow")


def unpredicted_lines(found: Validation, *, verbose: bool = False) -> list[Text]:
    """Nodes whose time is not predicted: how many and how long, and each reason once."""
    nodes = sorted(found.unpredicted, key=lambda node: -node.measured_s)
    if not nodes:
        return []
    seconds = sum(node.measured_s for node in nodes)
    part = share(seconds, found.sum_s)
    line = f"{plural(len(nodes), 'node')} of unknown cost took {show(seconds, 'seconds')} ({part}):"
    reasons: dict[str, list[NodeCheck]] = {}
    for node in nodes:
        reasons.setdefault(node.reason if verbose else kind_of(node.reason), []).append(node)
    listed = list(reasons.values())[: None if verbose else _PLACES]
    lines = [Text(line, "yellow")]
    for first, *others in listed:
        if verbose:
            lines.append(Text(f"  {clean(first.reason)} ({plural(1 + len(others), 'node')}):"))
            lines += [Text(f"    {_named(node)}") for node in (first, *others)]
        else:
            more = f" and {len(others)} more" if others else ""
            lines.append(Text(f"  {_named(first)}{more}: {clean(first.reason)}"))
    if left := sum(map(len, reasons.values())) - sum(map(len, listed)):
        lines.append(Text(f"  and {plural(left, 'node')} for other reasons (-v lists all)"))
    return lines


def _named(node: NodeCheck) -> str:
    return f"{clean(node.executed)} ({clean(node.op_type)})"
