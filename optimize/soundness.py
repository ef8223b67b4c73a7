"""What every pass must leave as it is, whatever it rewrites: a whole graph and its interface.

It says nothing of what is computed: that outputs are equal is found by running both graphs.
"""

from __future__ import annotations

from ..graph import Graph, OcostError, dtypes, verify
from ..ledger.figures import Figures


def broken(before: Graph, after: Graph, old: Figures, new: Figures) -> str:
    """What is wrong with a rewritten graph, as a clause; "" if nothing is.

    Parameters
    ----------
    before, after
        The root graphs.
    old, new
        What they cost, and the types that outputs are inferred to have.
    """
    try:
        verify(after)
    except OcostError as error:
        return f"the graph that it leaves is broken: {error}"
    for what, one, other in (
        ("inputs", _inputs(before), _inputs(after)),
        ("outputs", before.outputs, after.outputs),
    ):
        if one != other:
            odd = sorted(set(one) ^ set(other))[:3] or list(one[:3])
            return f"the graph's {what} are others: {', '.join(odd)}"
    for name, (dtype, rank) in old.outputs.items():
        type_now, rank_now = new.outputs.get(name, (None, None))
        if dtype and type_now and dtype != type_now:
            return f"output '{name}' was {dtypes.name(dtype)} and is {dtypes.name(type_now)}"
        if rank is not None and rank_now is not None and rank != rank_now:
            return f"output '{name}' had rank {rank} and has {rank_now}"
    return ""


def _inputs(graph: Graph) -> tuple[str, ...]:
    """What a caller may give; below IR version 4 constants are listed as inputs too."""
    return tuple(n for n in graph.inputs if n not in graph.initializers or graph.overridable(n))
