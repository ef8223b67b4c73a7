"""The JSON document of a graph's cost."""

from __future__ import annotations

from collections.abc import Sequence

from ..costmodel.device import Device
from ..costmodel.result import GraphCost, NodeCost
from ..graph import dtypes
from . import blocks
from .blockers_document import blockers
from .blocks import Document, fields
from .memory_document import memory

_WORK = ("macs", "flops", "padded_flops", "read_bytes", "write_bytes", "weight_bytes")
_LATENCY = ("latency_s", "latency_low_s", "latency_high_s")


def cost_document(
    cost: GraphCost, device: Device, others: Sequence[tuple[Device, GraphCost]] = ()
) -> Document:
    """The document of schema ``ocost.cost/1``.

    Parameters
    ----------
    cost, device
        A costed graph and the device that it was costed for.
    others
        The same model costed for further devices, whose runtimes may execute another graph.
    """
    return {
        "schema": "ocost.cost/1",
        "model": blocks.model(cost.model),
        "device": blocks.device(device),
        "environment": blocks.environment(device),
        "level": cost.level,
        **_costed(cost),
        "other_devices": [
            {"device": blocks.device(other), **_costed(on_it)} for other, on_it in others
        ],
    }


def _costed(cost: GraphCost) -> Document:
    """What depends on the device."""
    return {
        "totals": blocks.totals(cost.totals),
        "coverage": {
            **fields(cost.coverage, ("nodes", "costed", "exact", "assumed", "bound")),
            "unknown": [fields(u, ("node", "op_type", "reason")) for u in cost.coverage.unknown],
        },
        "notes": list(cost.notes),
        **({} if cost.level == "written" else {"session_memory": memory(cost.footprint())}),
        **({} if cost.level == "written" else {"blockers": blockers(cost.blockers())}),
        "nodes": [_node(node) for node in cost.nodes],
    }


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
