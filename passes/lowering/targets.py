"""The runtimes that a graph can be lowered for: the one list of them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from .target import Runtime


def _in(folder: str) -> Callable[[], Runtime]:
    """What answers the runtime of a folder, whose rules are imported when it is asked."""

    def runtime() -> Runtime:
        return cast("Runtime", import_module(f".{folder}.pipeline", __package__).RUNTIME)

    return runtime


IDEAL = "ideal"  # stands in for a runtime without rules

RUNTIMES: dict[str, Callable[[], Runtime]] = {
    "onnxruntime-cpu": _in("onnxruntime_cpu"),
    "mobile": _in("mobile"),
    IDEAL: _in("ideal"),
}
