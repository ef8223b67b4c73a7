"""onnxruntime's memory pattern: how the buffers of a first run are laid out in one piece.

From the second run on of inputs of the same shapes, all buffers that the plan allots lie in one
piece of the arena. Where each goes is settled in the first run, as it comes: in the smallest gap
between those alive that it fits into, else behind the last.
"""

from __future__ import annotations

from bisect import insort

_ALIGN = 64


class Pattern:
    """A layout that grows with each buffer; ``size`` is that of the whole piece, in bytes."""

    def __init__(self) -> None:
        self.size = 0
        self._alive: list[tuple[int, int]] = []  # (offset, end), sorted

    def allot(self, size: int) -> tuple[int, int]:
        """Where a buffer goes: its offset and its end."""
        rounded = -(size // -_ALIGN) * _ALIGN
        best, spare, at = None, 0, 0
        for offset, end in self._alive:
            gap = offset - at
            if gap >= rounded and (best is None or gap - rounded < spare):
                best, spare = at, gap - rounded
            at = max(at, end)
        place = at if best is None else best
        if rounded:
            insort(self._alive, (place, place + rounded))
        self.size = max(self.size, place + rounded)
        return place, place + size

    def free(self, place: tuple[int, int]) -> None:
        """Take a buffer out."""
        rounded = -((place[1] - place[0]) // -_ALIGN) * _ALIGN
        if rounded:
            self._alive.remove((place[0], place[0] + rounded))
