"""The heap of a process as GNU's C library keeps it: what stays resident of what was freed.

A piece comes from the smallest free piece that is large enough, else from the top of the heap,
which grows; one above a threshold is mapped apart, and given back when it is freed. The threshold
rises to the largest mapped piece that was freed (32 MiB at most): from then on pieces of that
size come from the heap. Free memory in the heap goes back only from its top, and only when there
are two thresholds of it. So what a session allocates for a while when it opens a model stays
resident where something newer lies above it.

Only what has been written is resident: who allocates says how much of a piece that is.
"""

from __future__ import annotations

from bisect import bisect_left, insort

PAGE = 4096
_ALIGN = 16
_LINE = 64  # of what is aligned
_HEAD = 8
_LEAST = 32
_CACHED, _MOST = 1040, 7  # so many freed pieces of each size up to that stay at hand
_PAD = 128 * 1024  # what the heap keeps above its last piece when it grows or shrinks
_THRESHOLD = 128 * 1024
_HIGHEST = 32 * 1024 * 1024
_CONSOLIDATED = 64 * 1024  # a freed piece, with its neighbours, from which the top is looked at


class Heap:
    """A heap that nothing is allocated in yet; sizes and addresses in bytes.

    Attributes
    ----------
    resident, peak
        Bytes of pages that have been written and not given back: now, and the most so far.
    """

    def __init__(self) -> None:
        self.resident = self.peak = 0
        self._threshold = _THRESHOLD
        self._end = 0  # of the heap; what lies from ``_top`` to there was never handed out
        self._top = 0
        self._pages = bytearray()
        self._used: dict[int, int] = {}  # size by address, of the heap's pieces
        self._kept: dict[int, list[int]] = {}  # small pieces at hand, by size
        self._free: dict[int, int] = {}
        self._free_by_end: dict[int, int] = {}
        self._sizes: list[tuple[int, int]] = []  # (size, address) of the free ones, sorted
        self._mapped: dict[int, tuple[int, bytearray]] = {}
        self._next = -1  # mapped pieces have negative addresses

    def allocate(self, size: int, *, written: bool = True, aligned: bool = False) -> int:
        """A piece of memory; its address. It is written at once unless said otherwise.

        An aligned one is cut out of a larger piece, so that a gap of its own size is too small.
        """
        need = max(_LEAST, (size + _HEAD + _ALIGN - 1) // _ALIGN * _ALIGN)
        kept = self._kept.get(need)
        if kept and not aligned:
            address = kept.pop()
        else:
            address = self._take(need + _LINE + _LEAST if aligned else need)
            if aligned and address >= 0:
                address = self._aligned(address, need)
        if written:
            self.write(address, 0, size)
        return address

    def write(self, address: int, start: int, end: int) -> None:
        """Write a piece from one offset to another."""
        if end <= start:
            return
        if address < 0:
            pages, base = self._mapped[address][1], 0
        else:
            pages, base = self._pages, address
        first, last = (base + start) // PAGE, -((base + end) // -PAGE)
        fresh = last - first - pages.count(1, first, last)
        if fresh:
            pages[first:last] = b"\1" * (last - first)
            self.resident += fresh * PAGE
            self.peak = max(self.peak, self.resident)

    def free(self, address: int) -> None:
        """Give a piece back."""
        if address < 0:
            size, pages = self._mapped.pop(address)
            self.resident -= pages.count(1) * PAGE
            if self._threshold < size <= _HIGHEST:
                self._threshold = size
            return
        size = self._used[address]
        if size <= _CACHED and len(kept := self._kept.setdefault(size, [])) < _MOST:
            kept.append(address)
            return
        del self._used[address]
        before = self._free_by_end.get(address)
        if before is not None:
            size += address - before
            address = before
            self._forget(before)
        after = self._free.get(address + size)
        if after is not None:
            self._forget(address + size)
            size += after
        if address + size == self._top:
            self._top = address
        else:
            self._keep(address, size)
        large = size + (self._end - self._top if self._top == address else 0) >= _CONSOLIDATED
        if large and self._end - self._top >= 2 * self._threshold:
            self._cut(-((self._top + _PAD) // -PAGE) * PAGE)

    def _aligned(self, address: int, need: int) -> int:
        """Give back what lies before and behind an aligned piece."""
        whole = self._used[address]
        start = -((address + 2 * _HEAD) // -_LINE) * _LINE - 2 * _HEAD
        if start != address and start - address < _LEAST:
            start += _LINE
        pieces = [(address, start - address), (start, need)]
        rest = whole - (start - address) - need
        if rest >= _LEAST:
            pieces.append((start + need, rest))
        else:
            pieces[1] = (start, need + rest)
        self._used.update(pieces)
        for other, size in pieces:
            if not size:
                self._used[start] = pieces[1][1]
            elif other != start:
                self.free(other)
        return start

    def _take(self, need: int) -> int:
        at = bisect_left(self._sizes, (need, 0))
        if at < len(self._sizes):
            size, address = self._sizes[at]
            self._forget(address)
            if size - need >= _LEAST:
                self._keep(address + need, size - need)
                size = need
            self._used[address] = size
            return address
        if self._end - self._top < need + _LEAST:
            if need >= self._threshold:
                size = -((need + _HEAD) // -PAGE) * PAGE
                address, self._next = self._next, self._next - 1
                self._mapped[address] = size, bytearray(size // PAGE)
                return address
            self._end = -((self._top + need + _PAD + _LEAST) // -PAGE) * PAGE
            self._pages.extend(bytes(self._end // PAGE - len(self._pages)))
        address, self._top = self._top, self._top + need
        self._used[address] = need
        return address

    def _keep(self, address: int, size: int) -> None:
        self._free[address] = size
        self._free_by_end[address + size] = address
        insort(self._sizes, (size, address))

    def _forget(self, address: int) -> None:
        size = self._free.pop(address)
        del self._free_by_end[address + size]
        del self._sizes[bisect_left(self._sizes, (size, address))]

    def _cut(self, end: int) -> None:
        if end < self._end:
            self.resident -= self._pages.count(1, end // PAGE) * PAGE
            del self._pages[end // PAGE :]
            self._end = end
