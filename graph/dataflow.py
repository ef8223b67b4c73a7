"""Which nodes a tensor decides, and which tensors no input decides."""

from __future__ import annotations

from .graph import Graph
from .node import Node

# What they answer differs from run to run, whatever they read.
RANDOM = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike"}
    | {"Multinomial", "Bernoulli"}
)


def dominated_region(graph: Graph, tensor: str) -> list[Node]:
    """The nodes that compute from one tensor and constants alone, in topological order.

    Every input that such a node reads, what its bodies capture included, is the tensor itself, a
    constant, or made by another such node. Nodes that read constants only are none of them, nor
    are those that read an initializer which a caller may override. Linear in the graph.
    """
    inside = {tensor}
    constant: set[str] = set()
    region = []
    for node in graph:
        reads = {name for name in (*node.inputs, *graph.captures(node)) if name}
        rest = {
            name
            for name in reads - constant
            if name == tensor or graph.constant(name) is None or graph.overridable(name)
        }
        if not rest:
            if node.op_type not in RANDOM:
                constant.update(name for name in node.outputs if name != tensor)
        elif rest <= inside:
            region.append(node)
            inside.update(filter(None, node.outputs))
    return region


def unread_nodes(graph: Graph) -> set[str]:
    """Ids of the nodes of which nothing reaches an output of the graph.

    Nobody reads what such a node makes, or other such nodes alone do. A body's outputs are read
    by its owner. Linear in the graph.
    """
    outputs = set(graph.outputs)
    unread: set[str] = set()
    for node in reversed(list(graph)):
        made = [name for name in node.outputs if name]
        if outputs.isdisjoint(made) and all(
            reader.id in unread for name in made for reader, _ in graph.consumers(name)
        ):
            unread.add(node.id)
    return unread
