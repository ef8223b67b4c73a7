"""A session's runs, step by step: what they take of the arena and write of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...graph import Node
from ...graph.shapes import Shapes
from ..cost import Costed, bodies_of, bytes_of
from ..kinds import KernelKind
from ..work import Unknown
from .arena import Arena, Piece
from .heap import Heap
from .pattern import Pattern
from .plan import Plan, plan
from .register import scratch_rules
from .sizes import KnownSizes


class UnknownSizeError(Exception):
    """A tensor's size is not known; the text says which."""


class _Scope(NamedTuple):
    shapes: Shapes
    plan: Plan
    costed: Mapping[str, Costed]


class Session:
    """A graph that is run again and again in one arena.

    Parameters
    ----------
    shapes
        Of the graph that is executed.
    costs
        Its costed nodes.
    sizes
        What the runtime knows of the tensors' sizes.
    arena, heap
        What its runs take memory from.
    threads
        Of the session.

    Attributes
    ----------
    peak
        The most bytes that are asked for at the end of a node of the first run, what packed weights
        hold apart.
    """

    def __init__(
        self,
        shapes: Shapes,
        costs: Sequence[Costed],
        sizes: KnownSizes,
        arena: Arena,
        heap: Heap,
        threads: int,
    ) -> None:
        self._shapes, self._arena, self._heap, self._threads = shapes, arena, heap, threads
        self._sizes = sizes
        self._costed: dict[int, dict[str, Costed]] = {}
        for one in costs:
            self._costed.setdefault(id(one.scope), {})[one.node.id] = one
        self._scopes: dict[int, _Scope] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._pattern: Pattern | None = None
        self._block: Piece | None = None
        self._live: dict[tuple[int, str], Piece | None] = {}
        self.peak = 0

    def run(self) -> None:
        """One run: the first lays the buffers out that later ones take in one piece."""
        first = self._pattern is None
        if self._pattern is None:
            self._pattern = Pattern()
        else:
            self._block = self._arena.allocate(self._pattern.size, written=0)
        self._steps(self._shapes, root=True, first=first)
        names = [n for n in dict.fromkeys(self._shapes.graph.outputs) if self._made(n)]
        copies = [self._heap.allocate(self._bytes(self._shapes, name)) for name in names]
        for name in names:
            self._release(self._shapes, name)
        if self._block is not None:
            self._arena.free(self._block, self._pattern.size)
        for copy in copies:
            self._heap.free(copy)

    def _made(self, name: str) -> bool:
        return (id(self._shapes), name) in self._live

    def _scope(self, shapes: Shapes) -> _Scope:
        if id(shapes) not in self._scopes:
            costed = self._costed.get(id(shapes), {})
            nodes = [n for n in shapes.graph if _works(costed.get(n.id))]
            made = plan(shapes.graph, nodes, lambda name: self._sizes.alike(shapes, name))
            self._scopes[id(shapes)] = _Scope(shapes, made, costed)
        return self._scopes[id(shapes)]

    def _steps(self, shapes: Shapes, *, root: bool, first: bool) -> None:
        scope = self._scope(shapes)
        kept = set(shapes.graph.outputs)
        for node, allots, frees in scope.plan.steps:
            bodies = [
                b
                for b in bodies_of(node, shapes) or ()
                if id(b) in self._costed or not len(b.graph)
            ]
            for name in allots if not (node.op_type == "If" and bodies) else ():
                self._allot(shapes, name, planned=root and name not in kept, first=first)
            self._work(scope.costed.get(node.id))
            for body in bodies:
                self._body(node, shapes, body)
            if self._block is None:
                self.peak = max(self.peak, self._arena.in_use)
            for name in frees:
                self._release(shapes, name, planned=root, first=first)

    def _body(self, node: Node, outer: Shapes, body: Shapes) -> None:
        """A body's run; an If's outputs are those of its branch."""
        self._steps(body, root=False, first=False)
        names = [n for n in dict.fromkeys(body.graph.outputs) if (id(body), n) in self._live]
        if node.op_type == "If":
            for name, mine in zip(body.graph.outputs, node.outputs, strict=False):
                piece = self._live.pop((id(body), name), None)
                if mine and piece is not None:
                    self._live[id(outer), mine] = piece
            return
        for name in names:
            self._release(body, name)

    def _allot(self, shapes: Shapes, name: str, *, planned: bool, first: bool) -> None:
        size = self._bytes(shapes, name)
        if planned and not first and name in self._places:
            self._arena.write(self._block, *self._places[name])
            return
        self._live[id(shapes), name] = self._arena.allocate(size)
        if planned and first and self._pattern is not None:
            self._places[name] = self._pattern.allot(size)

    def _release(
        self, shapes: Shapes, name: str, *, planned: bool = False, first: bool = False
    ) -> None:
        if planned and first and self._pattern is not None and name in self._places:
            self._pattern.free(self._places[name])
        if (id(shapes), name) in self._live:
            self._arena.free(self._live.pop((id(shapes), name)), self._bytes(shapes, name))

    def _work(self, costed: Costed | None) -> None:
        """The scratch memory of a kernel, taken and given back."""
        taken = [(self._arena.allocate(size), size) for size in self._scratch(costed)]
        for piece, size in taken:
            self._arena.free(piece, size)

    def _scratch(self, costed: Costed | None) -> Iterator[int]:
        for one in () if costed is None else costed.parts or (costed,):
            rule = scratch_rules().get((one.node.domain, one.node.op_type))
            if rule is None or one.call is None:
                continue
            try:
                yield from (int(size) for size in rule(one.call, self._threads))
            except (Unknown, ValueError, LookupError, ArithmeticError):
                continue  # another rank than the kernel has

    def _bytes(self, shapes: Shapes, name: str) -> int:
        size = bytes_of(shapes.get(name))
        if size is None:
            raise UnknownSizeError(f"the size of '{name}' is not known")
        return size


def _works(costed: Costed | None) -> bool:
    """Whether a node is executed: constants are there before."""
    return costed is None or costed.cost.kind is not KernelKind.CONSTANT
