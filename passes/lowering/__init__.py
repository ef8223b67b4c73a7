"""What a runtime makes of a graph by itself, as rules: no runtime is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...graph import Graph
from ...graph.shapes import Given
from ...lineage.lineage import Lineage
from .near import OVERRIDABLE, NearMiss, Way
from .read import TooManyError, read
from .sizes import Sizes, opened
from .target import OptimizationLevel, Target
from .targets import RUNTIMES
from .work import Type
from .write import blocked_of, graph_of, lineage_of


class Lowered(NamedTuple):
    """The graph that a runtime executes.

    Parameters
    ----------
    graph
        Its nodes under the runtime's own operators and domains; a constant may be a type and a
        shape without contents.
    lineage
        For each executed node the originals that it stands for, or the boundary between
        originals that it was put in at; for each original what became of it.
    declined
        Rewrites that the runtime nearly makes, and what stands in their way.
    blocked
        By path of a tensor in a blocked layout: the channels that it has without padding.
    """

    graph: Graph
    lineage: Lineage
    declined: tuple[NearMiss, ...]
    blocked: Mapping[str, int]


def lower(graph: Graph, target: Target, given: Given | None = None) -> Lowered:
    """What a target's runtime makes of a graph when it opens it.

    The graph is left as it is, no weight is read, and nothing is proven: a rule does what the
    runtime does. Open dims stay open, as they are for the runtime, unless it compiles a graph for
    the sizes that it will see.

    Parameters
    ----------
    graph
        A root graph.
    target
        The runtime.
    given
        What the user says of inputs. Only other sizes than the file fixes count here, as if the
        file had them.

    Raises
    ------
    OcostError
        If what is given names no input, or its functions come to too many nodes (``TooManyError``).
    """
    return lower_mended(graph, target, _sizes(graph, target, given), frozenset())


def lower_mended(graph: Graph, target: Target, sizes: Sizes, ways: frozenset[Way]) -> Lowered:
    """The same, were some kinds of what stands in the way of rules mended.

    Parameters
    ----------
    graph, target
        As ``lower`` takes them.
    sizes
        Of inputs, instead of what the file says.
    ways
        Each place of these kinds is mended where a rule declines because of it.
    """
    work = read(graph, target, sizes)
    work.mending = ways
    if Way("", OVERRIDABLE) in ways:
        work.overridable.clear()
    RUNTIMES[target.runtime]().rewrite(work)
    lowered = graph_of(work)
    declined = tuple(work.declined)
    return Lowered(lowered, lineage_of(work, lowered), declined, blocked_of(work, lowered))


def types_of(graph: Graph, target: Target, given: Given | None = None) -> Mapping[str, Type]:
    """The types of a root graph's tensors as a runtime knows them when it opens it.

    Raises
    ------
    OcostError
        If what is given names no input.
    """
    return read(graph, target, _sizes(graph, target, given)).types


def _sizes(graph: Graph, target: Target, given: Given | None) -> Sizes:
    """The sizes of inputs that hold instead of what the file says."""
    return opened(graph, given, fixed=RUNTIMES[target.runtime]().fixed).sizes


__all__ = ["Lowered", "OptimizationLevel", "Target", "TooManyError", "lower", "types_of"]
