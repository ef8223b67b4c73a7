"""What a graph executes, whatever its nodes and tensors are called and in whichever order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

from onnx import AttributeProto

from ...graph import Graph, Node
from ...lineage.value_numbers import contents

_BODIES = (AttributeProto.GRAPH, AttributeProto.GRAPHS)


def structure(graph: Graph) -> Hashable:
    """Equal for two graphs that execute the same.

    A node counts by its operator, its attributes and what it reads, up to the graph's inputs; a
    constant by its type, and by its contents where it is small.
    """
    return _structure(graph, {})


def _structure(graph: Graph, outside: Mapping[str, int]) -> int:
    values = dict(outside)
    for slot, name in enumerate(graph.inputs):
        values[name] = hash((graph.parent is None, slot))
    for name, tensor in graph.initializers.items():
        values[name] = hash(contents(tensor) or (tensor.dtype, tensor.shape))
    nodes: Counter[int] = Counter()
    for node in graph:
        bodies = graph.subgraphs(node)
        inner = tuple((name, _structure(body, values)) for name, body in sorted(bodies.items()))
        reads = tuple(values.get(tensor, 0) for tensor in node.inputs)
        does = hash((node.domain, node.op_type, _attributes(node), reads, inner))
        nodes[does] += 1
        values.update((tensor, hash((does, slot))) for slot, tensor in enumerate(node.outputs))
    answers = tuple(values.get(name, 0) for name in graph.outputs)
    return hash((frozenset(nodes.items()), answers))


def _attributes(node: Node) -> Hashable:
    return frozenset(
        (name, proto.SerializeToString(deterministic=True))
        for name, proto in node.attributes.items()
        if proto.type not in _BODIES
    )
