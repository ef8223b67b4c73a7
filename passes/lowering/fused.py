"""Which nodes of a graph a runtime executes as one."""

from __future__ import annotations

from dataclasses import dataclass

from ...graph import Graph
from . import Lowered


@dataclass(frozen=True)
class Group:
    """Nodes, by path, that a runtime executes as one.

    ``pattern`` names their operators: ``Conv-BatchNormalization-Relu``.
    """

    nodes: tuple[str, ...]
    pattern: str


def fused_groups(graph: Graph, lowered: Lowered) -> tuple[Group, ...]:
    """The groups of a graph and its bodies, in the order in which they are executed.

    What is executed as several nodes together is no group, nor is what runs inside a function.
    """
    types = {scope.path(node): node.op_type for scope, node in graph.walk()}
    rank = {path: i for i, path in enumerate(types)}
    found = []
    for node in lowered.lineage.executed:
        if node.status == "exact" and len(node.originals) > 1 and rank.keys() >= {*node.originals}:
            nodes = tuple(sorted(node.originals, key=rank.__getitem__))
            found.append(Group(nodes, "-".join(types[path] for path in nodes)))
    return tuple(found)
