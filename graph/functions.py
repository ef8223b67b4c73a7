"""How many nodes a graph comes to once its function calls are inlined.

Functions that call others twice each make that exponential in their depth. It is counted without
inlining anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onnx import NodeProto

from .errors import OcostError
from .graph import FunctionKey, Graph

# The domain of functions that a runtime runs as one kernel: what they make inside moves nothing.
FUSED = "ocost.fused"

# A body for each call, up to so many nodes in all; beyond, equal calls share a body.
MOST_INLINED = 20_000
_DEEPEST = 150


def inlined_nodes(graph: Graph) -> int:
    """Nodes of a root graph, its bodies and, a call each, its functions.

    Raises
    ------
    OcostError
        If a function calls itself, or calls nest too deep.
    """
    functions = graph.header.functions
    counts: dict[FunctionKey, int] = {}

    def count(key: FunctionKey, above: tuple[FunctionKey, ...]) -> int:
        function = functions[key]
        if key in above:
            raise OcostError(f"function '{function.name}' calls itself")
        if len(above) >= _DEEPEST:
            raise OcostError(f"function '{function.name}': over {_DEEPEST} calls in each other")
        if key not in counts:
            nodes = list(_nodes(function.node))
            calls = (c for c in map(_key, nodes) if c in functions)
            counts[key] = len(nodes) + sum(count(c, (*above, key)) for c in calls)
        return counts[key]

    total = 0
    for _, node in graph.walk():
        key = (node.domain, node.op_type, node.overload)
        total += 1 + (count(key, ()) if key in functions else 0)
    return total


def shares_bodies(graph: Graph) -> bool:
    """Whether a root graph's functions come to too many nodes for a body a call."""
    return bool(graph.header.functions) and inlined_nodes(graph) > MOST_INLINED


def _key(node: NodeProto) -> FunctionKey:
    return "" if node.domain == "ai.onnx" else node.domain, node.op_type, node.overload


def _nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes with those of the bodies in their attributes."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g.node)
            for body in attribute.graphs:
                yield from _nodes(body.node)
