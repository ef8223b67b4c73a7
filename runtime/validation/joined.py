"""Predicted against measured: a profile's times joined with costs, and given to the originals."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...costmodel import GraphCost
from ...lineage.lineage import Lineage, Status
from ..profiles import Profile
from ..timing.stopwatch import Timing
from .accuracy import Accuracy, accuracy
from .apportioning import Boundary, OriginalTime, boundaries_of, original_times
from .checks import NodeCheck, checked


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
    profile: Profile, attribution: Lineage, executed: GraphCost, written: GraphCost
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
    executed_nodes = {scope.path(node): node for scope, node in profile.optimized.walk()}
    names = Counter(node.name for node in executed_nodes.values())
    covers = {node.name: node for node in attribution.executed}
    nodes = []
    for time in profile.nodes:
        node = executed_nodes[time.name]
        # In a body the name, given to keep it, is the original's path: one path is enough.
        name = node.name if node.name and names[node.name] == 1 else time.name
        nodes.append(checked(time, name, node.domain, covers[time.name], costs.get(time.name)))
    ran = {time.name for time in profile.nodes}
    return Validation(
        tuple(nodes),
        original_times(nodes, attribution, written),
        boundaries_of(nodes),
        _time_by_status(node for node in nodes if not node.placed),
        profile.latency,
        tuple(cost.name for cost in executed.nodes if cost.latency_s and cost.name not in ran),
        accuracy([(n.measured_s, n.predicted_s) for n in nodes if n.predicted_s is not None]),
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
