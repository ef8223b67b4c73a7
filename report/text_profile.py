"""``ocost profile`` as text: what was expected, what it took, and where the two disagree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from ..runtime.accuracy import LEAST_S
from ..runtime.profiled import Profiled
from ..runtime.validation import Boundary, NodeCheck, Validation
from .footing import LEAST
from .names import clean, elide_all
from .numbers import UNKNOWN, percent_change, share, show, smallest, unit_of
from .table import OPERATOR, Column, Table, figures
from .text import Page, bar, heading
from .text_common import caveats, model_line, model_name, plural
from .text_misses import by_op_type, largest_misses, miss_table, ratio
from .text_notices import assumed_lines, at_work

_PLACES = 3  # boundaries that are listed unless all are asked for
_ENDS, _END = 2, 27  # originals of a boundary, and columns for each
_UNPLACED = {
    "layout": "Changes of layout, shape or type",
    "const": "Computed from constants in every run",
    "unmapped": "Not mapped",
}


def render_profile(profiled: Profiled, *, top: int = 10, verbose: bool = False) -> Page:
    """Predicted against measured.

    Parameters
    ----------
    profiled
        A profile with what was expected of it.
    top
        How many nodes and operator types to list.
    verbose
        List every one, with its originals.
    """
    found, model = profiled.validation, profiled.written.model
    top = len(found.nodes) if verbose else top
    executed = plural(len(found.nodes), "executed node")
    parts: list[RenderableType] = [
        Text(f"{model_name(model)} as measured: {executed}, {model.nodes} as written", "bold"),
        *assumed_lines(model),
        *(Text(f"note: {clean(note)}", "yellow") for note in profiled.notes),
        Text(_measured_on(profiled), "dim"),
        Text(f"{model_line(model, verbose=verbose)}; {_inputs(profiled)}", "dim"),
        Text(),
        _totals(profiled),
        Text(),
        *_statistics(found),
    ]
    if top:
        misses = miss_table(largest_misses(found.nodes), top, verbose=verbose)
        parts += [Text(), heading("Largest misses", "predicted - measured"), misses]
        parts += [Text(), heading("By operator type"), _op_types(found.nodes, top)]
    parts += [Text(), *_attribution(found, verbose=verbose), *_unpredicted(found, verbose=verbose)]
    parts += [Text(), *_memory(profiled)] if profiled.memory or profiled.startup else []
    parts += caveats([(profiled.device, {"": profiled.executed})])
    return Page(*parts)


def _measured_on(profiled: Profiled) -> str:
    here = profiled.environment
    if profiled.origin is not None or here.cpu is None or here.threads is None:
        name = clean(profiled.origin.name) if profiled.origin is not None else "a profile"
        return f"measured elsewhere: {name}; predicted for {at_work(profiled.device)}"
    pinned = " pinned to a core" if here.pinned else ""
    return (
        f"measured with onnxruntime {here.onnxruntime}, level {here.level}, "
        f"{plural(here.threads, 'thread')}{pinned}, on {clean(here.cpu)} ({here.isa}); "
        f"predicted for {at_work(profiled.device)}"
    )


def _inputs(profiled: Profiled) -> str:
    if profiled.origin is not None:
        return "unknown contents"
    return "made up" if profiled.inputs is None else f"from {clean(profiled.inputs.name)}"


def _totals(profiled: Profiled) -> Table:
    """Latency measured and predicted, each with its interval."""
    found, profile = profiled.validation, profiled.profile
    times = [
        [found.measured.latency_s, found.predicted_s],
        [found.measured.low_s, found.predicted_low_s],
        [found.measured.high_s, found.predicted_high_s],
    ]
    unit = unit_of([smallest(times[0])], "seconds")
    marks = ["", LEAST if found.unpredicted else ""]
    remarks = [
        f"{plural(found.measured.runs, 'run')}"
        + ("" if profiled.origin else f", {profile.runs} more profiled"),
        _off(found),
    ]
    return Table(
        [
            Column("latency", ["measured", "predicted"], right=False),
            figures("", times[0], unit, marks),
            figures("low end", times[1], unit, marks),
            figures("high end", times[2], unit),
            Column("", [Text(remark, "dim") for remark in remarks], right=False, drop=1),
        ]
    )


def _off(found: Validation) -> str:
    if found.unpredicted:
        return f"without {plural(len(found.unpredicted), 'node')} of unknown cost"
    return percent_change(found.measured.latency_s, found.predicted_s)


def _statistics(found: Validation) -> list[RenderableType]:
    numbers = found.accuracy
    error, rank = numbers.weighted_error, numbers.rank_correlation
    line = f"Per node: weighted error {UNKNOWN if error is None else share(error, 1)}"
    line += f", rank correlation {UNKNOWN if rank is None else f'{rank:.2f}'}"
    parts: list[RenderableType] = [Text(f"{line} (Spearman), over {plural(numbers.nodes, 'node')}")]
    if numbers.long_nodes:
        long = f"of {plural(numbers.long_nodes, 'node')} of {1e6 * LEAST_S:g} µs or more"
        columns = [
            Column(f"{100 * w.limit:.0f} %", [share(w.nodes, 1), share(w.time, 1)])
            for w in numbers.within
        ]
        rows = Column("predicted within", [long, "of their time"], right=False)
        parts.append(Table([rows, *columns]))
    return parts


def _op_types(nodes: Sequence[NodeCheck], top: int) -> Table:
    rows = by_op_type(nodes, top)
    measured = [row.measured_s for row in rows]
    predicted = [row.predicted_s for row in rows]
    unit = unit_of(measured, "seconds")
    whole = sum(measured)
    slowest = max(measured)
    marks = [LEAST if row.partial else "" for row in rows]
    return Table(
        [
            Column("operator", [clean(row.op_type) for row in rows], right=False, elide=OPERATOR),
            Column("nodes", [str(row.count) for row in rows], drop=1),
            figures("measured", measured, unit),
            Column("share", [share(seconds, whole) for seconds in measured], drop=2),
            figures("predicted", predicted, unit, marks),
            Column("ratio", [ratio(row) for row in rows]),
            Column("", [bar(seconds, slowest) for seconds in measured], right=False, drop=4),
        ],
        summary=int(len(rows) > top),
    )


def _attribution(found: Validation, *, verbose: bool) -> list[Text]:
    """How much of the time is that of originals, and where the rest is."""
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
    return lines


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


def _memory(profiled: Profiled) -> list[Text]:
    """What the arena held against liveness, and what start-up takes."""
    lines = []
    arena, estimate = profiled.memory, profiled.executed.totals.peak_bytes
    if arena is not None:
        known = UNKNOWN if estimate is None else show(estimate, "bytes")
        off = "" if estimate is None else f" ({percent_change(arena.peak_bytes, estimate)})"
        line = f"Peak activations: {show(arena.peak_bytes, 'bytes')} in onnxruntime's arena"
        lines.append(Text(f"{line}, {known} estimated{off}, at {clean(arena.node)}"))
    start = profiled.startup
    if start is not None:
        memory = start.memory_bytes
        held = "" if memory is None else f", and keeps {show(memory, 'bytes')} resident"
        spread = f"{show(start.low_s, 'seconds')} to {show(start.high_s, 'seconds')}"
        lines.append(Text(f"Opening it takes {show(start.open_s, 'seconds')} ({spread}){held}"))
    return lines


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
