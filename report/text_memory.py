"""The memory that a session takes, as text."""

from __future__ import annotations

from rich.text import Text

from ..costmodel.result import GraphCost
from ..costmodel.session_memory import Footprint
from .numbers import UNKNOWN, show


def memory_lines(cost: GraphCost) -> list[Text]:
    """What running an executed graph takes, in two lines; none of a graph as written."""
    if cost.level == "written":
        return []
    found = cost.footprint()
    if found.arena_peak_bytes is None:
        return [Text(f"Memory of a session not known: {found.reason}", "dim")]
    arena = show(found.arena_peak_bytes, "bytes")
    return [
        Text(f"A session holds {arena} of activations in its arena at the peak"),
        Text(f"Its process grows by about {growth(found)}"),
    ]


def growth(found: Footprint) -> str:
    """What a process grows by, with its interval."""
    low, high = found.process_growth_low_bytes, found.process_growth_high_bytes
    if found.process_growth_bytes is None or low is None or high is None:
        return UNKNOWN
    about = show(found.process_growth_bytes, "bytes")
    return f"{about} ({show(low, 'bytes')} to {show(high, 'bytes')})"
