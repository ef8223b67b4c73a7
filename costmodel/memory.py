"""Activation memory by liveness: what is alive at once, in execution order.

A tensor is alive from the step that makes it to its last reader; graph inputs from the start,
graph outputs to the end. Views share the storage of what they view. Constants are apart.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..graph.shapes import Shapes
from .cost import Costed, bodies_of, bytes_of
from .kinds import Kind

_IN_PLACE = frozenset({Kind.ELEMENTWISE, Kind.TRANSCENDENTAL})


@dataclass(frozen=True, slots=True)
class Memory:
    """Activation bytes of a graph: the most at once, the average over its steps, the sum."""

    peak_bytes: int
    mean_activation_bytes: float
    total_activation_bytes: int


class _Unknown(Exception):
    pass


def memory(scope: Shapes, costs: Collection[Costed], *, in_place: bool = False) -> Memory | None:
    """Liveness of the activations, or None where a size is not known.

    Parameters
    ----------
    scope
        The root graph with its shapes.
    costs
        Its costed nodes: they say which operators are views, which are constants.
    in_place
        Let an elementwise operator write over an input that dies there and is as large as its
        output, as runtimes do.
    """
    kinds = {
        (id(c.scope), c.node.id): (c.cost.kind, c.cost.view) for c in costs if c.cost.kind
    }
    try:
        return _scope_memory(scope, kinds, in_place, inputs=True)
    except _Unknown:
        return None


_Kinds = dict[tuple[int, str], tuple[Kind, bool]]


def _scope_memory(scope: Shapes, kinds: _Kinds, in_place: bool, *, inputs: bool) -> Memory:
    graph = scope.graph
    nodes = [n for n in graph if kinds.get((id(scope), n.id), (None,))[0] is not Kind.CONSTANT]
    views = {n.id for n in nodes if kinds.get((id(scope), n.id), (None, False))[1]}
    root = _Roots()
    for node in nodes:
        if node.id in views:
            root.alias(node.outputs[0], node.inputs[0])
    last_use: dict[str, int] = {}
    for step, node in enumerate(nodes):
        for name in (*node.inputs, *graph.captures(node), *node.outputs):
            last_use[root[name]] = step
    for name in graph.outputs:
        last_use[root[name]] = len(nodes)

    alive: dict[str, int] = {}
    if inputs:
        for name in graph.inputs:
            if name not in graph.initializers and name in last_use:
                alive[name] = _size(scope, name)
    dies: list[list[str]] = [[] for _ in range(len(nodes) + 1)]
    for name, step in last_use.items():
        dies[step].append(name)
    now = total = sum(alive.values())
    peak, area = now, 0
    for step, node in enumerate(nodes):
        kind = kinds.get((id(scope), node.id), (None, False))[0]
        for name in node.outputs if node.id not in views else ():
            if not name:
                continue
            size = _size(scope, name)
            taken = None
            if in_place and kind in _IN_PLACE:
                taken = next(
                    (t for t in dict.fromkeys(root[i] for i in node.inputs)
                     if last_use.get(t) == step and alive.get(t) == size),
                    None,
                )
            if taken is not None:  # the output takes over the storage of a dying input
                dies[step].remove(taken)
                del alive[taken]
            else:
                now += size
                total += size
            alive[name] = size
        inner = [_inner(body, kinds, in_place) for body in bodies_of(node, scope) or ()]
        here = now + max((m.peak_bytes for m in inner), default=0)
        total += max((m.total_activation_bytes for m in inner), default=0)
        peak, area = max(peak, here), area + here
        for name in dies[step]:
            now -= alive.pop(name, 0)
    return Memory(peak, area / len(nodes) if nodes else float(now), total)


def _inner(body: Shapes, kinds: _Kinds, in_place: bool) -> Memory:
    """Of a body: a Loop's or Scan's own inputs are its own, an If's and a function's are not."""
    return _scope_memory(body, kinds, in_place, inputs=body.caller is None)


def _size(scope: Shapes, name: str) -> int:
    size = bytes_of(scope.get(name))
    if size is None:
        raise _Unknown
    return size


class _Roots(dict[str, str]):
    """The tensor whose storage a tensor shares: itself, where it is no view."""

    def __missing__(self, name: str) -> str:
        return name

    def alias(self, view: str, of: str) -> None:
        """Nodes come in order, so ``of`` is resolved already."""
        self[view] = self[of]


