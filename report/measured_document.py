"""The parts of a diff's JSON document that measuring adds."""

from __future__ import annotations

from collections import Counter

from ..compare.regions import ChangedRegion, Spent
from ..compare.result import Diff, Measured, Pair
from ..costmodel.result import GraphCost
from ..runtime.timing.stopwatch import Timing
from . import blocks
from .blocks import Document, fields

_COMPARISON = ("interval_level", "noise_floor", "smallest_detectable")
_EFFORT = ("noisy", "wall_over_cpu", "blocks", "rounds", "openings")


def levels(diff: Diff) -> Document:
    """All levels of a diff, and how far the rules of ``executed`` agree with the runtime itself."""
    found: Document = {level: _level(pair) for level, pair in diff.levels.items()}
    measured = diff.measured
    if measured is None:
        return found
    if "executed_runtime" in found:
        found["executed_runtime"]["agreement"] = _agreement(diff)
    comparison = measured.comparison
    found["measured"] = {
        "before": _timing(comparison.a),
        "after": _timing(comparison.b),
        "ratio": comparison.ratio,
        "ratio_low": comparison.low,
        "ratio_high": comparison.high,
        **fields(comparison, _COMPARISON),
        "predicted_ratio": measured.predicted_ratio,
        "verdict": comparison.verdict,
        "conclusion": fields(measured.conclusion, ("kind", "sentence")),
        **fields(comparison, _EFFORT),
    }
    return found


def regions(measured: Measured | None) -> Document | None:
    """Where the executed graphs differ; null where that is not known."""
    if measured is None or measured.regions is None:
        return None
    return {
        "changed": [_region(region) for region in measured.regions.changed],
        "unchanged": _spent(measured.regions.unchanged),
    }


def _level(pair: Pair) -> Document:
    return {
        "before": blocks.totals(pair.before.totals),
        "after": blocks.totals(pair.after.totals),
        "delta": blocks.totals(pair.delta),
    }


def _agreement(diff: Diff) -> Document:
    """The share of the nodes that the runtime executes which the rules have too, by side."""
    runtime, rules = diff.levels["executed_runtime"], diff.levels.get("executed")
    if rules is None:
        return {"before": None, "after": None}
    return {
        "before": _alike(rules.before, runtime.before),
        "after": _alike(rules.after, runtime.after),
    }


def _alike(rules: GraphCost, runtime: GraphCost) -> float | None:
    """Nodes of the same operator that cover the same originals."""
    said, ran = (
        Counter((n.domain, n.op_type, frozenset(n.originals)) for n in cost.nodes)
        for cost in (rules, runtime)
    )
    return sum((said & ran).values()) / ran.total() if ran else None


def _timing(timing: Timing) -> Document:
    return fields(timing, ("latency_s", "low_s", "high_s", "runs"))


def _region(region: ChangedRegion) -> Document:
    before, after = region.operators
    return {
        "count": region.count,
        "operators": {"before": dict(before), "after": dict(after)},
        **_spent(region.spent),
        "below_noise": region.below_noise,
    }


def _spent(spent: Spent) -> Document:
    before, after = spent.nodes
    return {
        "nodes": {"before": list(before), "after": list(after)},
        "predicted_s": list(spent.predicted_s),
        "measured_s": list(spent.measured_s),
    }
