"""onnxsim in a process of its own: what it prints is dropped, and its death ends nothing else.

Run as a file, so that it imports onnxsim alone. Requests come as pickles to the standard input,
answers go as pickles to the standard output.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from typing import Any, BinaryIO


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Simplify a model file with the named optimisers and no others.

    Parameters
    ----------
    request
        ``model``: a path; ``made``: where to write; ``optimizers``: names; ``options``: further
        ones of ``onnxsim.simplify``.
    """
    import onnxsim  # noqa: PLC0415 - imported below already; where that failed, it is an answer
    from onnxsim import onnxsim_cpp2py_export as core  # noqa: PLC0415 - slow to import

    # Asking for the others registers onnxsim's own; some of those run by default.
    there = {*core._list_other_optimizers(), *core._list_optimizers()}
    onnxsim.simplify(
        request["model"],
        output_path=request["made"],
        skipped_optimizers=sorted(there - set(request["optimizers"])),
        certify=False,
        **request["options"],
    )
    return {}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more requests; what that takes is imported before the first."""
    with contextlib.suppress(Exception):
        import onnxsim  # noqa: F401, PLC0415 - to see that it can be
    while True:
        try:
            request = pickle.load(requests)
        except EOFError:
            return
        try:
            found = answer(request)
        except BaseException as error:
            found = {"error": " ".join(str(error).split())[:300] or type(error).__name__}
        pickle.dump(found, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    serve(sys.stdin.buffer, own)
