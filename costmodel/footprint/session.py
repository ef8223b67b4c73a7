"""A session, played from the opening of its file to its third run."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ...graph import Graph
from ...graph.shapes import Given, Shapes
from ..cost import Costed, bytes_of
from ..session_memory import Footprint
from .arena import Arena
from .heap import Heap
from .opening import open_session
from .run import Session, UnknownSizeError
from .sizes import KnownSizes

_CODE = 512 * 1024  # pages of kernels' code that a model of one node does not touch
# Between these times the growth, and a slack, it lay in nine of ten models of families that the
# factors were not taken from.
_LOW, _HIGH, _SLACK = 0.95, 1.45, 1024 * 1024
_RUNS = 3  # the second lays buffers out anew; nothing changes after it


def play(
    written: Graph,
    shapes: Shapes,
    costs: Sequence[Costed],
    given: Given | None,
    threads: int,
    file: int | None,
) -> Footprint:
    """What ``footprint`` answers."""
    sizes = KnownSizes(shapes, given, written)
    heap = Heap()
    arena = Arena(heap)
    chance = random.Random(0)  # the same graph has the same answer
    try:
        open_session(heap, arena, written, shapes.graph, costs, file or 0, chance)
        opening = heap.peak
        for name in shapes.graph.inputs:
            if name not in shapes.graph.initializers:
                heap.allocate(_input(shapes, name))
        session = Session(shapes, costs, sizes, arena, heap, threads)
        for _ in range(_RUNS):
            session.run()
    except UnknownSizeError as error:
        return Footprint(reason=str(error))
    growth = heap.peak + _CODE
    return Footprint(
        arena_peak_bytes=session.peak,
        process_growth_bytes=growth,
        process_growth_low_bytes=max(0, round(_LOW * growth) - _SLACK),
        process_growth_high_bytes=round(_HIGH * growth) + _SLACK,
        opening_bytes=opening + _CODE,
        packed_bytes=arena.reserved,
        arena_held_bytes=arena.held,
    )


def _input(shapes: Shapes, name: str) -> int:
    size = bytes_of(shapes.get(name))
    if size is None:
        raise UnknownSizeError(f"the size of '{name}' is not known")
    return size
