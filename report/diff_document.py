"""The JSON document of what changed between two graphs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..compare.result import Diff, NodePair
from ..ledger.standing import Standing
from ..runtime.equality.closeness import OutputCheck
from ..runtime.equality.result import Equivalence
from . import blocks, ledger_document, measured_document
from .blockers_document import blockers
from .blocks import Document, fields
from .ranking import changed


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
        "joint_rewrites": ledger_document.joints(diff.ledger),
        "folded_by_runtime": dict(diff.folded),
        "gates": [dict(gate) for gate in gates],
        **_blockers(diff),
        "notes": [] if diff.measured is None else list(diff.measured.notes),
        **({} if diff.standing is None else _standing(diff.standing)),
    }


def _blockers(diff: Diff) -> Document:
    """What still stands in the way of the runtime's rewrites, in the second graph."""
    executed = diff.levels.get("executed")
    return {} if executed is None else {"blockers": blockers(executed.after.blockers())}


def _standing(found: Standing) -> Document:
    return {
        "faults": [{"pass": one.by, **fields(one, ("reason",))} for one in found.faults],
        "left_out": found.broken,
        "unproven": found.unproven,
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
