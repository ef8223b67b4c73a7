"""A rewrite that a runtime nearly makes of a graph, and what it would save."""

from __future__ import annotations

from typing import NamedTuple


class Saving(NamedTuple):
    """What the cost at ``executed`` would fall by; negative where it would rise, None if unknown.

    Parameters
    ----------
    nodes
        Executed nodes.
    flops, padded_flops
        FLOP, as in the totals of a cost.
    traffic_bytes, latency_s
        Bytes and seconds, likewise.
    """

    nodes: int
    flops: int | None
    padded_flops: int | None
    traffic_bytes: int | None
    latency_s: float | None


class Blocker(NamedTuple):
    """A rewrite that a runtime nearly makes, at one place or at several that only go together.

    Parameters
    ----------
    rule
        As the runtime calls it; all of them where one fix helps several.
    nodes
        The originals at which it nearly matched, by their paths.
    kind
        What stands in its way, without names: alike for all of the kind.
    reason, fix
        What stands in its way, and what to do about it; of several places, those of the first.
    places
        At how many places it nearly matched.
    saving
        What the fix would save at all of them; None where it is not known.
    """

    rule: str
    nodes: tuple[str, ...]
    kind: str
    reason: str
    fix: str
    places: int
    saving: Saving | None
