"""What executed nodes are predicted to take where only their originals are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ...costmodel import GraphCost, NodeCost
from ...costmodel.totals import coverage
from ..profiles import Imported

_QUALITIES = ("exact", "assumed", "bound")
_FIGURES = (
    *("macs", "flops", "padded_flops", "read_bytes", "write_bytes", "weight_bytes"),
    "padded_bytes",
)
_TIMES = ("latency_s", "latency_low_s", "latency_high_s")


def covered_cost(imported: Imported, written: GraphCost) -> GraphCost:
    """The costs of executed nodes as the sums of their originals', as written.

    For a profile without the graph that was executed: with it, cost that graph. An original that
    several nodes share counts for the one that takes longest; the others are not known.

    Parameters
    ----------
    imported
        The profile.
    written
        What the original costs. Its totals stay.
    """
    costs = {cost.name: cost for cost in written.nodes}
    seconds = {node.name: node.seconds for node in imported.profile.nodes}
    longest: dict[str, str] = {}
    for node in imported.attribution.executed:
        for name in node.originals:
            best = longest.setdefault(name, node.name)
            if seconds[node.name] > seconds[best]:
                longest[name] = node.name
    nodes = []
    for node in imported.attribution.executed:
        own = [costs[n] for n in node.originals if longest[n] == node.name and n in costs]
        reason = imported.reasons.get(node.name, "")
        if not own and not reason:
            reason = "its originals' cost is with another node that shares them"
        nodes.append(_sum(node.name, node.op_type, node.originals, own, reason))
    return replace(written, nodes=tuple(nodes), coverage=coverage(nodes), notes=())


def _sum(
    name: str, op_type: str, originals: tuple[str, ...], parts: Sequence[NodeCost], reason: str
) -> NodeCost:
    reason = next((part.reason for part in parts if part.reason), reason)
    largest = max(parts, key=lambda part: part.latency_s or 0, default=None)
    figures: dict[str, Any] = {
        f: _total([getattr(p, f) for p in parts]) for f in (*_FIGURES, *_TIMES)
    }
    return NodeCost(
        name=name,
        op_type=op_type,
        domain="",
        kind=largest.kind if largest else None,
        shape=max((p.shape for p in parts), key=_QUALITIES.index, default="exact"),
        dtype=largest.dtype if largest else None,
        reason=reason,
        bound=largest.bound if largest else None,
        estimator=largest.estimator if largest else None,
        originals=originals,
        **figures,
    )


def _total(values: Iterable[float | None]) -> float | None:
    """None where one is not known, or where there is none."""
    known = list(values)
    return sum(v for v in known if v is not None) if known and None not in known else None
