"""The figures of a graph: how they are grouped, what they are called, their quantity."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..costmodel.result import Totals
from .footing import ROUGH, Footing
from .numbers import Quantity


class Figure(NamedTuple):
    """A field of ``Totals`` as reports show it.

    ``optional`` ones are shown only where they say something: what padding adds where anything
    is padded, the high end of the latency where an estimator gives one. ``over`` is what it is
    made from: all nodes' costs, their constants alone, sizes of tensors, the ratio of two sums,
    or what is stored, which is always known exactly.
    """

    group: str
    field: str
    label: str
    quantity: Quantity
    over: Literal["nodes", "constants", "tensors", "sums", "stored"] = "nodes"
    optional: bool = False

    def of(self, totals: Totals) -> float | None:
        """The figure's value."""
        value: float | None = getattr(totals, self.field)
        return value

    def mark(self, footing: Footing) -> str:
        """What stands before it where the nodes that it is made from have such a footing."""
        match self.over:
            case "stored":
                return ""
            case "constants":
                return Footing(partial=footing.partial).mark
            case "tensors":  # not known at all unless all their sizes are
                return Footing(bounded=footing.bounded).mark
            case "sums":
                return ROUGH if footing.mark else ""
        return footing.mark


FIGURES = (
    Figure("computation", "macs", "MACs", "count"),
    Figure("computation", "flops", "FLOPs", "count"),
    Figure("computation", "padded_flops", "on padding", "count", optional=True),
    Figure("computation", "params", "parameters", "count", "constants"),
    Figure("bytes", "param_bytes", "constants", "bytes", "stored"),
    Figure("bytes", "file_bytes", "file", "bytes", "stored"),
    Figure("bytes", "read_bytes", "read", "bytes"),
    Figure("bytes", "write_bytes", "written", "bytes"),
    Figure("bytes", "traffic_bytes", "traffic", "bytes"),
    Figure("bytes", "padded_bytes", "of padding", "bytes", optional=True),
    Figure("bytes", "compulsory_bytes", "compulsory", "bytes"),
    Figure("activations", "peak_bytes", "at the peak", "bytes", "tensors"),
    Figure("activations", "mean_activation_bytes", "on average", "bytes", "tensors"),
    Figure("activations", "total_activation_bytes", "all together", "bytes", "tensors"),
    Figure("intensity", "intensity", "FLOP per byte", "ratio", "sums"),
    Figure("latency", "latency_s", "estimate", "seconds"),
    Figure("latency", "latency_low_s", "low end", "seconds"),
    Figure("latency", "latency_high_s", "high end", "seconds", optional=True),
)

_BY_FIELD = {figure.field: figure for figure in FIGURES}
# What a short page shows of them, by names that stand alone; a column each two.
SIX = tuple(
    (label, _BY_FIELD[field])
    for label, field in (
        ("MACs", "macs"),
        ("FLOPs", "flops"),
        ("parameters", "params"),
        ("traffic", "traffic_bytes"),
        ("peak memory", "peak_bytes"),
        ("est. latency", "latency_s"),
    )
)


def shown(*graphs: Totals) -> list[Figure]:
    """The figures that are worth a row for these graphs."""
    return [f for f in FIGURES if not f.optional or any(f.of(totals) for totals in graphs)]
