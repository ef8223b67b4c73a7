"""The JSON document of a profile."""

from __future__ import annotations

from ..runtime.optimisations.ledger import RuntimeLedger
from ..runtime.validation.checks import NodeCheck
from ..runtime.validation.joined import Validation
from ..runtime.validation.profiled import Profiled
from . import blocks
from .blocks import Document, fields
from .memory_document import memory

_ATTRIBUTION = ("mapped", "time_mapped_fraction", "originals_covered_fraction")


def profile_document(profiled: Profiled) -> Document:
    """The document of schema ``ocost.profile/1``."""
    found, profile = profiled.validation, profiled.profile
    here = profiled.environment
    environment = {
        **fields(here, ("cpu", "isa", "runtime", "level", "threads", "pinned", "denormals")),
        "runtime_version": here.version,
        "onnxruntime": here.version if here.runtime == "onnxruntime" else None,
    }
    return {
        "schema": "ocost.profile/1",
        "model": blocks.model(profiled.written.model),
        "device": blocks.device(profiled.device),
        "environment": {**blocks.environment(profiled.device), **environment},
        "trace": None if profiled.origin is None else str(profiled.origin),
        "inputs": None if profiled.inputs is None else str(profiled.inputs),
        "measured": {
            **fields(found.measured, ("latency_s", "low_s", "high_s", "runs", "noisy")),
            "profiled_runs": profile.runs,
            "profiler_bias_s": profile.bias_s,
            "scale": profile.scale,
        },
        "predicted": {
            "latency_s": found.predicted_s,
            "low_s": found.predicted_low_s,
            "high_s": found.predicted_high_s,
            "nodes": found.accuracy.nodes,
            "unknown": [
                {"node": node.executed, "op_type": node.op_type, "reason": node.reason}
                for node in found.unpredicted
            ],
        },
        "attribution": {
            "executed_nodes": len(found.nodes),
            **fields(found, _ATTRIBUTION),
            "time_by_status": dict(found.time_by_status),
            "unplaced": dict(found.unplaced),
            "boundaries": [
                {
                    "status": boundary.status,
                    "originals": list(boundary.originals),
                    "nodes": list(boundary.nodes),
                    "measured_s": boundary.measured_s,
                }
                for boundary in found.boundaries
            ],
        },
        "statistics": _statistics(found),
        "memory": _memory(profiled),
        "session_memory": _session_memory(profiled),
        "startup": None
        if profiled.startup is None
        else fields(profiled.startup, ("open_s", "low_s", "high_s", "parse_s", "memory_bytes")),
        "notes": list(profiled.notes),
        "loops": [{"node": path, "trips": seen} for path, seen in profiled.trips.items()],
        "nodes": [_node(node) for node in found.nodes],
        "originals": [
            fields(node, ("name", "status", "measured_s", "apportioned"))
            for node in found.originals
        ],
        **_runtime_ledger(profiled.runtime_ledger),
    }


def _runtime_ledger(found: RuntimeLedger | None) -> Document:
    """The steps of the runtime's own optimisations; nothing where they were not asked for."""
    if found is None:
        return {}
    return {
        "runtime_ledger": [
            {
                "name": gain.name,
                "step_ratio": gain.step.middle,
                "low": gain.step.low,
                "high": gain.step.high,
                "alone_ratio": gain.alone.middle,
                "alone_low": gain.alone.low,
                "alone_high": gain.alone.high,
                **fields(gain, ("predicted_ratio", "predicted_alone_ratio")),
            }
            for gain in found.gains
        ],
        "runtime_ledger_total": {
            "ratio": found.whole.middle,
            "low": found.whole.low,
            "high": found.whole.high,
            **fields(found, ("product", "predicted_ratio", "interval_level")),
        },
    }


def _memory(profiled: Profiled) -> Document | None:
    found = profiled.memory
    if found is None:
        return None
    names = ("peak_bytes", "node", "baseline_bytes", "high_water_bytes", "held_bytes")
    estimate = profiled.executed.totals.peak_bytes
    return {**fields(found, names), "estimated_peak_bytes": estimate}


def _session_memory(profiled: Profiled) -> Document:
    """What a session takes by rules, and what it took."""
    peak, growth = profiled.memory, profiled.growth
    return {
        "predicted": memory(profiled.executed.footprint()),
        "measured_arena_peak_bytes": None if peak is None else peak.peak_bytes,
        "measured_process_growth_bytes": None if growth is None else growth.peak_bytes,
    }


def _statistics(found: Validation) -> Document:
    names = ("weighted_error", "rank_correlation", "long_nodes")
    return {
        **fields(found.accuracy, names),
        "within": [fields(one, ("limit", "nodes", "time")) for one in found.accuracy.within],
    }


def _node(node: NodeCheck) -> Document:
    times = ("measured_s", "predicted_s", "predicted_low_s", "predicted_high_s")
    return {
        **fields(node, ("executed", "op_type", "domain")),
        "originals": list(node.originals),
        **fields(node, ("status", *times, "bound", "kind", "shape")),
    }
