"""The small objects of a session: nodes, names, shapes, kernels.

They come to so many bytes a node of the file: as it is loaded, more while the graph is optimised,
and fewer once it is open. None is large; but each lies between weights that come and go, so that
what these leave free doesn't become one.
"""

from __future__ import annotations

import random

from .heap import Heap

# Bytes of a piece: five of six are of 64 and less.
_SIZES = (40, 56, 56, 72, 72, 88, 104, 104, 120, 136, 168, 232)
_LOADED, _OPTIMISED, _KEPT = 7_500, 11_500, 6_500  # bytes a node
_MOST = 10_000  # pieces; of larger files they are larger


class Small:
    """Of a session that opens a file of so many nodes."""

    def __init__(self, heap: Heap, nodes: int, chance: random.Random) -> None:
        self._heap, self._nodes = heap, nodes
        self._pieces: list[tuple[int, int]] = []  # address, size
        self._bytes = 0
        self._random = chance
        count = nodes * _OPTIMISED * len(_SIZES) // sum(_SIZES)
        self._times = max(1, count // _MOST)

    def loaded(self, share: float) -> None:
        """So much of the graph is there."""
        self._grow(self._nodes * _LOADED * share)

    def optimised(self, share: float) -> None:
        """So much of what optimising adds is there."""
        self._grow(self._nodes * (_LOADED + share * (_OPTIMISED - _LOADED)))

    def opened(self) -> None:
        """The session is there; what was needed to make it is freed, here and there."""
        self._random.shuffle(self._pieces)
        while self._pieces and self._bytes > self._nodes * _KEPT:
            address, size = self._pieces.pop()
            self._bytes -= size
            self._heap.free(address)

    def _grow(self, to: float) -> None:
        mean = self._times * sum(_SIZES) / len(_SIZES)
        for size in self._random.choices(_SIZES, k=max(0, round((to - self._bytes) / mean))):
            self._pieces.append((self._heap.allocate(size * self._times), size * self._times))
            self._bytes += size * self._times
