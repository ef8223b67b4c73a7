"""Asking onnxsim, which runs in a process of its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.message import EncodeError
from onnx import ModelProto

from ..graph import OcostError

_PATIENCE_S = 5.0  # for it to end by itself
_LIMIT_S = 120.0  # that one answer may take
_LIMIT_BYTE_S = 1e-6  # and as much more for each byte of the model
_LARGE = 100 * 2**20  # bytes of a model behind which it starts anew
_CHILD = Path(__file__).with_name("onnxsim_child.py")


class DiedError(OcostError):
    """The process ended without an answer."""


class LateError(DiedError):
    """It was ended for lack of time."""


class Onnxsim:
    """A process with onnxsim in it: started when it is first asked, or has died.

    It costs the way of the model there and back, through files. In return nothing that onnxsim
    prints has to be caught, a crash in its C++ is an answer like any other, and whoever starts it
    early has other things to do while it imports onnxsim.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0  # a fork of this process must not talk into the same pipes
        self._lock = threading.Lock()

    def start(self) -> None:
        """Let it import onnxsim already."""
        if self._process is None or self._owner != os.getpid():
            self._process, self._owner = _start(), os.getpid()

    def simplify(
        self,
        model: ModelProto,
        optimizers: Collection[str],
        **options: Any,  # noqa: ANN401 - of onnxsim
    ) -> ModelProto:
        """What onnxsim makes of a model with its weights.

        Parameters
        ----------
        model
            It stays as it is.
        optimizers
            The names of those that may run.
        options
            Further ones of ``onnxsim.simplify``.

        Raises
        ------
        DiedError
            If the process ends.
        LateError
            If it has to be ended, since it takes too long.
        OcostError
            If onnxsim refuses the model, protobuf does, or there is no room for its file.
        """
        with tempfile.TemporaryDirectory(prefix="ocost-", ignore_cleanup_errors=True) as folder:
            source, made = Path(folder) / "model.onnx", Path(folder) / "made.onnx"
            try:
                source.write_bytes(model.SerializeToString())
            except (ValueError, EncodeError) as error:
                raise OcostError("onnxsim takes no model of over 2 GB") from error
            except OSError as error:
                raise OcostError(f"no room for a copy of the model for onnxsim: {error}") from error
            request = {
                "model": str(source),
                "made": str(made),
                "optimizers": tuple(optimizers),
                "options": options,
            }
            size = source.stat().st_size
            with self._lock:
                found = self._ask(request, _LIMIT_S + size * _LIMIT_BYTE_S)
                if size > _LARGE:  # the memory that it took for that
                    self.close()
            if "error" in found:
                raise OcostError(f"onnxsim fails on this model: {found['error']}")
            return ModelProto.FromString(made.read_bytes())

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        self.start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True  # where an interrupt falls between, nobody waits for it
        try:
            timer.start()
            pickle.dump(request, process.stdin, pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            found: dict[str, Any] = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            code = self._end()
            if late.is_set():
                text = f"onnxsim takes more than {seconds:.0f} s on this model: ended"
                raise LateError(text) from error
            raise DiedError(f"onnxsim died on this model ({_words(code)})") from error
        except BaseException:  # an interrupt: nobody waits for this answer any more
            process.kill()
            self._end()
            raise
        finally:
            timer.cancel()
        return found

    def close(self) -> None:
        """Let the process end."""
        if self._process is not None and self._owner == os.getpid():
            self._end()

    def _end(self) -> int:
        process, self._process = self._process, None
        assert process is not None
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            return process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:  # it is in the middle of something nobody waits for
            process.kill()
            return process.wait()


@cache
def shared() -> Onnxsim:
    """The one that ends with this process."""
    made = Onnxsim()
    atexit.register(made.close)
    return made


def _start() -> subprocess.Popen[bytes]:
    # -P: the modules beside the file are not those that onnxsim means by their names
    return subprocess.Popen(
        [sys.executable, "-P", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _words(code: int) -> str:
    if code >= 0:
        return f"its process ended with code {code}"
    try:
        return f"its process ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process ended by signal {-code}"
