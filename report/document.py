"""The JSON documents. Fields may be added to them, never renamed; what is not known is null."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..compare.result import Diff, NodePair
from ..costmodel.device import Device
from ..costmodel.result import GraphCost, NodeCost
from ..graph import dtypes
from ..runtime.equality.closeness import OutputCheck
from ..runtime.equality.result import Equivalence
from . import blocks, ledger_document, measured_document
from .blocks import Document, fields
from .ranking import changed

_WORK = ("macs", "flops", "padded_flops", "read_bytes", "write_bytes", "weight_bytes")
_LATENCY = ("latency_s", "latency_low_s", "latency_high_s")
_ON_A_DEVICE = ("name", "bound", "efficiency", *_LATENCY)


def cost_document(
    cost: GraphCost, device: Device, others: Sequence[tuple[Device, GraphCost]] = ()
) -> Document:
    """The document of schema ``ocost.cost/1``.

    Parameters
    ----------
    cost, device
        A costed graph and the device that it was costed for.
    others
        The same graph costed for further devices; their latencies stand in ``other_devices``.
    """
    return {
        "schema": "ocost.cost/1",
        "model": blocks.model(cost.model),
        "device": blocks.device(device),
        "environment": blocks.environment(device),
        "level": cost.level,
        "totals": blocks.totals(cost.totals),
        "coverage": {
            **fields(cost.coverage, ("nodes", "costed", "exact", "assumed", "bound")),
            "unknown": [fields(u, ("node", "op_type", "reason")) for u in cost.coverage.unknown],
        },
        "notes": list(cost.notes),
        "nodes": [_node(node) for node in cost.nodes],
        "other_devices": [
            {
                "device": blocks.device(other),
                "totals": fields(on_it.totals, _LATENCY),
                "notes": list(on_it.notes),
                "nodes": [fields(node, _ON_A_DEVICE) for node in on_it.nodes],
            }
            for other, on_it in others
        ],
    }


def diff_document(diff: Diff, gates: Iterable[Mapping[str, object]] = ()) -> Document:
    """The document of schema ``ocost.diff/1``.

    Parameters
    ----------
    diff
        Two costed graphs, measured or not.
    gates
        The verdicts on what ``--fail-on`` asked for: metric, level, limit, actual, ok.
    """
    return {
        "schema": "ocost.diff/1",
        "before": blocks.model(diff.before.model),
        "after": blocks.model(diff.after.model),
        "made_by": diff.made_by,
        "device": blocks.device(diff.device),
        "environment": blocks.environment(diff.device),
        "levels": measured_document.levels(diff),
        "equivalence": None if diff.equivalence is None else _equivalence(diff.equivalence),
        "op_types": [
            {
                "op_type": change.op_type,
                "count": list(change.count),
                "flops": list(change.flops),
                "traffic_bytes": list(change.traffic_bytes),
                "latency_s": list(change.latency_s),
            }
            for change in diff.op_types
        ],
        "nodes": [_pair(pair) for pair in diff.pairs if changed(pair)],
        "regions": measured_document.regions(diff.measured),
        "rewrites": ledger_document.entries(diff.rewrites),
        "gates": [dict(gate) for gate in gates],
        "notes": [] if diff.measured is None else list(diff.measured.notes),
    }


def devices_document(devices: Iterable[Device]) -> Document:
    """The document of schema ``ocost.devices/1``."""
    return {
        "schema": "ocost.devices/1",
        "devices": [
            {
                **blocks.device(device),
                "peaks": dict(device.peaks),
                **fields(device, ("bandwidth", "bandwidth_per_core", "overhead_s")),
                "efficiency": {
                    kind.value: fields(row, ("compute", "memory", "measured"))
                    for kind, row in device.efficiency.items()
                },
                "sources": list(device.sources),
            }
            for device in devices
        ],
    }


def dumps(document: Document) -> str:
    """A document as JSON text: the same document gives the same bytes."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _node(node: NodeCost) -> Document:
    dtype = None if node.dtype is None else dtypes.name(node.dtype)
    return {
        **fields(node, ("name", "op_type", "domain", "kind")),
        "dtype": dtype,
        **fields(node, _WORK),
        **fields(node, ("intensity", "bound", "efficiency", *_LATENCY, "estimator")),
        **fields(node, ("shape", "trips", "dead")),
        "originals": list(node.originals),
    }


def _equivalence(found: Equivalence) -> Document:
    names = ("inputs", "reference", "max_abs", "max_rel", "tolerance", "ok")
    return {
        **fields(found, (*names, "status", "reason", "worst_output", "engine")),
        "outputs": [_output(one) for one in found.outputs],
        "notes": list(found.notes),
    }


def _output(found: OutputCheck) -> Document:
    names = ("name", "ok", "status", "by", "max_abs", "max_rel", "tolerance", "reason")
    alike = found.similarity
    likeness = None if alike is None else fields(alike, ("cosine", "snr_db", "top1"))
    if likeness is not None and likeness["snr_db"] == math.inf:
        likeness["snr_db"] = None  # nothing differs
    return {**fields(found, names), "similarity": likeness}


def _pair(pair: NodePair) -> Document:
    sides = (pair.before, pair.after)

    def both(figure: str) -> list[Any]:
        return [None if side is None else getattr(side, figure) for side in sides]

    before, after = both("name")
    return {
        "before": before,
        "after": after,
        "op_type": pair.op_type,
        "match": pair.how,
        "flops": both("flops"),
        "traffic_bytes": both("traffic_bytes"),
        "latency_s": both("latency_s"),
    }
