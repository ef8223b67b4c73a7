"""Is the graph whole? Every edge is derived anew from the nodes and compared."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .errors import OcostError
from .graph import Graph, captured


def verify(graph: Graph, outer: Sequence[Collection[str]] = ()) -> None:
    """Check that every tensor read is there and that the edges say what the nodes say.

    Parameters
    ----------
    graph
        With its bodies.
    outer
        For a body: the names that each scope around it has.

    Raises
    ------
    OcostError
        If a node or an output reads a tensor that nothing makes, a tensor has two makers, the
        graph is cyclic, or the edges don't follow from the nodes (a bug in a mutation).
    """
    made: dict[str, str] = {}
    given = frozenset(graph.inputs).union(graph.initializers)
    for node in graph:  # in topological order, so a cycle is found here
        for output in filter(None, node.outputs):
            if output in made or output in given:
                raise OcostError(f"tensor '{output}' is produced twice, by '{graph.path(node)}'")
            made[output] = node.id
    scopes = (*outer, made, given)
    edges: set[tuple[str, str, int | str]] = set()
    for node in graph:
        reads: list[tuple[int | str, str]] = [(i, t) for i, t in enumerate(node.inputs) if t]
        reads += [(f"capture:{t}", t) for t in captured(graph.subgraphs(node).values())]
        for key, tensor in reads:
            if tensor in made:
                edges.add((made[tensor], node.id, key))
            elif not any(tensor in scope for scope in scopes):
                raise OcostError(
                    f"node '{graph.path(node)}' ({node.op_type}) reads tensor '{tensor}', "
                    "which nothing makes"
                )
        for body in graph.subgraphs(node).values():
            verify(body, scopes)
    for output in graph.outputs:
        if not any(output in scope for scope in scopes):
            raise OcostError(f"graph output '{output}' is made by no node")
    for found in (graph.edges(), set(graph.nx.edges(keys=True)) if graph.drawn else edges):
        if found != edges:
            raise OcostError(
                f"the edges don't follow from the nodes: {min(map(str, edges ^ found))}"
            )
