"""What comparing two graphs answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..costmodel.device import Device
from ..costmodel.result import GraphCost, NodeCost, Totals
from ..runtime.equivalence import Equivalence

How = Literal["name", "tensor", "dataflow"]


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
class Diff:
    """Two costed graphs at one level, on one device.

    ``made_by`` says what made the second from the first where the user gave only one
    (``onnxsim 0.8.1``); "" where both were given.
    """

    before: GraphCost
    after: GraphCost
    delta: Totals  # after - before, figure by figure; None where either is not known
    device: Device
    pairs: tuple[NodePair, ...]
    op_types: tuple[OpTypeChange, ...]
    made_by: str = ""
    equivalence: Equivalence | None = None  # None where it was not asked for
