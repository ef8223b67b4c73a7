"""The lines of a profile's page that tell whose the measured time is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from ..runtime.apportioning import Boundary
from ..runtime.validation import Validation
from .names import clean, elide_all
from .numbers import share, show
from .text_common import plural

_PLACES = 3  # boundaries that are listed unless all are asked for
_ENDS, _END = 2, 27  # originals of a boundary, and columns for each
_UNPLACED = {
    "layout": "Changes of layout, shape or type",
    "const": "Computed from constants in every run",
    "unmapped": "Not mapped",
}


def attribution_lines(found: Validation, *, verbose: bool = False) -> list[Text]:
    """How much of the time is that of originals, where the rest is, and what is not predicted."""
    known = sum(node.status != "missing" for node in found.originals)
    line = f"{found.mapped}/{len(found.nodes)} executed nodes mapped"
    line += f" ({share(found.time_mapped_fraction, 1)} of the time)"
    line += f"; {known}/{len(found.originals)} original nodes found"
    lines = [Text(line, "dim" if found.mapped == len(found.nodes) else "yellow")]
    for status, seconds in found.unplaced.items():
        count = sum(node.status == status and not node.placed for node in found.nodes)
        what = _UNPLACED.get(status, "Work of no original")
        part = share(seconds, found.sum_s)
        time = f"{show(seconds, 'seconds')} ({part}) in {plural(count, 'node')}"
        lines.append(Text(f"{what}: {time}"))
        at = [boundary for boundary in found.boundaries if boundary.status == status]
        lines += _boundaries(at, verbose=verbose)
    return [*lines, *_unpredicted(found, verbose=verbose)]


def _boundaries(boundaries: Iterable[Boundary], *, verbose: bool) -> list[Text]:
    """Where nodes were inserted, the costliest place first."""
    ranked = sorted(boundaries, key=lambda b: -b.measured_s)
    listed = ranked if verbose else ranked[:_PLACES]
    lines = [
        Text(f"  {show(b.measured_s, 'seconds')} {_between(b.originals, verbose=verbose)}")
        for b in listed
    ]
    if left := ranked[len(listed) :]:
        seconds = sum(boundary.measured_s for boundary in left)
        lines.append(Text(f"  {show(seconds, 'seconds')} at {plural(len(left), 'more place')}"))
    return lines


def _between(originals: Sequence[str], *, verbose: bool) -> str:
    """The maker of a tensor and its first reader, unless all of them are asked for."""
    names = [clean(name) for name in originals]
    if not verbose:
        left = len(names) - _ENDS
        names = elide_all(names[:_ENDS], _END) + ([f"{left} more"] if left > 0 else [])
    if len(names) < 2:
        return f"at {', '.join(names) or 'no original'}"
    return f"between {', '.join(names[:-1])} and {names[-1]}"


def _unpredicted(found: Validation, *, verbose: bool) -> list[Text]:
    nodes = sorted(found.unpredicted, key=lambda node: -node.measured_s)
    if not nodes:
        return []
    seconds = sum(node.measured_s for node in nodes)
    part = share(seconds, found.sum_s)
    line = f"{plural(len(nodes), 'node')} of unknown cost took {show(seconds, 'seconds')} ({part})"
    listed = nodes if verbose else nodes[:_PLACES]
    return [
        Text(f"{line}{':' if verbose else ', the slowest:'}", "yellow"),
        *(Text(f"  {clean(n.executed)} ({clean(n.op_type)}): {clean(n.reason)}") for n in listed),
    ]
