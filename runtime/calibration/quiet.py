"""Waits until a machine is quiet enough to be measured, or says that it isn't.

Programs on the same core take its time, which the clocks tell. Those on a core beside it, or on
another virtual machine, only make it slower: a fixed piece of work tells, against the fastest that
it has been.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256

from ...graph import OcostError

_SPIN_S = 0.02
_BUSY = 0.15  # the part of a core that others may take
_SLOW = 1.15  # times the fastest
_PAUSE_S = 0.5


def taken() -> float:
    """The part of this core's time that others took just now: 0 on a quiet machine."""
    began, own = time.perf_counter(), time.thread_time()
    while time.perf_counter() - began < _SPIN_S:
        pass
    wall = time.perf_counter() - began
    return max(0.0, 1 - (time.thread_time() - own) / wall)


def work() -> float:
    """Seconds of a fixed piece of work, the smallest of a few times."""
    return min(_worked() for _ in range(_TIMES))


def _worked() -> float:
    began = time.perf_counter()
    sha256(_WORK).digest()
    return time.perf_counter() - began


_WORK, _TIMES = bytes(1 << 20), 5


class Quiet:
    """Waits before each measurement for as long as the machine is busy.

    Parameters
    ----------
    patience_s
        In all, after which measuring is given up.
    look
        Answers how busy the machine is.
    work
        Answers how long a fixed piece of work takes.
    """

    def __init__(
        self,
        patience_s: float,
        look: Callable[[], float] = taken,
        work: Callable[[], float] = work,
    ) -> None:
        self._left = patience_s
        self._look, self._work = look, work
        self._fastest = float("inf")
        self.waited_s = 0.0

    def slow(self) -> bool:
        """Whether the machine is slower just now than it has been."""
        took = self._work()
        self._fastest = min(self._fastest, took)
        return took > _SLOW * self._fastest

    def wait(self, tell: Callable[[str], object]) -> None:
        """Wait for a quiet moment.

        Raises
        ------
        OcostError
            If there was none for too long.
        """
        began = time.perf_counter()
        while (busy := self._look()) > _BUSY:
            if self._left <= 0:
                raise OcostError(
                    f"this machine is too busy to be measured: other programs take {busy:.0%} of "
                    "a core; stop them, and run the same command again: it goes on from here"
                )
            tell(f"waiting: other programs take {busy:.0%} of a core")
            time.sleep(_PAUSE_S)
            self._left -= _PAUSE_S
        self.waited_s += time.perf_counter() - began
