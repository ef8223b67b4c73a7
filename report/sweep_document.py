"""The JSON document of a graph's cost at several sizes."""

from __future__ import annotations

from ..compare.sweep import Largest, Point, Sweep
from ..costmodel.device import Device
from ..costmodel.result import GraphCost
from . import blocks
from .blocks import Document, fields
from .cost_document import cost_document

_COVERAGE = ("nodes", "costed", "exact", "assumed", "bound")


def sweep_document(sweep: Sweep, device: Device) -> Document:
    """The document of schema ``ocost.cost/1``: of the first point that is costed, with all points.

    Parameters
    ----------
    sweep
        A graph at several sizes.
    device
        Whose estimates.
    """
    first = sweep.costed[0]
    return {
        **cost_document(first, device),
        "swept": {name: list(sizes) for name, sizes in sweep.dims.items()},
        "points": [_point(point, first) for point in sweep.points],
        **({} if sweep.largest is None else {"under": _largest(sweep.largest)}),
    }


def _point(point: Point, first: GraphCost) -> Document:
    cost = point.cost
    latency, of_first = point.latency_s, first.totals.latency_s
    return {
        "dims": dict(point.sizes),
        "refused": point.refused or None,
        "inputs": None if cost is None else blocks.model(cost.model)["inputs"],
        "totals": None if cost is None else blocks.totals(cost.totals),
        "coverage": None if cost is None else fields(cost.coverage, _COVERAGE),
        "weight_bytes": weight_bytes(point),
        "latency_per_item_s": point.per_item_s,
        "latency_over_first": None if latency is None or not of_first else latency / of_first,
    }


def weight_bytes(point: Point) -> int | None:
    """Bytes of constants that a run reads; None where not all nodes tell."""
    if point.cost is None:
        return None
    read = [node.weight_bytes for node in point.cost.nodes]
    return None if None in read else sum(size for size in read if size is not None)


def _largest(found: Largest) -> Document:
    def side(point: Point | None) -> Document | None:
        if point is None:
            return None
        return {"size": point.sizes[found.dim], "latency_s": point.latency_s}

    return {
        "limit_s": found.limit_s,
        "dim": found.dim,
        "largest": side(found.under),
        "next": side(found.over),
        "how": found.how,
        "reason": found.reason or None,
    }
