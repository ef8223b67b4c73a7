"""The figures of a graph: how they are grouped, what they are called, their quantity."""

from __future__ import annotations

from typing import NamedTuple

from ..costmodel.result import Totals
from .numbers import Quantity


class Figure(NamedTuple):
    """A field of ``Totals`` as reports show it.

    ``optional`` ones are shown only where they say something: what padding adds where anything
    is padded, the high end of the latency where an estimator gives one.
    """

    group: str
    field: str
    label: str
    quantity: Quantity
    optional: bool = False

    def of(self, totals: Totals) -> float | None:
        """The figure's value."""
        value: float | None = getattr(totals, self.field)
        return value


FIGURES = (
    Figure("computation", "macs", "MACs", "count"),
    Figure("computation", "flops", "FLOPs", "count"),
    Figure("computation", "padded_flops", "FLOPs on padding", "count", optional=True),
    Figure("computation", "params", "parameters", "count"),
    Figure("bytes", "param_bytes", "constants", "bytes"),
    Figure("bytes", "file_bytes", "file", "bytes"),
    Figure("bytes", "read_bytes", "read", "bytes"),
    Figure("bytes", "write_bytes", "written", "bytes"),
    Figure("bytes", "traffic_bytes", "traffic", "bytes"),
    Figure("bytes", "padded_bytes", "traffic of padding", "bytes", optional=True),
    Figure("bytes", "compulsory_bytes", "compulsory traffic", "bytes"),
    Figure("activations", "peak_bytes", "alive at the peak", "bytes"),
    Figure("activations", "mean_activation_bytes", "alive on average", "bytes"),
    Figure("activations", "total_activation_bytes", "all together", "bytes"),
    Figure("intensity", "intensity", "FLOP per byte", "ratio"),
    Figure("latency", "latency_s", "estimate", "seconds"),
    Figure("latency", "latency_low_s", "low end", "seconds"),
    Figure("latency", "latency_high_s", "high end", "seconds", optional=True),
)


def shown(*graphs: Totals) -> list[Figure]:
    """The figures that are worth a row for these graphs."""
    return [f for f in FIGURES if not f.optional or any(f.of(totals) for totals in graphs)]
