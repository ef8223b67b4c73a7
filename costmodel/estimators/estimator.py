"""What every estimator answers: the time of a node, and of a run of the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from ..cost import Costed
from ..result import NodeCost


class Latency(NamedTuple):
    """Seconds of a run; an end of its interval that is not known is None."""

    seconds: float | None
    low: float | None
    high: float | None


class Estimator(Protocol):
    """One function from a costed node to its time, and one from all nodes to that of a run."""

    def __call__(self, costed: Costed) -> NodeCost:
        """The node with bound, efficiency, latency and the name of the estimator.

        A node that is not costed keeps unknown times.
        """

    def whole(self, nodes: Sequence[NodeCost]) -> Latency:
        """A run of a model of these nodes."""


class Summed(NamedTuple):
    """Estimates nodes one by one, and a run by the sum of its nodes, ends of intervals too."""

    node: Callable[[Costed], NodeCost]

    def __call__(self, costed: Costed) -> NodeCost:
        """The node with its time."""
        return self.node(costed)

    def whole(self, nodes: Sequence[NodeCost]) -> Latency:
        """The sum of what is known."""
        return Latency(
            *(
                total(getattr(node, figure) for node in nodes)
                for figure in ("latency_s", "latency_low_s", "latency_high_s")
            )
        )


def total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known, None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
