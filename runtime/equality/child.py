"""Child processes that run models for a check: started when needed, used again, ended in time."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from ...graph import OcostError

_WORKER = f"{__package__}.worker"
_SHARE = 0.9  # of the memory that is free when a child starts: what it may take at most
_idle: list[Child] = []
_lock = threading.Lock()


class DiedError(OcostError):
    """The child process ended without an answer, or was ended for lack of time."""


class LimitError(DiedError):
    """It went over a limit of time or memory: another try would only do so again."""


class Child:
    """One child process; see ``worker`` for what it answers."""

    def __init__(self) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self.served = 0
        free = _free_memory()
        if free is not None:
            self.ask(("limit", int(_SHARE * free)), 60)

    def ask(self, request: object, seconds: float) -> Any:  # noqa: ANN401 - whatever it answers
        """Its answer to a request.

        Raises
        ------
        DiedError
            If it ends.
        LimitError
            If it has to be ended after these seconds, or lacks memory.
        OcostError
            If it answers that it can't.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True  # where an interrupt falls between, nobody waits for it
        try:
            timer.start()
            pickle.dump(request, stdin)
            stdin.flush()
            fine, answer = pickle.load(stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            code = self.close()
            if late.is_set():
                raise LimitError(f"it takes more than {seconds:.0f} s") from None
            raise DiedError(_how_it_ended(code)) from None
        finally:
            timer.cancel()
        self.served += 1
        if fine is None:
            raise LimitError(answer)
        if not fine:
            raise OcostError(answer)
        return answer

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def close(self) -> int:
        """End it; its exit code."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        try:
            return self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@contextlib.contextmanager
def child(*, fresh: bool = False) -> Iterator[Child]:
    """A child process of one's own; a ``fresh`` one has served nobody before."""
    with _lock:
        found = _idle.pop() if _idle and not fresh else None
    if found is None or not found.alive:
        found = Child()
    try:
        yield found
    except BaseException:
        found.close()  # it may be in the middle of an answer
        raise
    if found.alive:
        with _lock:
            _idle.append(found)
    else:
        found.close()


@atexit.register
def _close() -> None:
    while _idle:
        _idle.pop().close()


def _free_memory() -> int | None:
    """Bytes that can be had, None where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            rows = dict(line.split(":", 1) for line in file)
        return int(rows["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def _how_it_ended(code: int) -> str:
    if code == -getattr(signal, "SIGKILL", 9):
        return "the process that ran it was killed: out of memory, probably"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"the process that ran it died of {signal.Signals(-code).name}"
    return f"the process that ran it ended with code {code}"
