"""Shapes of a whole graph: with what is given of its inputs, or as they are in every run."""

from __future__ import annotations

from collections.abc import Mapping

from ..graph import Graph
from .engine import Checks, Inference, Reached
from .fits import Misfit
from .given import Given, Inputs, input_infos, refuse_open
from .info import Info
from .onnx_inference import from_type
from .sizes import Size, Sizes, settle
from .table import Shapes


def infer(graph: Graph, given: Given | None = None) -> Shapes:
    """Shapes, types and small contents of every tensor of a graph and its bodies.

    Raises
    ------
    OcostError
        If what is given names no input or contradicts the model.
    """
    given = given or Given()
    inputs = input_infos(graph, given)
    checks = Checks.NOTE if inputs.assumed else Checks.KEEP if inputs.bound else None
    shapes = _run(graph, given, inputs, checks)
    if shapes.misfits:
        # what another model's search found, or didn't, is not searched for again
        sizes = given.found or _settled(graph, given, inputs, shapes.misfits[0])
        if sizes or inputs.bound:
            shapes = _run(graph, given, input_infos(graph, given, sizes), Checks.KEEP)
    if given.strict:
        refuse_open(shapes.assumed)
    return shapes


def _run(
    graph: Graph, given: Given, inputs: Inputs, checks: Checks | None, until: str = ""
) -> Shapes:
    shapes = Shapes(graph)
    shapes.assumed, shapes.inferred = inputs.assumed, inputs.inferred
    shapes.overridden = inputs.overridden
    return Inference(shapes, checks, until, given.trips, user_shapes=inputs.bound).run(inputs.infos)


def _settled(graph: Graph, given: Given, inputs: Inputs, first: Misfit) -> Sizes:
    """Sizes for the open dims that more nodes can take than 1."""

    def probe(sizes: Mapping[str, int], until: str) -> Misfit | None:
        tried = input_infos(graph, given, {name: Size(size) for name, size in sizes.items()})
        try:
            _run(graph, given, tried, Checks.TRY, until)
        except Reached:
            return None
        except Misfit as misfit:
            return misfit
        return None

    return settle(probe, first, {name: inputs.axes[name] for name in inputs.assumed})


def prove(graph: Graph) -> Shapes:
    """Shapes, types and small contents that hold in every run.

    Open dims stay open, hints and declared types of inner tensors count for nothing, and an
    initializer that a caller may override is an input.
    """
    proof = Inference(Shapes(graph), user_shapes=True, proving=True, lenient=True)
    given = [n for n in graph.inputs if n not in graph.initializers or graph.overridable(n)]
    return proof.run({n: from_type(graph.declared[n].type) for n in given})


def prove_at(graph: Graph, inputs: Mapping[str, Info]) -> Shapes:
    """As ``prove``, with these inputs; a contradiction is an error.

    Raises
    ------
    OcostError
        If a node can't take them.
    """
    return Inference(Shapes(graph), user_shapes=True, proving=True).run(inputs, share=False)
