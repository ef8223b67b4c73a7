"""Which tensors of the graph stand behind a tensor of a function's body.

A body that several calls share has an origin for each call.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..node import Node

if TYPE_CHECKING:
    from .engine import Shapes

Key = tuple["Shapes", str]  # a scope and a tensor's name in it


def scopes(root: Shapes) -> list[Shapes]:
    """The scopes of a graph, its bodies and its functions, each once and after all its callers."""
    found: list[Shapes] = []
    seen: set[int] = set()

    def visit(scope: Shapes) -> None:
        seen.add(id(scope))
        for body in scope.bodies.values():
            if id(body) not in seen:
                visit(body)
        found.append(scope)

    visit(root)
    return found[::-1]


class Origins:
    """By scope: who calls it, how often it stands in the graph once all calls are inlined.

    Trips of loops are not in that number.
    """

    def __init__(self, root: Shapes) -> None:
        self._calls: defaultdict[int, list[tuple[Shapes, Node]]] = defaultdict(list)
        self._times: Counter[int] = Counter({id(root): 1})
        self._known: dict[tuple[int, str], Mapping[Key, int]] = {}
        for scope in scopes(root):
            for (node_id, name), body in scope.bodies.items():
                self._times[id(body)] += self._times[id(scope)]
                if name == "function":
                    self._calls[id(body)].append((scope, scope.graph.node(node_id)))
            for name in scope.graph.inputs if id(scope) in self._calls else ():
                self.of(scope, name)  # its callers' are known by now: nothing nests

    def of(self, scope: Shapes, name: str) -> Mapping[Key, int]:
        """The tensors that one stands for, each with the number of times."""
        key = id(scope), name
        if key not in self._known:
            self._known[key] = self._find(scope, name)
        return self._known[key]

    def _find(self, scope: Shapes, name: str) -> Mapping[Key, int]:
        if id(scope) in self._calls and name in scope.graph.inputs:
            found: Counter[Key] = Counter()
            for outer, argument in self._arguments(scope, name):
                found.update(self.of(outer, argument))
            return found
        if not scope.has(name) and scope.parent is not None:
            return self.of(scope.parent, name)
        return {(scope, name): self._times[id(scope)]}

    def _arguments(self, scope: Shapes, name: str) -> Iterator[Key]:
        slot = scope.graph.inputs.index(name)
        for outer, node in self._calls[id(scope)]:
            if slot < len(node.inputs) and node.inputs[slot]:
                yield outer, node.inputs[slot]
