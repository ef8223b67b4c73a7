"""Patterns that read like a picture of the graph, drawn from the last node backwards.

``op("BatchNormalization", op("Conv", var("x"), const("w"), maybe(const("b")), name="conv"), ...)``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..graph import Node
from ..graph.operators import COMMUTATIVE
from .scope import Scope


@dataclass(frozen=True)
class Var:
    """Any tensor; the same name twice has to be the same tensor."""

    name: str


@dataclass(frozen=True)
class Const:
    """A constant that no caller can override."""

    name: str


@dataclass(frozen=True)
class Maybe:
    """An input that may be left out."""

    pattern: Var | Const


@dataclass(frozen=True)
class Op:
    """A node of one of these types whose inputs match; a commutative one's in either order.

    ``shared``: others may read its outputs too. Else nothing outside the match may, unless it is
    the last node.
    """

    types: frozenset[str]
    inputs: tuple[Pattern, ...] | None  # None: they aren't looked at
    name: str = ""
    domain: str = ""
    shared: bool = False


Pattern = Op | Var | Const | Maybe


def op(types: str, *inputs: Pattern, name: str = "", domain: str = "", shared: bool = False) -> Op:
    """A node: ``types`` are separated by ``|``; ``name`` is what the match calls it."""
    return Op(frozenset(types.split("|")), inputs, name or types, domain, shared)


def node(types: str, name: str = "node") -> Op:
    """A node whatever it reads, as the last one of a match."""
    return Op(frozenset(types.split("|")), None, name)


def var(name: str) -> Var:
    """Any tensor."""
    return Var(name)


def const(name: str) -> Const:
    """A constant."""
    return Const(name)


def maybe(pattern: Var | Const) -> Maybe:
    """An optional input."""
    return Maybe(pattern)


@dataclass
class Match:
    """What a pattern found.

    Attributes
    ----------
    scope
        Where.
    bound
        Nodes, the last one first, by the pattern's names.
    tensors
        Names of tensors by the pattern's names; "" for an optional one that is left out.
    obstacle
        Why nothing can be made of it all the same; "" if something can.
    """

    scope: Scope
    bound: dict[str, Node] = field(default_factory=dict)
    tensors: dict[str, str] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    obstacle: str = ""

    def __getitem__(self, name: str) -> Node:
        return self.bound[name]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All matched nodes, each once, the first one first."""
        return tuple({n.id: n for n in reversed(self.bound.values())}.values())

    def tensor(self, name: str) -> str:
        """The name of a tensor; "" for one that is left out."""
        return self.tensors.get(name, "")


def find(scope: Scope, node: Node, pattern: Op) -> Match | None:
    """The match whose last node is this one; one with an obstacle where there is no other."""
    hindered: Match | None = None
    for match in _node(node, pattern, Match(scope)):
        match.obstacle = match.obstacle or _read_elsewhere(match)
        if not match.obstacle:
            return match
        hindered = hindered or match
    return hindered


def _node(node: Node, pattern: Op, match: Match) -> Iterator[Match]:
    if node.op_type not in pattern.types or node.domain != pattern.domain:
        return
    bound = Match(
        match.scope,
        {**match.bound, pattern.name: node},
        dict(match.tensors),
        match.shared | {node.id} if pattern.shared else set(match.shared),
        match.obstacle,
    )
    if pattern.inputs is None:
        yield bound
        return
    given = list(node.inputs)
    while given and not given[-1]:
        given.pop()
    if len(given) > len(pattern.inputs):
        return
    padded = given + [""] * (len(pattern.inputs) - len(given))
    yield from _inputs(padded, pattern.inputs, bound)
    if node.op_type in COMMUTATIVE and len(given) == len(pattern.inputs) == 2:
        yield from _inputs(padded[::-1], pattern.inputs, bound)


def _inputs(names: Sequence[str], patterns: Sequence[Pattern], match: Match) -> Iterator[Match]:
    if not names:
        yield match
        return
    for found in _tensor(names[0], patterns[0], match):
        yield from _inputs(names[1:], patterns[1:], found)


def _tensor(name: str, pattern: Pattern, match: Match) -> Iterator[Match]:
    if isinstance(pattern, Maybe):
        if name:
            yield from _tensor(name, pattern.pattern, match)
        else:
            yield _with(match, pattern.pattern.name, "")
    elif not name:
        return
    elif isinstance(pattern, Op):
        maker = match.scope.graph.producer(name)
        if maker is not None and (pattern.shared or maker.outputs[0] == name):
            yield from _node(maker, pattern, match)
    elif match.tensors.get(pattern.name, name) != name:
        return
    elif isinstance(pattern, Var) or match.scope.constant(name) is not None:
        yield _with(match, pattern.name, name)
    elif match.scope.overridable(name):
        text = f"'{name}' is an input of the graph too, so that a caller may override it"
        yield _with(match, pattern.name, name, match.obstacle or text)


def _with(match: Match, name: str, tensor: str, obstacle: str = "") -> Match:
    tensors = {**match.tensors, name: tensor}
    return Match(match.scope, match.bound, tensors, match.shared, obstacle or match.obstacle)


def _read_elsewhere(match: Match) -> str:
    """Who else needs what an inner node makes, as a sentence; "" if nobody does."""
    ids = {node.id for node in match.bound.values()}
    _, *inner = match.bound.values()
    for node in inner:
        if node.id in match.shared:
            continue
        for tensor in filter(None, node.outputs):
            kept = match.scope.kept(tensor)
            if kept:
                return f"'{tensor}' {kept}"
            for reader in match.scope.readers(tensor):
                if reader.id not in ids:
                    path = match.scope.graph.path(reader)
                    return f"'{tensor}' is also read by '{path}'"
    return ""
