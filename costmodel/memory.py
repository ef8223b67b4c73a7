"""Activation memory by liveness: what is alive at once, in execution order.

A tensor is alive from the step that makes it to its last reader; graph inputs from the start,
graph outputs to the end. Views share the storage of what they view. Constants are apart, and so
is what is computed from constants alone, as a dequantised weight: it is the same in every run
(unless the caller says that it is computed anew).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..graph.node import Node
from ..graph.shapes import Shapes
from .cost import Costed, bodies_of, bytes_of
from .kinds import KernelKind
from .result import NodeCost

_IN_PLACE = frozenset({KernelKind.ELEMENTWISE, KernelKind.TRANSCENDENTAL})


class Memory(NamedTuple):
    """Activation bytes of a graph: the most at once, the average over its steps, the sum."""

    peak_bytes: int
    mean_activation_bytes: float
    total_activation_bytes: int


class _SizeUnknownError(Exception):
    """A tensor's size is not known."""


def memory(
    scope: Shapes, costs: Collection[Costed], *, in_place: bool = False, folded: bool = True
) -> Memory | None:
    """Liveness of the activations, or None where a size is not known.

    Parameters
    ----------
    scope
        The root graph with its shapes.
    costs
        Its costed nodes: they say which operators are views, which are constants.
    in_place
        Let an elementwise operator write over an input that dies there and is as large as its
        output, as runtimes do. A graph's inputs belong to its caller: they are not written over.
    folded
        Whether what is computed from constants alone is kept from run to run. A runtime that
        left such a node in the graph that it executes makes its result in every run.
    """
    by_scope: _Costs = {id(scope): {}}
    for c in costs:
        by_scope.setdefault(id(c.scope), {})[c.node.id] = c.cost
    try:
        return _scope_memory(scope, by_scope, in_place, folded, {}, own=True)
    except _SizeUnknownError:
        return None


_Costs = dict[int, dict[str, NodeCost]]


def _scope_memory(
    scope: Shapes,
    costs: _Costs,
    in_place: bool,
    folded: bool,
    done: dict[int, Memory],
    *,
    own: bool,
) -> Memory:
    """Of a graph or a body; ``own`` says whether its inputs and outputs are its own storage.

    Those of a Loop's or Scan's body are; those of a function and an If are their caller's.
    ``done`` keeps the answers: calls may share a body.
    """
    if id(scope) in done:
        return done[id(scope)]
    graph = scope.graph
    found = [(node, costs[id(scope)].get(node.id)) for node in graph]
    steps = [(n, c) for n, c in found if c is None or c.kind is not KernelKind.CONSTANT]
    views = {n.id for n, c in steps if c is not None and c.view}
    root = _Roots()
    for node, _ in steps:
        if node.id in views:
            root[node.outputs[0]] = root[node.inputs[0]]
    dies = _deaths(scope, [node for node, _ in steps], root)

    alive = {}
    if own:
        used = {name for names in dies for name in names}
        inputs = (n for n in graph.inputs if n in used and n not in graph.initializers)
        alive = {name: _size(scope, name) for name in inputs}
    elsewhere = frozenset() if own else frozenset(root[name] for name in graph.outputs)
    now = total = peak = sum(alive.values())
    area = 0
    for step, (node, cost) in enumerate(steps):
        reusable = in_place and cost is not None and cost.kind in _IN_PLACE
        for name in node.outputs if node.id not in views else ():
            if not name or name in elsewhere or (folded and _is_constant(scope, name)):
                continue
            size = _size(scope, name)
            taken = _dying(node, scope, root, dies[step], alive, size) if reusable else None
            if taken is not None:  # the output takes over the storage of a dying input
                dies[step].remove(taken)
                del alive[taken]
            else:
                now += size
                total += size
            alive[name] = size
        inner = [
            _scope_memory(
                *(body, costs, in_place, folded, done),
                own=body.parent is not None and node.op_type != "If",
            )
            for body in bodies_of(node, scope) or ()
            if id(body) in costs  # of two branches, the one that is costed
        ]
        here = now + max((m.peak_bytes for m in inner), default=0)
        total += max((m.total_activation_bytes for m in inner), default=0)
        peak, area = max(peak, here), area + here
        for name in dies[step]:
            now -= alive.pop(name, 0)
    done[id(scope)] = Memory(peak, area / len(steps) if steps else float(now), total)
    return done[id(scope)]


def _deaths(scope: Shapes, nodes: list[Node], root: Mapping[str, str]) -> list[list[str]]:
    """By step: the storages that nothing reads after it. Graph outputs outlive every step."""
    graph = scope.graph
    last_use: dict[str, int] = {}
    for step, node in enumerate(nodes):
        for name in (*node.inputs, *graph.captures(node), *node.outputs):
            last_use[root[name]] = step
    last_use.update((root[name], len(nodes)) for name in graph.outputs)
    dies: list[list[str]] = [[] for _ in range(len(nodes) + 1)]
    for name, step in last_use.items():
        dies[step].append(name)
    return dies


def _dying(
    node: Node,
    scope: Shapes,
    root: Mapping[str, str],
    dies: list[str],
    alive: Mapping[str, int],
    size: int,
) -> str | None:
    """An input's storage of this size that dies with the node; graph inputs are the caller's."""
    for name in dict.fromkeys(root[name] for name in node.inputs):
        if name in dies and alive.get(name) == size and scope.graph.producer(name) is not None:
            return name
    return None


def _is_constant(scope: Shapes, name: str) -> bool:
    """Whether a tensor is a weight, or computed from weights alone (dequantised, transposed)."""
    info = scope.get(name)
    return info is not None and info.constant


def _size(scope: Shapes, name: str) -> int:
    size = bytes_of(scope.get(name))
    if size is None:
        raise _SizeUnknownError
    return size


class _Roots(dict[str, str]):
    """The tensor whose storage a tensor shares: itself, where it is no view."""

    def __missing__(self, name: str) -> str:
        return name
