"""What is known of every tensor of a graph: the table that inference fills.

The tensors of a body, and of each call of a function, have a table of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from ..graph import FunctionKey, Graph
from ..node import Node
from .fits import Misfit
from .info import Info, Quality, ShapeCall
from .sizes import Size, as_found


class Shapes:
    """What is known of the tensors of one scope; names of outer scopes are found too.

    Attributes
    ----------
    graph
        The graph, body or instantiated function.
    bodies
        The scopes of a node's bodies, by (node id, attribute name): those that may run.
    trips
        How often a Loop's or Scan's body runs, and how that is known, by node id.
    assumed, inferred
        Open dims that were assumed, most of them 1, and those for which no other size fits
        (root scope).
    overridden
        What the file says of inputs whose fixed sizes the user changed (root scope).
    misfits
        Nodes that can't take what is assumed of open dims, if that was asked for (root scope).
    followed
        Paths of Loops whose trips are as the user says (root scope).
    shares
        Whether calls of functions may share a scope (root scope).

    Calls of functions have a scope each, named after the call. Where that would come to too many
    nodes, calls of one function whose inputs are known alike share a scope, named after the first.
    """

    def __init__(
        self, graph: Graph, parent: Shapes | None = None, root: Shapes | None = None
    ) -> None:
        self.graph = graph
        self.parent = parent
        self.root: Shapes = root or (self if parent is None else parent.root)
        self.bodies: dict[tuple[str, str], Shapes] = {}
        self.trips: dict[str, tuple[int, Quality]] = {}
        self.assumed: dict[str, int] = {}
        self.inferred: dict[str, int] = {}
        self.overridden: dict[str, tuple[int | None, ...]] = {}
        self.misfits: list[Misfit] = []
        self.followed: set[str] = set()
        self.shares = False
        self.infos: dict[str, Info] = {}  # of the scope's own tensors
        self.function: FunctionKey | None = None  # whose call it is
        self.first_calls: dict[FunctionKey, Shapes] = {}  # a scope of each, at the root
        self._origins: _Origins | None = None  # at the root

    def get(self, name: str) -> Info | None:
        """What is known of a tensor, None if nothing."""
        scope: Shapes | None = self
        while scope is not None:
            found = scope.infos.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    @property
    def sizes(self) -> dict[str, Size]:
        """Of the open dims: what they were taken as (root scope)."""
        return as_found(self.assumed, self.inferred)

    def has(self, name: str) -> bool:
        """Whether a tensor belongs to this scope."""
        return name in self.infos

    def homes(self, name: str) -> Mapping[Key, int]:
        """The scopes that a tensor belongs to, and its name there; arguments are followed out.

        Each with the number of times that it stands there, once calls are inlined. Ask when all
        is inferred.
        """
        if self.parent is None and self.root is self:
            return {(self, name): 1}
        if self.root._origins is None:
            self.root._origins = _Origins(self.root)
        return self.root._origins.of(self, name)

    def first(self, node: Node) -> Shapes:
        """Where a Constant counts that has it in common with others: a function's in its first."""
        first = self.root.first_calls.get(self.function, self) if self.function else self
        twin = first.graph.node(node.id) if node.id in first.graph else node
        return first if twin.attributes == node.attributes else self

    def call(self, node: Node) -> ShapeCall:
        """A node with what is known of its inputs."""
        return ShapeCall(
            node,
            [self.get(name) if name else None for name in node.inputs],
            self.graph.opset.get(node.domain, 1),
        )


Key = tuple[Shapes, str]  # a scope and a tensor's name in it


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


class _Origins:
    """Which tensors of the graph stand behind a tensor of a function's body.

    By scope: who calls it, how often it stands in the graph once all calls are inlined.
    A body that several calls share has an origin for each. Trips of loops are not in that number.
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
