"""What comes first in a report: operator types and nodes by latency, pairs by its change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..costmodel.result import NodeCost
from .footing import Footing, of_nodes
from .numbers import total

if TYPE_CHECKING:  # no cost needs what makes them
    from ..compare.result import Diff, NodePair, OpTypeChange


@dataclass(frozen=True, slots=True)
class OpTypeCost:
    """All nodes of one operator type; a figure that none of them has is None."""

    op_type: str  # domain-qualified where the domain is not the default
    count: int
    flops: int | None
    traffic_bytes: int | None
    latency_s: float | None
    footing: Footing


def op_type_of(node: NodeCost) -> str:
    """The operator type, domain-qualified where the domain is not the default."""
    return f"{node.domain}::{node.op_type}" if node.domain else node.op_type


def by_op_type(nodes: Iterable[NodeCost]) -> list[OpTypeCost]:
    """Costs by operator type, the slowest first and unknown ones last."""
    groups: dict[str, list[NodeCost]] = {}
    for node in nodes:
        groups.setdefault(op_type_of(node), []).append(node)
    costs = [together(op_type, group) for op_type, group in groups.items()]
    return sorted(costs, key=lambda c: (_slowest(c.latency_s), c.op_type))


def together(label: str, nodes: Sequence[NodeCost]) -> OpTypeCost:
    """The sums over some nodes."""
    return OpTypeCost(
        label,
        len(nodes),
        total(n.flops for n in nodes),
        total(n.traffic_bytes for n in nodes),
        total(n.latency_s for n in nodes),
        of_nodes(nodes),
    )


def slowest(nodes: Iterable[NodeCost]) -> list[NodeCost]:
    """The slowest nodes first, equal ones in their order and unknown ones last."""
    return sorted(nodes, key=lambda node: _slowest(node.latency_s))


def _slowest(latency_s: float | None) -> float:
    return 1.0 if latency_s is None else -latency_s


def changed(pair: NodePair) -> bool:
    """Whether a node came, went, or costs something else than before."""
    before, after = pair.before, pair.after
    if before is None or after is None:
        return True
    figures = ("op_type", "domain", "flops", "read_bytes", "write_bytes", "latency_s")
    return any(getattr(before, f) != getattr(after, f) for f in figures)


def latencies(pair: NodePair) -> tuple[float | None, float | None]:
    """Latency before and after; 0 on a side where the node is not there."""
    return (
        0.0 if pair.before is None else pair.before.latency_s,
        0.0 if pair.after is None else pair.after.latency_s,
    )


def traffic(pair: NodePair) -> tuple[int | None, int | None]:
    """Traffic before and after; 0 on a side where the node is not there."""
    return (
        0 if pair.before is None else pair.before.traffic_bytes,
        0 if pair.after is None else pair.after.traffic_bytes,
    )


def movers(diff: Diff) -> list[NodePair]:
    """The pairs that changed, the largest change of latency first and unknown ones last."""

    def rank(pair: NodePair) -> float:
        before, after = latencies(pair)
        return 1.0 if before is None or after is None else -abs(after - before)

    return sorted(filter(changed, diff.pairs), key=rank)


def op_types_that_changed(diff: Diff) -> list[OpTypeChange]:
    """The most changed latency first, then the largest; what takes no time comes last."""

    def rank(change: OpTypeChange) -> tuple[float, float, str]:
        before, after = (seconds or 0.0 for seconds in change.latency_s)
        return -abs(after - before), -max(before, after), change.op_type

    return sorted(diff.op_types, key=rank)
