"""The runtimes that there are, by the names that device files have for them."""

from __future__ import annotations

from collections.abc import Callable

from .protocol import Runtime


def _onnxruntime() -> Runtime:
    from .onnxruntime.runtime import OnnxRuntime  # noqa: PLC0415 - who runs nothing needs it not

    return OnnxRuntime()


RUNTIMES: dict[str, Callable[[], Runtime]] = {"onnxruntime-cpu": _onnxruntime}


def runtime_for(name: str) -> Runtime:
    """The runtime of a device; onnxruntime's CPU provider where that one can't be run here."""
    return RUNTIMES.get(name, _onnxruntime)()
