"""The JSON documents. Fields may be added to them, never renamed; what is not known is null."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..compare.result import Diff, NodePair
from ..costmodel.device import Device
from ..costmodel.result import GraphCost, ModelSummary, NodeCost, Totals
from ..graph import dtypes
from .ranking import changed

Document = dict[str, Any]

_NODE = (
    "name op_type domain kind macs flops padded_flops read_bytes write_bytes weight_bytes "
    "intensity bound efficiency latency_s latency_low_s latency_high_s estimator shape trips"
).split()
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
    document = {
        "schema": "ocost.cost/1",
        "model": _model(cost.model),
        "device": _device(device),
        "environment": _environment(device),
        "level": cost.level,
        "totals": _totals(cost.totals),
        "coverage": {
            **_fields(cost.coverage, ("nodes", "costed", "exact", "assumed", "bound")),
            "unknown": [_fields(u, ("node", "op_type", "reason")) for u in cost.coverage.unknown],
        },
        "notes": list(cost.notes),
        "nodes": [_node(node) for node in cost.nodes],
        "other_devices": [
            {
                "device": _device(other),
                "totals": _fields(on_it.totals, _LATENCY),
                "nodes": [_fields(node, _ON_A_DEVICE) for node in on_it.nodes],
            }
            for other, on_it in others
        ],
    }
    return _finite(document)


def diff_document(diff: Diff, gates: Iterable[Mapping[str, object]] = ()) -> Document:
    """The document of schema ``ocost.diff/1``.

    Parameters
    ----------
    diff
        Two costed graphs.
    gates
        The verdicts on what ``--fail-on`` asked for: metric, level, limit, actual, ok.
    """
    document = {
        "schema": "ocost.diff/1",
        "before": _model(diff.before.model),
        "after": _model(diff.after.model),
        "made_by": diff.made_by,
        "device": _device(diff.device),
        "environment": _environment(diff.device),
        "levels": {
            diff.before.level: {
                "before": _totals(diff.before.totals),
                "after": _totals(diff.after.totals),
                "delta": _totals(diff.delta),
            }
        },
        "equivalence": None,
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
        "rewrites": [],
        "gates": [dict(gate) for gate in gates],
    }
    return _finite(document)


def devices_document(devices: Iterable[Device]) -> Document:
    """The document of schema ``ocost.devices/1``."""
    return _finite(
        {
            "schema": "ocost.devices/1",
            "devices": [
                {
                    **_device(device),
                    "peaks": dict(device.peaks),
                    **_fields(device, ("bandwidth", "bandwidth_per_core", "overhead_s")),
                    "efficiency": {
                        kind.value: _fields(row, ("compute", "memory", "measured"))
                        for kind, row in device.efficiency.items()
                    },
                    "sources": list(device.sources),
                }
                for device in devices
            ],
        }
    )


def dumps(document: Document) -> str:
    """A document as JSON text: the same document gives the same bytes."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _fields(source: object, names: Iterable[str]) -> Document:
    return {name: getattr(source, name) for name in names}


def _model(model: ModelSummary) -> Document:
    return {
        "path": model.path,
        "graph_sha256": model.graph_sha256,
        "opset": dict(model.opset),
        "nodes": model.nodes,
        "inputs": {n: None if s is None else list(s) for n, s in model.inputs.items()},
        "assumed_dims": dict(model.assumed_dims),
    }


def _device(device: Device) -> Document:
    names = ("name", "title", "source", "runtime", "isa", "channel_block", "cores", "ridge")
    return _fields(device, names)


def _totals(totals: Totals) -> Document:
    return _fields(totals, Totals.names())


def _node(node: NodeCost) -> Document:
    dtype = None if node.dtype is None else dtypes.name(node.dtype)
    return {**_fields(node, _NODE), "dtype": dtype, "originals": list(node.originals)}


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


def _environment(device: Device) -> Document:
    """Versions, without importing what they are of, and the cores that the estimate uses."""
    packages = ("onnx", "onnxruntime", "onnxsim", "ocost")
    return {
        **{package: _version(package) for package in packages},
        "python": platform.python_version(),
        "threads": device.cores,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _finite(value: Any) -> Any:
    """The value with null for every float that JSON can't hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
