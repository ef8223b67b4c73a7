"""The short page of ``ocost profile``."""

from __future__ import annotations

from rich.text import Text

from ..runtime.validation.joined import Validation
from ..runtime.validation.profiled import Profiled
from .names import clean, elide, executed_operator
from .numbers import UNKNOWN, share, show, unit_of
from .pieces import Grid
from .short import Caution, Short
from .six import six
from .text import Page
from .text_attribution import mapped_line, unpredicted_lines
from .text_common import TOP, plural
from .text_misses import largest_misses
from .text_notices import assumed_lines, folded, unmeasured
from .text_ports import port_lists
from .text_profile import op_type_table, render_profile
from .text_runtime_ledger import runtime_ledger_parts
from .verdict_profile import profile_verdict

_NAME = 34  # of the node that is named
_HINT = "-v for more: every node with its originals, intervals, start-up."


def profile_page(profiled: Profiled, *, top: int | None = None, verbose: bool = False) -> Page:
    """The short page, or all tables where rows are asked for: ``top``, or all of them."""
    if top is None and not verbose:
        short, ledger = short_profile(profiled), profiled.runtime_ledger
        return short if ledger is None else Page(*runtime_ledger_parts(ledger), Text(), short)
    return render_profile(profiled, top=TOP if top is None else top, verbose=verbose)


def short_profile(profiled: Profiled) -> Page:
    """Predicted against measured, on a page of 24 lines."""
    found, model = profiled.validation, profiled.written.model
    mapped, *unpredicted = mapped_line(found), *unpredicted_lines(found)
    cautions = [
        *map(Caution, assumed_lines(model)),
        *map(Caution, folded(map(clean, profiled.notes))),
        *([Caution(unpredicted[0], unpredicted[1:])] if unpredicted else []),
        *map(Caution, unmeasured([(profiled.device, {"": profiled.executed})])),
    ]
    short = Short(
        profile_verdict(profiled),
        [
            mapped,
            Text(_measured_with(profiled), "dim"),
            *port_lists(model),
            Text(_accuracy(found), "dim"),
        ],
        [_totals(profiled)],
        lambda rows: op_type_table(found.nodes, rows),
        len({(node.domain, node.op_type) for node in found.nodes}),
        [*_largest_miss(found), *cautions],
        Text(_HINT, "dim"),
    )
    return Page(short)


def _measured_with(profiled: Profiled) -> str:
    here = profiled.environment
    if profiled.origin is not None or here.cpu is None or here.threads is None:
        name = "a profile" if profiled.origin is None else clean(profiled.origin.name)
        return f"measured elsewhere: {name}"
    threads = plural(here.threads, "thread")
    return f"{here.runtime} {here.version}, level {here.level}, {threads}, {clean(here.cpu)}"


def _totals(profiled: Profiled) -> Grid:
    """The totals as executed, with the memory and the latency that were measured."""
    grid = six(profiled.executed)
    cells = dict(grid.cells)
    cells["latency"] = show(profiled.validation.measured.latency_s, "seconds")
    del cells["est. latency"]
    if profiled.memory is not None:
        cells["peak memory"] = show(profiled.memory.peak_bytes, "bytes")
    return Grid(list(cells.items()))


def _accuracy(found: Validation) -> str:
    low, high = found.measured.low_s, found.measured.high_s
    unit = unit_of([low], "seconds")
    error, rank = found.accuracy.weighted_error, found.accuracy.rank_correlation
    spread = f"{unit.number(low)} to {unit.text(high)} in {plural(found.measured.runs, 'run')}"
    return (
        f"{spread}; per node: error {UNKNOWN if error is None else share(error, 1)}, "
        f"rank correlation {UNKNOWN if rank is None else f'{rank:.2f}'}"
    )


def _largest_miss(found: Validation) -> list[Caution]:
    """The node that is predicted worst, where any is predicted."""
    worst = next(iter(largest_misses(found.nodes)), None)
    if worst is None or worst.predicted_s is None:
        return []
    operator = executed_operator(worst.domain, worst.op_type)
    times = f"{show(worst.measured_s, 'seconds')}, predicted {show(worst.predicted_s, 'seconds')}"
    name = elide(clean(worst.executed), _NAME)
    return [Caution(Text(f"largest miss: {name} ({operator}), {times}", "dim"))]
