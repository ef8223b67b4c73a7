"""What the channels of a tensor consist of, and which of them have to grow together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The channels of a tensor: runs of them along axis 1.

    Parameters
    ----------
    runs
        Numbers in ``Groups``, in order; a Concat's output has several.
    each
        Elements that axis 1 holds of a channel: 1, more behind a Flatten.
    most
        The largest magnitude that an added channel may hold, whatever the inputs. It is finite,
        so that a zero weight makes nothing of it.
    """

    runs: tuple[int, ...]
    each: int = 1
    most: float = 0.0


class Groups:
    """Runs of channels as disjoint sets: those of a set grow together or not at all."""

    def __init__(self) -> None:
        self._above: list[int] = []
        self._sizes: list[int] = []
        self._fixed: dict[int, str] = {}

    def new(self, size: int, fixed: str = "") -> int:
        """A new run of so many channels; ``fixed`` says why it may not grow."""
        self._above.append(len(self._above))
        self._sizes.append(size)
        if fixed:
            self._fixed[len(self._above) - 1] = fixed
        return len(self._above) - 1

    def root(self, run: int) -> int:
        """The run that stands for all that grow with this one."""
        while self._above[run] != run:
            self._above[run] = run = self._above[self._above[run]]
        return run

    def size(self, run: int) -> int:
        """Its channels."""
        return self._sizes[run]

    def total(self, layout: Layout) -> int:
        """The channels of a tensor."""
        return sum(self._sizes[run] for run in layout.runs)

    def alike(self, one: Layout, other: Layout) -> bool:
        """Whether two tensors consist of runs of the same sizes."""
        return one.each == other.each and [*map(self.size, one.runs)] == [
            *map(self.size, other.runs)
        ]

    def join(self, one: Layout, other: Layout) -> None:
        """Let tensors that are alike grow together from now on."""
        for first, second in zip(one.runs, other.runs, strict=True):
            kept, gone = sorted((self.root(first), self.root(second)))
            self._above[gone] = kept
            if gone in self._fixed:
                self._fixed.setdefault(kept, self._fixed[gone])

    def fix(self, layout: Layout, why: str) -> None:
        """Let none of a tensor's channels grow."""
        for run in layout.runs:
            self._fixed.setdefault(self.root(run), why)

    def fixed(self, run: int) -> str:
        """Why a run may not grow; "" if it may."""
        return self._fixed.get(self.root(run), "")
