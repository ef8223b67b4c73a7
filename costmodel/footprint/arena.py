"""onnxruntime's arena: regions that are taken from the heap, and the pieces in them.

A request takes the smallest free piece that is large enough, of any region. A piece of twice the
size or more is split; so is one with 128 MiB to spare. Where there is none, a region is added: 1
MiB at first, each as large again as all rounds before, and doubled until the request fits.
Regions are never given back, and resident only as far as they have been written.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from .heap import Heap

_ROUND = 256
_FIRST = 1024 * 1024
_SECOND = 2 * _FIRST
_SPARE = 128 * 1024 * 1024
_BINS = 20


@dataclass(slots=True)
class Piece:
    """A part of a region, handed out or free."""

    region: int  # its address in the heap
    start: int
    size: int
    free: bool = True
    before: Piece | None = None
    after: Piece | None = None


class Arena:
    """An arena over a heap. Sizes in bytes.

    Attributes
    ----------
    in_use
        What is asked for and not given back.
    reserved
        Bytes of what is kept for as long as the session is open, as packed weights.
    held
        Bytes of all regions, and of what is reserved.
    """

    def __init__(self, heap: Heap) -> None:
        self.in_use = self.held = self.reserved = 0
        self._heap = heap
        self._round = _FIRST
        self._free: list[list[tuple[int, int, int]]] = [[] for _ in range(_BINS + 1)]
        self._pieces: dict[tuple[int, int], Piece] = {}
        self._order: dict[int, int] = {}

    def allocate(self, size: int, *, written: int | None = None) -> Piece | None:
        """A piece, written as far as ``written`` (all of it by default); None for no bytes."""
        if not size:
            return None
        rounded = -(size // -_ROUND) * _ROUND
        piece = self._find(rounded)
        if piece is None:
            self._extend(rounded)
            piece = self._find(rounded)
        assert piece is not None
        self.in_use += size
        end = size if written is None else written
        self._heap.write(piece.region, piece.start, piece.start + end)
        return piece

    def reserve(self, size: int, *, apart: bool = True) -> None:
        """A piece for packed weights, by default outside the regions."""
        self.reserved += size
        if apart:
            self.held += size
            self._heap.allocate(size, aligned=True)
        else:
            self.allocate(size)
            self.in_use -= size

    def write(self, piece: Piece | None, start: int, end: int) -> None:
        """Write a part of a piece."""
        if piece is not None:
            self._heap.write(piece.region, piece.start + start, piece.start + end)

    def free(self, piece: Piece | None, size: int) -> None:
        """Give a piece back that was asked for with this size."""
        if piece is None:
            return
        self.in_use -= size
        piece.free = True
        for other in (piece.after, piece.before):
            if other is not None and other.free:
                self._drop(other)
                first, second = (piece, other) if other is piece.after else (other, piece)
                first.size += second.size
                first.after = second.after
                if second.after is not None:
                    second.after.before = first
                piece = first
        self._put(piece)

    def _find(self, rounded: int) -> Piece | None:
        for number in range(_bin(rounded), _BINS + 1):
            row = self._free[number]
            at = bisect_left(row, (rounded, -1, 0))
            if at < len(row):
                _, order, start = row[at]
                piece = self._pieces[order, start]
                self._drop(piece)
                piece.free = False
                if piece.size >= 2 * rounded or piece.size - rounded >= _SPARE:
                    self._split(piece, rounded)
                return piece
        return None

    def _split(self, piece: Piece, rounded: int) -> None:
        rest = Piece(piece.region, piece.start + rounded, piece.size - rounded)
        rest.before, rest.after = piece, piece.after
        if piece.after is not None:
            piece.after.before = rest
        piece.after, piece.size = rest, rounded
        self._put(rest)

    def _extend(self, rounded: int) -> None:
        doubled = False
        while rounded > self._round:
            self._round *= 2
            doubled = True
        size = self._round
        if not doubled:
            self._round *= 2
        self.held += size
        region = self._heap.allocate(size, written=False, aligned=True)
        self._order[region] = len(self._order)
        self._put(Piece(region, 0, size))

    def _key(self, piece: Piece) -> tuple[int, int, int]:
        return piece.size, self._order[piece.region], piece.start

    def _put(self, piece: Piece) -> None:
        piece.free = True
        self._pieces[self._order[piece.region], piece.start] = piece
        insort(self._free[_bin(piece.size)], self._key(piece))

    def _drop(self, piece: Piece) -> None:
        row = self._free[_bin(piece.size)]
        del row[bisect_left(row, self._key(piece))]


def _bin(size: int) -> int:
    """Free pieces are kept by powers of two."""
    return min(_BINS, (size // _ROUND).bit_length() - 1)
