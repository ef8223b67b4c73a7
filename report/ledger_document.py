"""The ledger of an optimisation in JSON."""

from __future__ import annotations

from collections.abc import Iterable

from ..ledger.entries import LedgerEntry
from ..ledger.executed import Deltas, Ledger
from .blocks import Document


def entries(ledger: Iterable[LedgerEntry]) -> list[Document]:
    """Each rewrite with what it changed."""
    return [
        {
            "stage": entry.stage,
            "pass": entry.by,
            "removed": list(entry.removed),
            "added": list(entry.added),
            "constants_removed": list(entry.dropped),
            "constants_added": list(entry.stored),
            "rewired": list(entry.rewired),
            "reason": entry.reason,
            "delta": {"written": None, "executed": None} | _by_level(entry.deltas),
            "effect": entry.effect,
            "joint": list(entry.joint),
        }
        for entry in ledger
    ]


def joints(ledger: Ledger) -> list[Document]:
    """Rewrites that share what they change at ``executed``: it stands here, and here alone."""
    return [
        {
            "rewrites": list(joint.members),
            "delta": _by_level(joint.deltas),
            "effect": joint.effect,
        }
        for joint in ledger.joints
    ]


def residual(ledger: Ledger) -> Document:
    """What no rewrite accounts for."""
    return _by_level(ledger.residual)


def _by_level(deltas: Deltas) -> Document:
    return {level: dict(delta) for level, delta in deltas.items()}
