"""The sizes that a runtime has when it opens a graph, and those that it runs with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...graph import Graph
from ...graph.shapes import Given, infer
from .inference import from_proto
from .values import Dims

Sizes = Mapping[str, Dims]


class Opened(NamedTuple):
    """How the inputs of a graph are when a runtime opens it, and when it runs.

    ``sizes`` are those that hold when it is opened instead of what the file says. ``given`` is what
    the user says, for the graph that is executed. ``assumed``, ``inferred`` and ``overridden`` are
    those of ``Shapes``; None where they are not known before the graph that is executed is.
    """

    sizes: Sizes
    given: Given | None
    assumed: Mapping[str, int] | None = None
    inferred: Mapping[str, int] | None = None
    overridden: Mapping[str, tuple[int | None, ...]] | None = None


def opened(graph: Graph, given: Given | None, *, fixed: bool) -> Opened:
    """The inputs of a root graph; ``fixed``: the runtime compiles it for the sizes that they have.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    said = given or Given()
    if not fixed and not (said.shapes or said.dims or said.values):
        return Opened({}, given)
    known = infer(graph, given)
    infos = {n: known.get(n) for n in graph.inputs if n not in graph.initializers}
    shapes = {n: i.resolved for n, i in infos.items() if i and i.resolved is not None}
    sizes: Sizes = shapes
    if not fixed:
        sizes = {n: _changed(graph, n, shapes[n]) for n in known.overridden}
    # Open dims may have no symbol any more, so the graph that is executed gets whole shapes.
    executed = Given(shapes, values=said.values, trips=said.trips)
    return Opened(sizes, executed, known.assumed, known.inferred, known.overridden)


def _changed(graph: Graph, name: str, shape: tuple[int, ...]) -> Dims:
    """The dims of an input whose fixed sizes the user changed; open ones stay open."""
    stated = from_proto(graph.declared[name].type).dims or ()
    return tuple(size if type(dim) is int else dim for dim, size in zip(stated, shape, strict=True))
