"""What a graph is lowered for: a runtime, its version, its channel block, how far it optimises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ...costmodel.cost import Costed
    from ...costmodel.footprint import Footprints
    from ...costmodel.memory import Memory
    from ...graph.shapes import Shapes
    from .work import Work

Version = tuple[int, int]


class OptimizationLevel(IntEnum):
    """How far a runtime optimises a graph when it opens it; each level does what those below do."""

    DISABLE = 0
    BASIC = 1
    EXTENDED = 2
    LAYOUT = 3
    ALL = 99


class Target(NamedTuple):
    """A runtime on a kind of machine.

    Parameters
    ----------
    runtime
        Its name, as a device file has it.
    version
        Major and minor.
    block
        Channels that a blocked layout keeps together: of onnxruntime 16 with AVX-512, 8 on other
        x86; 0 where the runtime has no such layout.
    level
        How far it optimises.
    without
        What it is told to leave out, by the names that it has for its own rewrites.
    """

    runtime: str = "onnxruntime-cpu"
    version: Version = (1, 32)
    block: int = 16
    level: OptimizationLevel = OptimizationLevel.ALL
    without: frozenset[str] = frozenset()


class Runtime(NamedTuple):
    """What is known of a runtime.

    Parameters
    ----------
    name
        As a device file has it.
    rewrite
        Makes of a working graph what the runtime makes of it.
    activations
        The memory that activations take in the graph that it executes; None where a size is not
        known.
    versions
        Those that are tabulated, in ascending order; none if it has no versions.
    fixed
        Whether it compiles a graph for the sizes that inputs will have; else open dims stay open.
    footprints
        How much memory a session takes; None where there are no rules for that.
    """

    name: str
    rewrite: Callable[[Work], None]
    activations: Callable[[Shapes, Sequence[Costed]], Memory | None]
    versions: tuple[Version, ...] = ()
    fixed: bool = False
    footprints: Footprints | None = None

    def nearest(self, version: Version) -> Version:
        """The tabulated version that is nearest; of two the older, which claims less."""
        places = {found: 100 * found[0] + found[1] for found in self.versions}
        place = 100 * version[0] + version[1]
        return min(self.versions, key=lambda found: (abs(places[found] - place), found))
