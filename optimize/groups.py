"""Chains that run as one node: a Conv with its BatchNormalization, residual Add and activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..graph import Graph, Node

_HEADS = frozenset({"Conv", "ConvTranspose"})
_ACTIVATIONS = frozenset(
    {"Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish"}
)
# What may come next in a chain, each at most once and in this order.
_STAGES = (frozenset({"BatchNormalization"}), frozenset({"Add", "Sum"}), _ACTIVATIONS)


@dataclass(frozen=True)
class Group:
    """Nodes, by path, that a runtime can execute as one.

    ``pattern`` names their operators: ``Conv-BatchNormalization-Relu``.
    """

    nodes: tuple[str, ...]
    pattern: str


def fused_groups(graph: Graph) -> tuple[Group, ...]:
    """The chains of a graph and its bodies, in order.

    A tensor within a chain has no other reader. Of a residual Add the chain that comes last is
    the one that takes it in.
    """
    scopes = {id(scope): scope for scope, _ in graph.walk()}
    return tuple(group for scope in scopes.values() for group in _of(scope))


def _of(graph: Graph) -> Iterator[Group]:
    rank = {node.id: i for i, node in enumerate(graph)}
    taken: set[str] = set()
    for node in reversed(list(graph)):
        if node.domain or node.op_type not in _HEADS:
            continue
        chain = [node]
        for stage in _STAGES:
            reader = _only_reader(graph, chain[-1])
            if reader is not None and reader.op_type in stage and reader.id not in taken:
                chain.append(reader)
        if len(chain) > 1:
            taken.update(n.id for n in chain)
            chain.sort(key=lambda n: rank[n.id])
            yield Group(tuple(map(graph.path, chain)), "-".join(member.op_type for member in chain))


def _only_reader(graph: Graph, node: Node) -> Node | None:
    """The node that alone reads what a node makes, in its first output and no other."""
    tensor = node.outputs[0]
    readers = graph.consumers(tensor)
    if len(readers) != 1 or tensor in graph.outputs or isinstance(readers[0][1], str):
        return None
    return None if readers[0][0].domain else readers[0][0]
