"""The Loops that a user may name, by the paths that reports print."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import OcostError
from ..graph import Graph
from ..load import instantiate
from ..node import Node

_LISTED = 5  # names in an error


def require_loops(names: Iterable[str], *graphs: Graph) -> None:
    """Refuse names of Loops that none of the graphs has.

    Raises
    ------
    OcostError
        With the names that come closest.
    """
    for name in names:
        found = [node for graph in graphs if (node := _find(graph, name)) is not None]
        if any(node.op_type == "Loop" for node in found):
            continue
        if found:
            kind = found[0].op_type
            hint = "; give --shape of what it scans" if kind == "Scan" else ""
            raise OcostError(f"--trips {name}: '{name}' is no Loop but a {kind}{hint}")
        raise OcostError(f"--trips {name}: the model has no Loop '{name}'; {_others(name, graphs)}")


def _find(graph: Graph, path: str) -> Node | None:
    """The node of a path, in bodies and functions too."""
    for node in graph:
        own = graph.path(node)
        if path == own:
            return node
        if not path.startswith(f"{own}/"):
            continue
        bodies = list(graph.subgraphs(node).values())
        function = graph.function(node)
        if function is not None:
            bodies.append(instantiate(graph, node, function))
        for body in bodies:
            found = _find(body, path)
            if found is not None:
                return found
    return None


def _others(name: str, graphs: tuple[Graph, ...]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - for an error alone

    nodes = (pair for graph in graphs for pair in graph.walk())
    loops = list(dict.fromkeys(scope.path(n) for scope, n in nodes if n.op_type == "Loop"))
    if not loops:
        return "it has no Loop"
    close = get_close_matches(name, loops, _LISTED, 0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    left = len(loops) - _LISTED
    return f"it has {', '.join(loops[:_LISTED])}" + (f" and {left} more" if left > 0 else "")
