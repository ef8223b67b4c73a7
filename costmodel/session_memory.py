"""What is told of a session's memory before there is one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of memory that running a model takes; None where a size is not known, with a reason.

    Parameters
    ----------
    arena_peak_bytes
        The most that a first run asks of the runtime's arena, when a node has finished; what the
        session keeps there is not counted. Exact, but for scratch memory, which is none of it.
    process_growth_bytes
        By how much a process grows at most while it opens the model's file and runs it: weights
        and their copies, packed ones, the arena, inputs and outputs.
    process_growth_low_bytes, process_growth_high_bytes
        Between what it nearly always lies: chance decides how well freed memory is used again.
    opening_bytes
        The most that it grows by before the first run.
    packed_bytes, arena_held_bytes
        What kernels pack weights into; what the arena has taken, with that, after some runs.
    reason
        Why nothing is known.
    """

    arena_peak_bytes: int | None = None
    process_growth_bytes: int | None = None
    process_growth_low_bytes: int | None = None
    process_growth_high_bytes: int | None = None
    opening_bytes: int | None = None
    packed_bytes: int | None = None
    arena_held_bytes: int | None = None
    reason: str = ""
