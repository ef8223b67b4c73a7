"""The ledger of an optimisation in JSON."""

from __future__ import annotations

from collections.abc import Iterable

from ..ledger.entries import Entry
from .blocks import Document


def entries(ledger: Iterable[Entry]) -> list[Document]:
    """Each rewrite with what it changed."""
    return [
        {
            "stage": entry.stage,
            "pass": entry.by,
            "removed": list(entry.removed),
            "added": list(entry.added),
            "constants_removed": list(entry.dropped),
            "constants_added": list(entry.stored),
            "reason": entry.reason,
            "delta": {level: dict(delta) for level, delta in entry.deltas.items()},
        }
        for entry in ledger
    ]
