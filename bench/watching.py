"""Processes that write down what they find, and are stopped when they stand still."""

from __future__ import annotations

import time
from multiprocessing.process import BaseProcess
from pathlib import Path

_LOOK_S = 0.5  # how often a file is looked at


def watch(process: BaseProcess, path: Path, limit_s: float, end: float = float("inf")) -> str:
    """Start a process and wait for it.

    Parameters
    ----------
    process
        It appends to the file.
    path
        The file.
    limit_s
        It is killed when the file hasn't grown for so many seconds.
    end
        It is killed then, by the monotonic clock.

    Returns
    -------
    str
        Why it did not end by itself and well; "" if it did.
    """
    process.start()
    size, since = -1, time.monotonic()
    while process.is_alive():
        process.join(_LOOK_S)
        now = path.stat().st_size if path.exists() else 0
        if now != size:
            size, since = now, time.monotonic()
        late = time.monotonic() - since > limit_s
        if process.is_alive() and (late or time.monotonic() > end):
            process.kill()
            process.join()
            return f"takes more than {limit_s:g} s" if late else "no time is left"
    return f"the process died with code {process.exitcode}" if process.exitcode else ""
