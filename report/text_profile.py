"""``ocost profile`` as text: what was expected, what it took, and where the two disagree."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ..runtime.validation.accuracy import LEAST_S
from ..runtime.validation.checks import NodeCheck
from ..runtime.validation.joined import Validation
from ..runtime.validation.profiled import Profiled
from .footing import LEAST
from .names import clean
from .numbers import UNKNOWN, percent_change, share, show, smallest, unit_of
from .table import OPERATOR, Column, Table, figures
from .text import Page, bar, heading
from .text_attribution import attribution_lines
from .text_common import TOP, caveats, model_line, model_name, plural
from .text_memory import growth
from .text_misses import by_op_type, largest_misses, miss_table, ratio
from .text_notices import assumed_lines, at_work, folded
from .text_runtime_ledger import runtime_ledger_parts
from .text_types import node_types
from .verdict_profile import profile_verdict


def render_profile(profiled: Profiled, *, top: int = TOP, verbose: bool = False) -> Page:
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
        *folded(map(clean, profiled.notes)),
        Text(measured_on(profiled), "dim"),
        Text(f"{model_line(model, verbose=verbose)}; {_inputs(profiled)}", "dim"),
        Text(),
        _totals(profiled),
        Text(),
        *_statistics(found),
    ]
    if top:
        operators = {node.name: node.op_type for node in profiled.written.nodes}
        types = node_types(profiled.executed) if verbose else None
        misses = miss_table(largest_misses(found.nodes), top, operators, types)
        parts += [Text(), heading("Largest misses", "predicted - measured"), misses]
        parts += [Text(), heading("By operator type"), op_type_table(found.nodes, top)]
    if profiled.runtime_ledger is not None:
        parts += [Text(), *runtime_ledger_parts(profiled.runtime_ledger)]
    parts += [Text(), *attribution_lines(found, verbose=verbose)]
    parts += [Text(), *_memory(profiled)] if profiled.memory or profiled.startup else []
    parts += caveats([(profiled.device, {"": profiled.executed})])
    return Page(*parts, Text(), profile_verdict(profiled))


def measured_on(profiled: Profiled) -> str:
    """Where the figures are from."""
    here = profiled.environment
    if profiled.origin is not None or here.cpu is None or here.threads is None:
        name = clean(profiled.origin.name) if profiled.origin is not None else "a profile"
        return f"measured elsewhere: {name}; predicted for {at_work(profiled.device)}"
    pinned = " pinned to a core" if here.pinned else ""
    return (
        f"measured with {here.runtime} {here.version}, level {here.level}, "
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


def op_type_table(nodes: Sequence[NodeCheck], top: int) -> Table:
    """The operator types that took longest, then the sum of the others."""
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


def _memory(profiled: Profiled) -> list[Text]:
    """What the arena held against liveness, and what start-up takes."""
    lines = []
    predicted = profiled.executed.footprint()
    arena, estimate = profiled.memory, predicted.arena_peak_bytes
    if arena is not None:
        known = UNKNOWN if estimate is None else show(estimate, "bytes")
        comparable = estimate is not None and arena.peak_bytes
        off = f" ({percent_change(arena.peak_bytes, estimate)})" if comparable else ""
        line = f"Peak activations: {show(arena.peak_bytes, 'bytes')} in the runtime's arena"
        lines.append(Text(f"{line}, {known} estimated{off}, at {clean(arena.node)}"))
    if profiled.growth is not None:
        grown = show(profiled.growth.peak_bytes, "bytes")
        lines.append(Text(f"Its process grows by {grown}, {growth(predicted)} estimated"))
    start = profiled.startup
    if start is not None:
        memory = start.memory_bytes
        held = "" if memory is None else f", and keeps {show(memory, 'bytes')} resident"
        spread = f"{show(start.low_s, 'seconds')} to {show(start.high_s, 'seconds')}"
        lines.append(Text(f"Opening it takes {show(start.open_s, 'seconds')} ({spread}){held}"))
    return lines
