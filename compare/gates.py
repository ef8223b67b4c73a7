"""Gates: limits on what a change may cost, for a CI to fail on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..costmodel.result import Totals
from ..graph import OcostError
from ..runtime.equality.result import Equivalence
from .result import Diff

WRITTEN, EXECUTED, MEASURED, OUTPUTS = "written", "executed", "measured", "outputs"
_SPEC = re.compile(
    r"(?:(?P<level>\w+)\.)?(?P<metric>\w+):(?P<number>[+-]?\d+(?:\.\d+)?)(?P<unit>\S*)"
)
_COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_UNITS = {  # by the end of a figure's name
    "_bytes": {"B": 1.0, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30},
    "_s": {"s": 1.0, "ms": 1e-3, "us": 1e-6},
}
# Figures of the file, which need no node costed.
_OF_FILES = frozenset({"param_bytes", "file_bytes"})
_SHORT = {"latency": "latency_s", "peak": "peak_bytes", "traffic": "traffic_bytes"}


# How alike outputs have to be: the figure of an output, and whether the limit is the least of it.
_LIKENESS = {
    "cosine": True,
    "snr_db": True,
    "top1": True,
    "max_abs": False,
    "max_rel": False,
}
_SIMILAR = frozenset({"cosine", "snr_db", "top1"})
_MAYBE = frozenset({"top1"})  # not defined of every output
_LIKENESS_SPEC = re.compile(r"outputs\.(?P<metric>\w+):(?P<number>[+-]?\d+(?:\.\d+)?(?:e-?\d+)?)")


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit on the change of a figure: after - before, or that over before in percent.

    ``unit`` is the one that the user wrote, ``scale`` how much it is. Of likeness (``outputs.``)
    the limit may be the least that is wanted.
    """

    level: str
    metric: str
    limit: float
    unit: str
    scale: float
    text: str  # the limit as the user wrote it
    spec: str  # the whole gate as the user wrote it

    @property
    def at_least(self) -> bool:
        """Whether the figure may not be below the limit."""
        return self.level == OUTPUTS and _LIKENESS[self.metric]

    @property
    def percent(self) -> bool:
        """Whether the limit is a share of the figure before."""
        return self.unit == "%"


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate held against a diff. ``actual`` is None where the figure is not known: it fails.

    So does one about models that were to be compared and were not (``uncompared``).
    """

    gate: Gate
    actual: float | None
    uncompared: bool = False

    def __str__(self) -> str:
        """One line: the gate, the limit, the actual."""
        gate = self.gate
        actual = "actual not known"
        if self.actual is not None:
            most = "up to" if gate.level == MEASURED else "actual"
            sign = "" if gate.level == OUTPUTS else "+"
            actual = f"{most} {self.actual / gate.scale:{sign}.4g} {gate.unit}".rstrip()
        if self.uncompared:
            actual += "; the outputs could not be compared"
        return f"{gate.level}.{gate.metric}: limit {gate.text}, {actual}"

    def document(self) -> dict[str, object]:
        """As the JSON contract has it; an infinite percentage is null."""
        known = self.actual is not None and math.isfinite(self.actual)
        return {
            "metric": self.gate.metric,
            "level": self.gate.level,
            "limit": self.gate.limit,
            "percent": self.gate.percent,
            "actual": self.actual if known else None,
            "ok": self.ok,
        }

    @property
    def ok(self) -> bool:
        """Whether the change is within the limit."""
        if self.actual is None or self.uncompared:
            return False
        if self.gate.at_least:
            return self.actual >= self.gate.limit
        return self.actual <= self.gate.limit


@dataclass(frozen=True, slots=True)
class Sides:
    """The figures of a level, before and after; not ``whole`` if their sums leave nodes out."""

    before: Totals
    after: Totals
    whole: bool = True


def parse(spec: str, *, measured: bool = False) -> Gate:
    """A gate as a user writes it: ``written.flops:0%``, ``peak_bytes:8MiB``, ``latency:-5%``.

    Parameters
    ----------
    spec
        Without a level it is about what is executed, and latency about what is measured.
    measured
        Whether anything is.

    Raises
    ------
    OcostError
        If it can't be read or names no figure.
    """
    if spec.startswith(f"{OUTPUTS}."):
        return _likeness(spec)
    found = _SPEC.fullmatch(spec)
    if found is None:
        raise OcostError(
            f"--fail-on {spec}: write it as level.figure:limit, as in written.latency:5%"
        )
    metric = _SHORT.get(found["metric"], found["metric"])
    if metric not in Totals.names():
        known = ", ".join(Totals.names())
        raise OcostError(f"--fail-on {spec}: no figure '{found['metric']}'; there are {known}")
    unit = found["unit"]
    own = next((units for end, units in _UNITS.items() if metric.endswith(end)), _COUNTS)
    scales = {"%": 1.0, **own}
    if unit not in scales:
        wrong = f"'{unit}' is no unit of {metric}" if unit else "give the limit a unit"
        raise OcostError(f"--fail-on {spec}: {wrong}: {', '.join(filter(None, scales))}")
    limit, text = float(found["number"]) * scales[unit], found["number"] + unit
    level = found["level"] or (MEASURED if measured and metric == "latency_s" else EXECUTED)
    if level == MEASURED and metric != "latency_s":
        rest = spec.removeprefix(f"{MEASURED}.")
        raise OcostError(f"--fail-on {spec}: only latency is measured; write {EXECUTED}.{rest}")
    return Gate(level, metric, limit, unit, scales[unit], text, spec)


def _likeness(spec: str) -> Gate:
    found = _LIKENESS_SPEC.fullmatch(spec)
    if found is None or found["metric"] not in _LIKENESS:
        known = ", ".join(_LIKENESS)
        raise OcostError(
            f"--fail-on {spec}: of outputs there are {known}; write outputs.cosine:0.99"
        )
    limit = float(found["number"])
    return Gate(OUTPUTS, found["metric"], limit, "", 1.0, found["number"], spec)


def require(gates: Iterable[Gate], *, measured: bool = False) -> None:
    """Refuse gates at levels that a diff will not have, before it is made.

    Raises
    ------
    OcostError
        If there is one.
    """
    levels = (WRITTEN, EXECUTED, MEASURED) if measured else (WRITTEN, EXECUTED)
    for gate in gates:
        if gate.level not in (*levels, OUTPUTS):
            rest = gate.spec.removeprefix(f"{gate.level}.")
            there = " or ".join(f"{level}.{rest}" for level in levels)
            raise OcostError(
                f"--fail-on {gate.spec}: this diff has no level '{gate.level}'; write {there}"
            )


def levels(diff: Diff) -> Mapping[str, Sides]:
    """The levels of a diff that a gate can be about.

    After is the most that the measured interval allows for: a gate only passes where it can be
    sure.
    """
    found: dict[str, Sides] = {
        name: Sides(pair.before.totals, pair.after.totals, pair.whole)
        for name, pair in diff.levels.items()
    }
    if diff.measured is not None:
        comparison = diff.measured.comparison
        before_s = comparison.a.latency_s
        found[MEASURED] = Sides(_latency(before_s), _latency(before_s * comparison.high))
    return found


def _latency(seconds: float) -> Totals:
    return Totals(**dict.fromkeys(Totals.names()))._replace(latency_s=seconds)


def verdicts(gates: Iterable[Gate], diff: Diff, *, allow_uncompared: bool) -> list[GateResult]:
    """Hold every gate against a diff.

    Where outputs were to be compared and could not be, nothing is known of what was saved: every
    gate fails then, unless that is allowed.
    """
    found = diff.equivalence
    known = levels(diff)
    made = [outputs(g, found) if g.level == OUTPUTS else check(g, known) for g in gates]
    if found is None or found.ok is not None or allow_uncompared:
        return made
    return [replace(verdict, uncompared=True) for verdict in made]


def outputs_pass(gates: Iterable[Gate], diff: Diff, *, allow_uncompared: bool) -> bool:
    """Whether outputs are equal, as far as they were to be compared.

    Gates about outputs decide instead of equality, where there are some.
    """
    found = diff.equivalence
    if found is None or any(gate.level == OUTPUTS for gate in gates):
        return True
    return found.ok is True or (found.ok is None and allow_uncompared)


def outputs(gate: Gate, found: Equivalence | None) -> GateResult:
    """Hold a gate about outputs against the worst of them; one that is not known fails it."""
    known = [
        getattr(check.similarity if gate.metric in _SIMILAR else check, gate.metric, None)
        for check in (() if found is None else found.outputs)
    ]
    figures = [figure for figure in known if figure is not None]
    if not figures or (None in known and gate.metric not in _MAYBE):
        return GateResult(gate, None)
    return GateResult(gate, min(figures) if gate.at_least else max(figures))


def check(gate: Gate, levels: Mapping[str, Sides]) -> GateResult:
    """Hold a gate against before and after at its level.

    The figure is not known where the level is not there, nor a sum over nodes of which some are
    not costed.
    """
    level = levels.get(gate.level)
    if level is None or not (level.whole or gate.metric in _OF_FILES):
        return GateResult(gate, None)
    before, after = (getattr(totals, gate.metric) for totals in (level.before, level.after))
    if before is None or after is None:
        return GateResult(gate, None)
    change = float(after - before)
    if not gate.percent:
        return GateResult(gate, change)
    if before:
        return GateResult(gate, 100.0 * change / before)
    return GateResult(gate, 0.0 if not change else float("inf") if change > 0 else float("-inf"))
