"""How often loops ran in a profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..profiles import Trips
from .alignment import Spent

_LOOPS = frozenset({"Loop", "Scan"})


def executed_trips(spent: Sequence[Mapping[str, Spent]], operators: Mapping[str, str]) -> Trips:
    """What the runs saw of each executed loop; ``operators`` are the nodes' types by path."""
    names = [name for name, op_type in operators.items() if op_type in _LOOPS]
    found = {}
    for name in names:
        parts = [run[name] for run in spent if name in run]
        events = sum(part.events for part in parts)
        if events:
            found[name] = sum(part.bodies for part in parts) / events
    return found
