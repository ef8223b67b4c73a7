"""What a graph is lowered for: a runtime, its version, its channel block, how far it optimises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

Version = tuple[int, int]


class Level(IntEnum):
    """How far a runtime optimises a graph when it opens it; each level does what those below do."""

    DISABLE = 0
    BASIC = 1
    EXTENDED = 2
    LAYOUT = 3
    ALL = 99


@dataclass(frozen=True)
class Target:
    """A runtime on a kind of machine.

    Parameters
    ----------
    runtime
        Its name, as a device file has it.
    version
        Major and minor.
    block
        Channels that a blocked layout keeps together: 16 with AVX-512, 8 on other x86, 0 where
        the runtime has no such layout.
    level
        How far it optimises.
    without
        What it is told to leave out, by the names that it has for its own rewrites.
    """

    runtime: str = "onnxruntime-cpu"
    version: Version = (1, 32)
    block: int = 16
    level: Level = Level.ALL
    without: frozenset[str] = frozenset()
