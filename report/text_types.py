"""Types and shapes of what each node reads and makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..costmodel.result import GraphCost
from ..costmodel.summary import port
from ..graph.node import Node
from ..graph.shapes import Shapes
from .numbers import dims
from .text_common import port_text

_LISTED = 4  # inputs or outputs of a node


def node_types(cost: GraphCost) -> Mapping[str, str]:
    """``1x3x224x224, 32x3x3x3 -> 1x32x112x112 float32``, by the nodes' paths and names."""
    found: dict[str, str] = {}
    for path, name, text in _walk(cost.shapes):
        found[path] = text
        found.setdefault(name, text)
    return found


def beside(names: Sequence[str], keys: Sequence[str], types: Mapping[str, str]) -> list[str]:
    """Names, each with the types that are found by its key."""
    return [
        f"{name}  {types[key]}" if types.get(key) else name
        for name, key in zip(names, keys, strict=True)
    ]


def _walk(scope: Shapes | None) -> Iterator[tuple[str, str, str]]:
    if scope is None:
        return
    for node in scope.graph:
        yield scope.graph.path(node), node.name, _types(node, scope)
    for body in scope.bodies.values():
        yield from _walk(body)


def _types(node: Node, scope: Shapes) -> str:
    sides = [
        [port(scope.get(name)) for name in tensors if name]
        for tensors in (node.inputs, node.outputs)
    ]
    kinds = {p.type for side in sides for p in side}
    if len(kinds) == 1 and all(p.shape is not None and not p.bound for s in sides for p in s):
        shapes = [_joined([dims(p.shape) for p in side]) for side in sides]
        return f"{' -> '.join(filter(None, shapes))} {kinds.pop()}"
    return " -> ".join(filter(None, (_joined([port_text(p) for p in side]) for side in sides)))


def _joined(texts: Sequence[str]) -> str:
    left = len(texts) - _LISTED
    return ", ".join([*texts[:_LISTED], *([f"{left} more"] if left > 0 else [])])
