"""What comparing two graphs answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ..costmodel.device import Device
from ..costmodel.result import GraphCost, Level, NodeCost, Totals
from ..ledger.entries import LedgerEntry
from ..ledger.executed import Ledger
from ..ledger.ran import Ran
from ..ledger.standing import Standing
from ..passes.lowering.near import NearMiss
from ..runtime.equality.result import Equivalence
from ..runtime.timing.comparison import Comparison
from .match import How
from .regions import Regions
from .verdict import Conclusion

Number = TypeVar("Number", int, float)


class Pair(NamedTuple):
    """Both graphs at one level."""

    before: GraphCost
    after: GraphCost

    @property
    def delta(self) -> Totals:
        """After minus before, figure by figure; None where either is not known."""
        old, new = self.before.totals, self.after.totals
        return Totals(**{n: _minus(getattr(new, n), getattr(old, n)) for n in Totals.names()})

    @property
    def whole(self) -> bool:
        """Whether the sums leave no node out."""
        return not (self.before.coverage.unknown or self.after.coverage.unknown)


def _minus(after: Number | None, before: Number | None) -> Number | None:
    return None if after is None or before is None else after - before


@dataclass(frozen=True, slots=True)
class NodePair:
    """A node before and what it became; None on a side where it is not there."""

    before: NodeCost | None
    after: NodeCost | None
    how: How | None = None  # what the match rests on

    @property
    def name(self) -> str:
        """The name to show: that of before, where it was there."""
        side = self.before or self.after
        assert side is not None
        return side.name

    @property
    def op_type(self) -> str:
        """The operator type, or ``Old -> New`` where it changed."""
        if self.before is not None and self.after is not None:
            if self.before.op_type != self.after.op_type:
                return f"{self.before.op_type} -> {self.after.op_type}"
            return self.before.op_type
        side = self.before or self.after
        assert side is not None
        return side.op_type


@dataclass(frozen=True, slots=True)
class OpTypeChange:
    """All nodes of one operator type on both sides; a figure no node has is None."""

    op_type: str  # domain-qualified where the domain is not the default
    count: tuple[int, int]
    flops: tuple[int | None, int | None]
    traffic_bytes: tuple[int | None, int | None]
    latency_s: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured change.

    Parameters
    ----------
    comparison
        Whether the graph after is faster; a is the one before.
    regions
        Where they differ, in what time; None without a profile.
    predicted_ratio
        Latency after / before as executed, or as written where that is not known; None where
        neither is.
    conclusion
        Whether the saving is real.
    notes
        What is left out, and why.
    ran
        What the runtime executed of both, profiled; None without a profile.
    """

    comparison: Comparison
    regions: Regions | None
    predicted_ratio: float | None
    conclusion: Conclusion
    notes: tuple[str, ...] = ()
    ran: tuple[Ran, Ran] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Diff:
    """Two graphs costed on one device, and maybe measured.

    Parameters
    ----------
    levels
        Both graphs at ``written``; at ``executed`` where there are rules for the device's runtime;
        at ``executed_runtime`` where they were measured on the device itself.
    device
        Whose estimates the latencies are.
    pairs, op_types
        What became of each node, and of all nodes of an operator, as written.
    made_by
        What made the second from the first where the user gave only one
        (``ocost with onnxsim 0.8.1``); "" where both were given.
    equivalence, measured
        None where that was not asked for.
    ledger
        The rewrites that made the second; empty where both were given.
    standing
        On what they stand; None where both were given.
    folded
        By operator type: nodes that the second graph does without and that the runtime would not
        have executed in the first one either.
    ran, declined
        What is executed of both by rules, and what the runtime nearly rewrites in the second.
    """

    levels: Mapping[Level, Pair]
    device: Device
    pairs: tuple[NodePair, ...]
    op_types: tuple[OpTypeChange, ...]
    made_by: str = ""
    equivalence: Equivalence | None = None
    measured: Measured | None = None
    ledger: Ledger = field(default_factory=Ledger)
    standing: Standing | None = None
    folded: Mapping[str, int] = field(default_factory=dict)
    ran: tuple[Ran, Ran] | None = field(default=None, repr=False, compare=False)
    declined: tuple[NearMiss, ...] = field(default=(), repr=False, compare=False)

    @property
    def rewrites(self) -> tuple[LedgerEntry, ...]:
        """The entries of the ledger."""
        return self.ledger.entries

    @property
    def before(self) -> GraphCost:
        """The first graph as written."""
        return self.levels["written"].before

    @property
    def after(self) -> GraphCost:
        """The second graph as written."""
        return self.levels["written"].after
