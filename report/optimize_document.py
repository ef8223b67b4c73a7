"""The JSON document of an optimisation, and what it shares with that of a diff."""

from __future__ import annotations

from ..optimize import Optimized
from ..optimize.steps import Step
from ..rewrite.rewriting import Declined
from .blocks import Document, fields
from .diff_document import diff_document
from .ledger_document import entries, residual


def optimize_document(found: Optimized) -> Document:
    """The document of schema ``ocost.optimize/1``: a diff's, and what was done and refused."""
    document = diff_document(found.diff)
    document |= {
        "schema": "ocost.optimize/1",
        "rewrites": _rewrites(found),
        "residual": residual(found.diff.ledger),
        "declined": [_declined(one) for one in found.made.declined],
        "fused_groups": [
            {"pattern": group.pattern, "nodes": list(group.nodes)} for group in found.groups
        ],
    }
    if found.steps is not None:
        document["steps"] = [_step(step) for step in found.steps]
    del document["gates"]
    return document


def _rewrites(found: Optimized) -> list[Document]:
    """The ledger, each entry with the proof that it stands on."""
    made = entries(found.diff.rewrites)
    for mark in found.made.marks:
        for entry in made[mark.entries]:
            entry["proof"] = found.proven.proof(mark)
    return made


def _declined(one: Declined) -> Document:
    return {"pass": one.by, **fields(one, ("reason",)), "nodes": list(one.nodes)}


def _step(step: Step) -> Document:
    found = step.comparison
    ratios = None if found is None else (found.ratio, found.low, found.high)
    return {
        "stage": step.mark.stage,
        "pass": step.mark.by,
        "entries": [step.mark.entries.start, step.mark.entries.stop],
        "predicted_s": step.predicted_s,
        "below_noise": found is None,
        "measured": None
        if found is None or ratios is None
        else {
            **dict(zip(("ratio", "ratio_low", "ratio_high"), ratios, strict=True)),
            **fields(found, ("noise_floor", "smallest_detectable", "verdict")),
        },
    }
