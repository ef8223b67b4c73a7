"""An executed node: what it took, and what it was predicted to."""

from __future__ import annotations

from dataclasses import dataclass

from ...costmodel import NodeCost
from ...costmodel.kinds import KernelKind
from ...costmodel.result import Bound, ShapeQuality
from ...lineage.lineage import Executed, Status
from ..profiles import NodeTime

_ELSEWHERE = "not in the estimate, which takes another branch to run"


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """An executed node: its time as measured, and as the cost model has it.

    ``executed`` is its name in the graph that was saved, or its path where that has no such name.
    ``originals`` and ``status`` are those of ``attribution.Executed``; ``reason`` says why a time
    is not predicted.
    """

    executed: str
    op_type: str
    domain: str
    originals: tuple[str, ...]
    status: Status
    measured_s: float
    predicted_s: float | None
    predicted_low_s: float | None = None
    predicted_high_s: float | None = None
    bound: Bound | None = None
    kind: KernelKind | None = None
    shape: ShapeQuality = "exact"
    reason: str = ""

    @property
    def placed(self) -> bool:
        """Whether its time is that of originals."""
        return self.status in ("exact", "group") and bool(self.originals)

    @property
    def miss_s(self) -> float | None:
        """Predicted less measured."""
        return None if self.predicted_s is None else self.predicted_s - self.measured_s


def checked(
    time: NodeTime, name: str, domain: str, cover: Executed, cost: NodeCost | None
) -> NodeCheck:
    """A node's time next to its cost; None where that takes another branch to run."""
    basis = (name, time.op_type, domain, cover.originals, cover.status, time.seconds)
    if cost is None:
        return NodeCheck(*basis, predicted_s=None, reason=_ELSEWHERE)
    return NodeCheck(
        *basis,
        predicted_s=cost.latency_s,
        predicted_low_s=cost.latency_low_s,
        predicted_high_s=cost.latency_high_s,
        bound=cost.bound,
        kind=cost.kind,
        shape=cost.shape,
        reason=cost.reason,
    )
