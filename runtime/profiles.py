"""What a runtime tells of a model that it ran: times, memory, start-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..graph import Graph
from ..lineage.lineage import Lineage
from .timing.stopwatch import Timing

_SCALED = 1.25  # times that are off by more are worth a word

# By path: how often an execution of the loop ran its body, on the mean over all of them.
Trips = Mapping[str, float]


@dataclass(frozen=True)
class NodeTime:
    """Seconds of an executed node in a run, without its bodies, over all trips of its loop."""

    name: str
    op_type: str
    seconds: float


@dataclass(frozen=True)
class Profile:
    """A session's nodes and their times.

    Parameters
    ----------
    optimized
        The graph that the session executes, without the contents of large constants.
    nodes
        Those that were executed, an owner before its bodies' nodes. Their times add up to the
        latency.
    latency
        Of the same session without the profiler.
    bias_s
        What the profiler adds to a node; it is taken off.
    runs
        That the times are from.
    scale
        What they were multiplied by so that they add up: the latency over what the profiler saw.
    trips
        How often an execution of each loop ran its body, on the mean.
    """

    optimized: Graph
    nodes: tuple[NodeTime, ...]
    latency: Timing
    bias_s: float
    runs: int
    scale: float = 1.0
    trips: Trips = field(default_factory=dict)

    @property
    def reservation(self) -> str:
        """What to know of times that had to be scaled far; "" of others."""
        if 1 / _SCALED <= self.scale <= _SCALED:
            return ""
        return (
            f"the nodes took {100 / self.scale:.0f} % of the latency when profiled: their times "
            "are scaled to add up to it, with what the runtime does between them"
        )


@dataclass(frozen=True)
class Imported:
    """A profile that was taken elsewhere, in the form of one that was taken here.

    Parameters
    ----------
    profile
        As of ``Runtime.profile``, but what the profiler adds is still in it (``bias_s`` is 0), and
        the nodes' times add up to what they add up to. ``latency`` is the lower quartile of the
        runs' wall clock, its interval their first to their ninth decile. Without the graph that
        was executed, ``optimized`` has its nodes alone, no tensors.
    attribution
        Of its nodes to the original's.
    by_names
        Whether that rests on names alone.
    providers
        By executed node.
    reasons
        By executed node: why it is placed nowhere, as far as it is.
    truncated
        Whether the file ends within a run.
    notes
        What to know when reading the figures, a line each.
    """

    profile: Profile
    attribution: Lineage
    by_names: bool
    providers: Mapping[str, str]
    reasons: Mapping[str, str]
    truncated: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MemoryPeak:
    """Bytes of the memory that a runtime allots to activations, its arena, in a first run.

    Parameters
    ----------
    peak_bytes
        The most activation bytes at once when a node has finished, over ``baseline_bytes``.
        Outputs are among them; inputs are the caller's.
    node
        The executed node at which that is.
    baseline_bytes
        What the session keeps in the arena from run to run: weights, packed ones too, but none
        that it leaves in the model's memory.
    high_water_bytes
        The most at any moment over the same baseline, scratch memory of kernels and what the
        arena rounds up included. None where opening the session had taken more already.
    held_bytes
        What the arena took from the system by the end of the run.
    """

    peak_bytes: int
    node: str
    baseline_bytes: int
    high_water_bytes: int | None
    held_bytes: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident bytes over a process that has opened and run a model of one node.

    ``opening_bytes`` is the most before the first run, ``peak_bytes`` the most at all.
    """

    opening_bytes: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Startup:
    """What it costs to open a model; the runtime itself and the file's pages are loaded already.

    Parameters
    ----------
    open_s, low_s, high_s
        Median, fastest and slowest opening, in seconds of wall clock.
    parse_s
        Of one of them: reading the file, in contrast to optimising the graph and packing weights.
        None where the runtime doesn't say.
    openings
        How many there were.
    memory_bytes
        Resident memory that an open session keeps, weights included; None where the system can't
        tell.
    """

    open_s: float
    low_s: float
    high_s: float
    parse_s: float | None
    openings: int
    memory_bytes: int | None
