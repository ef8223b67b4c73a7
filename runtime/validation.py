"""Predicted against measured: a profile's times joined with costs, and given to the originals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..costmodel import GraphCost, NodeCost
from ..costmodel.kinds import Kind
from ..costmodel.result import Bound, ShapeQuality
from .accuracy import Accuracy, accuracy
from .attribution import Attribution, Executed
from .covers import INSERTED, Status
from .fates import Fate
from .profile import NodeTime, Profile
from .timing import Timing

_ELSEWHERE = "not in the estimate, which takes another branch to run"


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """An executed node: its time as measured, and as the cost model has it.

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
    kind: Kind | None = None
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


@dataclass(frozen=True, slots=True)
class OriginalTime:
    """An original node and the time that is spent on it.

    ``measured_s`` is None of a ``missing`` one, and 0 where nothing was executed for it. With
    ``apportioned`` it is a share of what executed nodes took for several originals together.
    """

    name: str
    status: Fate
    measured_s: float | None
    apportioned: bool = False


@dataclass(frozen=True, slots=True)
class Boundary:
    """What was inserted between some originals: the maker of a tensor, and its readers."""

    status: Status
    originals: tuple[str, ...]
    nodes: tuple[str, ...]
    measured_s: float


@dataclass(frozen=True)
class Validation:
    """Predicted against measured, node by node.

    The times of ``originals`` and those ``unplaced`` add up to the nodes'.

    Parameters
    ----------
    nodes
        Those that were executed, in order.
    originals
        All of them, in order.
    boundaries
        That ``layout`` and ``const`` nodes stand at; their time is among the unplaced.
    unplaced
        Seconds by the status of the executed nodes that do the work of no original.
    measured
        The latency of the model.
    idle
        Nodes that the estimate takes to run and that didn't: those of another branch.
    accuracy
        Statistics of the nodes whose time is predicted.
    """

    nodes: tuple[NodeCheck, ...]
    originals: tuple[OriginalTime, ...]
    boundaries: tuple[Boundary, ...]
    unplaced: Mapping[Status, float]
    measured: Timing
    idle: tuple[str, ...]
    accuracy: Accuracy

    @property
    def sum_s(self) -> float:
        """Of the nodes' measured times."""
        return math.fsum(node.measured_s for node in self.nodes)

    @property
    def adds_up(self) -> bool:
        """Whether the nodes' times add up to the latency, within its interval."""
        slack = 1e-9 * self.measured.latency_s  # rounding
        return self.measured.low_s - slack <= self.sum_s <= self.measured.high_s + slack

    @property
    def unpredicted(self) -> tuple[NodeCheck, ...]:
        """Nodes whose time is not predicted: they are in no predicted sum."""
        return tuple(node for node in self.nodes if node.predicted_s is None)

    @property
    def predicted_s(self) -> float | None:
        """The sum over the nodes whose time is predicted."""
        return _total(node.predicted_s for node in self.nodes)

    @property
    def predicted_low_s(self) -> float | None:
        """As ``predicted_s``, of the low ends."""
        return _total(node.predicted_low_s for node in self.nodes)

    @property
    def predicted_high_s(self) -> float | None:
        """As ``predicted_s``, of the high ends; None unless every predicted node has one."""
        predicted = [node for node in self.nodes if node.predicted_s is not None]
        if any(node.predicted_high_s is None for node in predicted):
            return None
        return _total(node.predicted_high_s for node in predicted)

    @property
    def mapped(self) -> int:
        """Executed nodes that are mapped, or named a reason why there is nothing to map to."""
        return sum(node.status != "unmapped" for node in self.nodes)

    @property
    def time_mapped_fraction(self) -> float | None:
        """The share of the time that is spent in them."""
        return _share(self.sum_s - self.unplaced.get("unmapped", 0.0), self.sum_s)

    @property
    def originals_covered_fraction(self) -> float | None:
        """The share of the originals of which it is known what became of them."""
        known = sum(node.status != "missing" for node in self.originals)
        return _share(known, len(self.originals))

    @property
    def time_by_status(self) -> Mapping[Status, float]:
        """Seconds of the nodes by their status."""
        return _time_by_status(self.nodes)


def validate(
    profile: Profile, attribution: Attribution, executed: GraphCost, written: GraphCost
) -> Validation:
    """Join what was measured with what was predicted.

    A node that does the work of several originals has its time apportioned to them by what each
    is predicted to take as written, evenly where that is not known of all.

    Parameters
    ----------
    profile
        The times of the nodes that were executed.
    attribution
        Of the graph that was profiled to the original.
    executed
        What the graph that was profiled costs.
    written
        What the original costs.
    """
    costs = {cost.name: cost for cost in executed.nodes}
    domains = {scope.path(node): node.domain for scope, node in profile.optimized.walk()}
    covers = {node.name: node for node in attribution.executed}
    nodes = tuple(
        _check(time, domains[time.name], covers[time.name], costs.get(time.name))
        for time in profile.nodes
    )
    ran = {node.executed for node in nodes}
    return Validation(
        nodes,
        _originals(nodes, attribution, written),
        _boundaries(nodes),
        _time_by_status(node for node in nodes if not node.placed),
        profile.latency,
        tuple(cost.name for cost in executed.nodes if cost.latency_s and cost.name not in ran),
        accuracy([(n.measured_s, n.predicted_s) for n in nodes if n.predicted_s is not None]),
    )


def _check(time: NodeTime, domain: str, cover: Executed, cost: NodeCost | None) -> NodeCheck:
    basis = (time.name, time.op_type, domain, cover.originals, cover.status, time.seconds)
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


def _originals(
    nodes: Iterable[NodeCheck], attribution: Attribution, written: GraphCost
) -> tuple[OriginalTime, ...]:
    """The originals with the time of the nodes that do their work."""
    weights = {cost.name: cost.latency_s for cost in written.nodes}
    parts: dict[str, list[float]] = {name: [] for name in attribution.originals}
    apportioned: set[str] = set()
    for node in nodes:
        if not node.placed:
            continue
        shares = _shares([weights.get(name) for name in node.originals])
        for name, share in zip(node.originals, shares, strict=True):
            parts[name].append(share * node.measured_s)
        if len(node.originals) > 1:
            apportioned.update(node.originals)
    return tuple(
        OriginalTime(
            name,
            fate,
            None if fate == "missing" else math.fsum(parts[name]),
            name in apportioned,
        )
        for name, fate in attribution.originals.items()
    )


def _shares(weights: Sequence[float | None]) -> list[float]:
    """Parts of 1 by weight; equal ones where not all weights are known, or all are 0."""
    known = [weight for weight in weights if weight is not None]
    whole = math.fsum(known)
    if len(known) < len(weights) or not whole:
        return [1 / len(weights)] * len(weights)
    return [weight / whole for weight in known]


def _boundaries(nodes: Iterable[NodeCheck]) -> tuple[Boundary, ...]:
    """What was inserted, by the originals that it stands between."""
    found: dict[tuple[Status, tuple[str, ...]], list[NodeCheck]] = defaultdict(list)
    for node in nodes:
        if node.status in INSERTED:
            found[node.status, node.originals].append(node)
    return tuple(
        Boundary(
            status,
            originals,
            tuple(node.executed for node in inserted),
            math.fsum(node.measured_s for node in inserted),
        )
        for (status, originals), inserted in found.items()
    )


def _time_by_status(nodes: Iterable[NodeCheck]) -> dict[Status, float]:
    found: dict[Status, list[float]] = defaultdict(list)
    for node in nodes:
        found[node.status].append(node.measured_s)
    return {status: math.fsum(times) for status, times in found.items()}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None
