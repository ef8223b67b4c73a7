"""The JSON document of an optimisation, and what it shares with that of a diff."""

from __future__ import annotations

from ..optimize import Optimized
from ..passes import Declined
from .blocks import Document, fields
from .document import diff_document
from .ledger_document import entries


def optimize_document(found: Optimized) -> Document:
    """The document of schema ``ocost.optimize/1``: a diff's, and what was done and refused."""
    document = diff_document(found.diff)
    document |= {
        "schema": "ocost.optimize/1",
        "rewrites": entries(found.made.entries),
        "residual": {"written": dict(found.made.residual)},
        "declined": [_declined(one) for one in found.made.declined],
        "left_out": found.left_out,
    }
    del document["gates"]
    return document


def _declined(one: Declined) -> Document:
    return {"pass": one.by, **fields(one, ("reason",)), "nodes": list(one.nodes)}
