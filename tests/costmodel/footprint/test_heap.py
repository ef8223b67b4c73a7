"""What stays resident of what was freed."""

from ocost.costmodel.footprint.heap import Heap

MIB = 1024 * 1024


def test_a_large_piece_is_given_back() -> None:
    heap = Heap()
    piece = heap.allocate(MIB)
    assert heap.resident == MIB + 4096 or heap.resident == MIB
    heap.free(piece)
    assert heap.resident == 0
    assert heap.peak >= MIB


def test_what_was_mapped_once_comes_from_the_heap_later() -> None:
    """The threshold rises to what was freed; under something newer it stays resident."""
    heap = Heap()
    heap.free(heap.allocate(4 * MIB))
    below, above = heap.allocate(MIB), heap.allocate(MIB)
    heap.free(below)
    assert heap.resident >= 2 * MIB
    again = heap.allocate(MIB)
    assert again == below
    heap.free(above)
    assert heap.resident < 3 * MIB


def test_an_aligned_piece_does_not_fit_a_gap_of_its_size() -> None:
    heap = Heap()
    heap.free(heap.allocate(4 * MIB))
    gap = heap.allocate(MIB)
    heap.allocate(MIB)
    heap.free(gap)
    assert heap.allocate(MIB, aligned=True) > gap


def test_only_what_is_written_is_resident() -> None:
    heap = Heap()
    piece = heap.allocate(8 * MIB, written=False)
    assert heap.resident == 0
    heap.write(piece, 0, MIB)
    assert heap.resident == MIB
