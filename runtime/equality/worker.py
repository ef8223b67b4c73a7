"""The child process that runs models for a check: it opens one at a time and answers inputs.

What crashes, hangs or takes all memory does so here, and the parent tells what became of it.
Requests and answers are pickled, over stdin and what was stdout: both ends are ocost's own.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ...graph import OcostError
from .engines import Engine, open_engine
from .reference import Run
from .transport import get, put


def main() -> None:
    """Serve until the parent goes."""
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # what libraries print must not get between the answers
    serve(sys.stdin.buffer, answers)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request with (True, result), (False, why not), or (None, which limit it hit)."""
    run: Run | None = None
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        try:
            match request:
                case ("open", path, engine):
                    run = None  # its memory goes before the next one's comes
                    run = open_engine(Path(path), Engine(engine))
                    answer: tuple[bool | None, object] = True, None
                case ("run", feeds, folder):
                    answer = True, _run(run, feeds, Path(folder))
                case ("limit", size):
                    _limit(size)
                    answer = True, None
                case _:
                    answer = False, f"no request: {request!r}"
        except MemoryError:
            answer = None, "out of memory"
        except OcostError as error:
            answer = None if _lacks_memory(error) else False, str(error)
        except Exception as error:  # of an engine: it is the model that can't be run
            answer = False, f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


def _run(run: Run | None, feeds: Mapping[str, Any], folder: Path) -> object:
    if run is None:
        raise OcostError("no model is open")
    return put(list(run(get(feeds))), folder, "out")


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether an engine failed for lack of memory; onnxruntime says so in its text alone."""
    if error is None:
        return False
    told = any(text in str(error) for text in ("bad_alloc", "Failed to allocate memory"))
    return told or isinstance(error, MemoryError) or _lacks_memory(error.__cause__)


def _limit(size: int) -> None:
    """Let this process have no more data than that; where the system has no such limit, all."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


if __name__ == "__main__":
    main()
