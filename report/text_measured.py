"""What measuring adds to a diff's text: the change at every level, what is real, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from ..compare.regions import ChangedRegion, Operators, Regions
from ..compare.result import Diff, Measured, Pair
from ..compare.verdict import Outcome
from ..costmodel.result import Level
from ..runtime.timing.comparison import Comparison
from .change import FigureChange, Sides, plain
from .figures import FIGURES
from .footing import Footing
from .names import clean, executed_operator
from .numbers import Unit, percent_change, total, unit_of
from .table import OPERATOR, Column, Table
from .text import heading
from .text_changes import figure_change
from .text_common import plural
from .text_notices import at_work, folded

_STYLES: dict[Outcome, str] = {"real": "bold green", "slow-down": "bold red", "none": "bold"}
_SURE = Footing(), Footing()


def measured_parts(diff: Diff, top: int, *, verbose: bool = False) -> list[RenderableType]:
    """Levels, conclusion and regions, up to the heading of what is as written."""
    measured = diff.measured
    if measured is None:
        return []
    note = f"latency; written and executed: estimates on {at_work(diff.device)}"
    parts: list[RenderableType] = [
        heading("Levels", note),
        _levels(diff, measured),
        _conclusion(measured),
        *_circumstances(measured),
        Text(),
    ]
    if measured.regions is not None and top:
        parts += [*_regions(measured.regions, top, verbose=verbose), Text()]
    return [*parts, heading("As written")]


def headline_measured(diff: Diff) -> str:
    """What was measured, to go on with after what is estimated; "" where nothing was."""
    if diff.measured is None:
        return ""
    found = diff.measured.comparison
    if found.verdict == "no measurable difference":
        return f", {found.verdict}"
    return f", measured {percent_change(1, found.ratio)}"


def _conclusion(measured: Measured) -> Text:
    found = measured.conclusion
    style = None if measured.comparison.noisy else _STYLES.get(found.kind)
    return Text(found.sentence, style or "bold yellow")


# What the runtime itself executes stands below what the rules say.
_NAMES = {"executed_runtime": "  by runtime"}


def _levels(diff: Diff, measured: Measured) -> Table:
    comparison = measured.comparison
    levels = diff.levels
    latency, traffic = (_figure_changes(levels, field) for field in ("latency_s", "traffic_bytes"))
    taken = comparison.a.latency_s, comparison.b.latency_s
    unit = unit_of([*taken, *(value for change in latency for value in change.values)], "seconds")
    rows = [change._replace(unit=unit) for change in latency] + [plain(taken, _SURE, unit)]
    nodes = [f"{before.size} -> {after.size}" for before, after in levels.values()]
    blank = [""] * len(levels)
    return Table(
        [
            Column("level", [*(_NAMES.get(n, n) for n in levels), "measured"], right=False),
            Column("nodes", [*nodes, ""], drop=3),
            Column("traffic", [*(change.percent for change in traffic), ""], drop=2),
            Column("before", [c.before for c in rows], unit.name),
            Column("after", [c.after for c in rows], unit.name),
            Column("change", [*(c.percent for c in latency), measured_change(comparison)]),
            Column("", [*blank, interval(comparison)], right=False, drop=1),
        ]
    )


def _figure_changes(levels: Mapping[Level, Pair], field: str) -> list[FigureChange]:
    figure = next(f for f in FIGURES if f.field == field)
    return [figure_change(*sides, figure) for sides in levels.values()]


def measured_change(comparison: Comparison) -> Text:
    """The change of the measured latency; without a colour where it is within the noise."""
    style = {"faster": "green", "slower": "red"}.get(comparison.verdict, "dim")
    return Text(percent_change(1, comparison.ratio), style)


def interval(comparison: Comparison) -> str:
    """The interval of that change, and how certain it is."""
    low, high = (percent_change(1, value) for value in (comparison.low, comparison.high))
    return f"{low} to {high}, with {100 * comparison.interval_level:.0f} % certainty"


def _circumstances(measured: Measured) -> list[Text]:
    """What the measurement can tell, and what to mind."""
    found = measured.comparison
    floor, least = (
        f"{100 * value:.1f} %" for value in (found.noise_floor, found.smallest_detectable)
    )
    lines = [
        Text(
            f"The graph before differs from itself by {floor}; {least} is the least that this "
            f"measurement tells from none ({plural(found.rounds, 'round')} in "
            f"{plural(found.blocks, 'block')}).",
            "dim",
        )
    ]
    if found.noisy:
        busy = found.wall_over_cpu
        how = "" if busy is None else f": {busy:.2f} s went by for every second of computing"
        lines.append(
            Text(f"warning: the machine was busy{how}; measure again when it is idle", "yellow")
        )
    return [*lines, *folded(map(clean, measured.notes))]


def _regions(regions: Regions, top: int, *, verbose: bool) -> list[RenderableType]:
    """What changed in the executed graph, the change of the measured time largest first."""
    if not regions.changed:
        return [Text("The runtime executes the same nodes for both graphs.")]
    loud = [region for region in regions.changed if verbose or not region.below_noise]
    quiet = [region for region in regions.changed if region not in loud]
    listed = loud[:top]
    groups = {
        f"{len(loud[top:])} more": loud[top:],
        f"{plural(len(quiet), 'change')} below the noise (-v lists)": quiet,
    }
    sums = {name: _sums(group) for name, group in groups.items() if group}
    sums["unchanged"] = regions.unchanged.measured_s, regions.unchanged.predicted_s
    measured = [*(region.spent.measured_s for region in listed), *(m for m, _ in sums.values())]
    predicted = [*(region.spent.predicted_s for region in listed), *(p for _, p in sums.values())]
    unit = unit_of([value for sides in measured for value in sides], "seconds")
    changes = [plain(sides, _SURE, unit) for sides in measured]
    blank = [""] * len(sums)
    operators = [*(Text(_what(region)) for region in listed), *map(Text, sums)]
    table = Table(
        [
            Column("places", [*(str(region.count) for region in listed), *blank]),
            Column("executed operators", operators, right=False, elide=OPERATOR),
            Column("before", [c.before for c in changes], unit.name),
            Column("after", [c.after for c in changes], unit.name),
            Column("change", [c.step for c in changes], unit.name),
            Column("predicted", [_step(sides, unit) for sides in predicted], unit.name, drop=1),
        ],
        summary=len(sums) if listed else 0,
    )
    note = "as executed; measured by profile, next to the predicted change"
    return [heading("What changed", note), table]


def _sums(regions: Sequence[ChangedRegion]) -> tuple[Sides, Sides]:
    """Measured and predicted."""
    spent = [region.spent for region in regions]
    measured = (sum(s.measured_s[0] for s in spent), sum(s.measured_s[1] for s in spent))
    known = all(None not in s.predicted_s for s in spent)
    predicted = (total(s.predicted_s[0] for s in spent), total(s.predicted_s[1] for s in spent))
    return measured, predicted if known else (None, None)


def _step(sides: Sides, unit: Unit) -> Text:
    return Text(unit.change(*sides), "dim")


def _what(region: ChangedRegion) -> str:
    """``microsoft::FusedConv + nchwc::ReorderOutput -> nchwc::Conv``."""
    return " -> ".join(map(_operators, region.operators))


def _operators(operators: Operators) -> str:
    texts = []
    for qualified, count in operators:
        domain, _, op_type = qualified.rpartition("::")
        name = executed_operator(domain, op_type)
        texts.append(f"{count} {name}" if count > 1 else name)
    return " + ".join(texts) or "nothing"
