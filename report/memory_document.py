"""The memory that a session takes, in documents."""

from __future__ import annotations

from ..costmodel.session_memory import Footprint
from .blocks import Document, fields

_FIELDS = (
    *("arena_peak_bytes", "process_growth_bytes", "process_growth_low_bytes"),
    *("process_growth_high_bytes", "opening_bytes", "packed_bytes", "arena_held_bytes"),
)


def memory(found: Footprint) -> Document:
    """What is told of it; null, with a reason, where a size is not known."""
    return {**fields(found, _FIELDS), "reason": found.reason or None}
