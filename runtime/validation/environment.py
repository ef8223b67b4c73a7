"""What a profile was taken on and with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...costmodel.host import cpu_name, host
from ..protocol import Options, Runtime


@dataclass(frozen=True)
class Environment:
    """What was measured on and with; all None if that was elsewhere.

    ``version`` is the runtime's; ``denormals`` are flushed to zero, or kept at a cost in time.
    """

    cpu: str | None
    isa: str | None
    runtime: str | None
    version: str | None
    level: str | None
    threads: int | None
    pinned: bool | None
    denormals: Literal["flushed", "kept"] | None


def environment_of(runtime: Runtime, options: Options) -> Environment:
    """Of the calling thread, after a session was opened on it."""
    return Environment(
        cpu=cpu_name(),
        isa=host().isa,
        runtime=runtime.title,
        version=runtime.version,
        level=options.level.value,
        threads=options.threads,
        pinned=options.threads == 1 and hasattr(os, "sched_setaffinity"),
        denormals="flushed" if flushes_denormals() else "kept",
    )


def flushes_denormals() -> bool:
    """Whether the calling thread's arithmetic takes denormals for zero."""
    return bool(np.float32(1e-40) * np.float32(1) == 0)
