"""Regions and pieces of the arena, and the layout of later runs."""

from ocost.costmodel.footprint.arena import Arena
from ocost.costmodel.footprint.heap import Heap
from ocost.costmodel.footprint.pattern import Pattern

MIB = 1024 * 1024


def test_regions_double() -> None:
    """1 MiB, then 2, then one of 8 for what doesn't fit 4."""
    arena = Arena(Heap())
    arena.allocate(MIB)
    arena.allocate(MIB)
    assert arena.held == 3 * MIB
    arena.allocate(6 * MIB)
    assert arena.held == 11 * MIB


def test_a_piece_of_less_than_twice_the_size_is_taken_whole() -> None:
    arena = Arena(Heap())
    arena.allocate(MIB * 3 // 4)
    arena.allocate(256)
    assert arena.held == 3 * MIB


def test_neighbours_are_joined() -> None:
    arena = Arena(Heap())
    pieces = [arena.allocate(MIB // 4) for _ in range(4)]
    for piece in pieces:
        arena.free(piece, MIB // 4)
    arena.allocate(MIB)
    assert arena.held == MIB
    assert arena.in_use == MIB


def test_the_smallest_gap_is_taken() -> None:
    """a, b, c; b is freed: what fits goes there, what doesn't behind."""
    pattern = Pattern()
    _, b, _ = (pattern.allot(size) for size in (64, 128, 64))
    pattern.free(b)
    assert pattern.allot(100) == (64, 164)
    assert pattern.allot(64) == (256, 320)
    assert pattern.size == 320
