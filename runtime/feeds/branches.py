"""Which way a model goes: the conditions of its Ifs, the trip counts of its Loops.

Those that inputs decide are watched, and inputs are looked for that take each branch and make
each Loop run not at all, once, and several times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ...graph import Node, Tensor
from ...graph.shapes import Quality, Shapes
from .conditions import Array, Condition, Seen, condition
from .constants import Constants
from .modes import Mode, Style

_SHAPES = frozenset({"Shape", "Size"})
_DEEPEST = 8  # bodies within bodies


@dataclass(frozen=True)
class Goal:
    """A way that a model can go.

    Parameters
    ----------
    leaves
        The root tensors that have to be watched.
    met
        Whether the model goes that way with these contents of them.
    sources
        The inputs that decide it.
    known
        What the conditions are made with: an input may be compared with that.
    missed
        For people, where no input is found.
    """

    leaves: tuple[str, ...]
    met: Callable[[Seen], bool]
    sources: tuple[str, ...]
    known: Constants
    missed: str


@dataclass(frozen=True)
class Way:
    """One way to go at a node, on which its body runs."""

    body: str
    met: Callable[[Array], bool]
    missed: str
    at_some_size: bool = True  # whether a shape may lead there: no dim is 0


def targets(shapes: Shapes, notes: list[str]) -> list[Goal]:
    """The ways that inputs decide and root tensors tell; where none tells, that is noted."""
    hidden: list[str] = []
    found = list(_targets(shapes, (), hidden, 0))
    if hidden:
        more = f" and {len(hidden) - 1} more" if len(hidden) > 1 else ""
        notes.append(f"which ways '{hidden[0]}'{more} went is not known")
    return found


def _targets(
    scope: Shapes, outer: tuple[Goal, ...], hidden: list[str], depth: int
) -> Iterator[Goal]:
    bodies: dict[str, dict[str, Shapes]] = {}
    for (owner, name), body in scope.bodies.items():
        bodies.setdefault(owner, {})[name] = body
    for node in scope.graph:
        if node.id not in bodies:
            continue
        inside: dict[str, tuple[Goal, ...]] = {}
        for slot, possible in ways(node):
            name = node.inputs[slot] if slot < len(node.inputs) else ""
            info = scope.get(name) if name else None
            if not name or (info is not None and info.value is not None):
                continue  # constants decide, or shapes alone: see ``size_ways``
            found = condition(scope, name)
            if found is None:
                hidden.append(node.id)
                continue
            sources, tensors = deciding(scope.root, found.leaves)
            if not sources:  # noise, say, or what inference can't follow
                hidden.append(node.id)
                continue
            known = Constants.of_tensors((*tensors, *found.constants))
            for way in possible:
                target = _target(found, way, sources, known, outer)
                yield target
                inside[way.body] = (*outer, target)
        if depth < _DEEPEST:
            for name, body in bodies[node.id].items():
                yield from _targets(body, inside.get(name, outer), hidden, depth + 1)


def _target(
    found: Condition,
    way: Way,
    sources: tuple[str, ...],
    known: Constants,
    outer: tuple[Goal, ...],
) -> Goal:
    """A way, on the way that leads to the node."""

    def met(seen: Seen) -> bool:
        if not all(target.met(seen) for target in outer[-1:]):
            return False
        value = found.value(seen)
        return bool(value.size) and way.met(value.reshape(-1)[0])

    own = Goal(found.leaves, met, sources, known, way.missed)
    for target in outer[-1:]:
        own = replace(
            own,
            leaves=tuple(dict.fromkeys((*target.leaves, *own.leaves))),
            sources=tuple(dict.fromkeys((*target.sources, *own.sources))),
            known=own.known | target.known,
        )
    return own


def ways(node: Node) -> Iterator[tuple[int, list[Way]]]:
    """The ways to go at a node, by the input that decides."""
    if node.domain:
        return
    name = node.id
    if node.op_type == "If":
        yield (
            0,
            [
                Way("then_branch", bool, f"the then branch of '{name}' was never taken"),
                Way("else_branch", lambda v: not v, f"the else branch of '{name}' was never taken"),
            ],
        )
    elif node.op_type == "Loop":
        yield (
            1,
            [
                Way("", lambda v: not v, f"'{name}' was never told not to start"),
                Way("body", bool, f"'{name}' was always told not to start"),
            ],
        )
        yield (
            0,
            [
                Way("", lambda v: bool(v <= 0), f"'{name}' never made 0 trips", at_some_size=False),
                Way("body", lambda v: bool(v == 1), f"'{name}' never made 1 trip"),
                Way("body", lambda v: bool(v > 1), f"'{name}' never made several trips"),
            ],
        )


def deciding(shapes: Shapes, tensors: Sequence[str]) -> tuple[tuple[str, ...], list[Tensor]]:
    """The inputs whose contents decide root tensors', and the constants that are read on the way.

    Shapes alone decide nothing here.
    """
    graph = shapes.graph
    found: set[str] = set()
    constants: list[Tensor] = []
    todo, seen = deque(tensors), set()
    while todo:
        name = todo.popleft()
        if name in seen or not name:
            continue
        seen.add(name)
        node = graph.producer(name)
        if node is None:
            constant = graph.initializers.get(name)
            if constant is not None:
                constants.append(constant)
            if name in graph.inputs and (constant is None or graph.overridable(name)):
                found.add(name)
            continue
        value = node.tensor("value")
        if value is not None:
            constants.append(Tensor.from_proto(value, graph.header.source))
        if node.op_type not in _SHAPES or not _fixed(shapes, node.inputs[0]):
            todo += [*node.inputs, *graph.captures(node)]
    return tuple(name for name in graph.inputs if name in found), constants


def _fixed(shapes: Shapes, tensor: str) -> bool:
    """Whether a tensor's shape follows from those of the inputs."""
    info = shapes.get(tensor)
    return info is not None and info.resolved is not None and info.quality is not Quality.BOUND


def guesses(known: Constants) -> Iterator[Mode]:
    """How the deciding inputs may be drawn, the likeliest first."""
    spread = [Mode(Style.SPREAD, scale) for scale in (1e3, 1.0, 1e5, 0.01)]
    yield from spread
    yield from (mode._replace(sign=sign) for mode in spread for sign in (1, -1))
    yield from fills(known)
    yield from (Mode(Style.EDGES, turn=turn) for turn in range(8))
    yield from (Mode(Style.SPREAD, turn=turn) for turn in range(1, 14))
    yield from (Mode(Style.EXTREMES), Mode(Style.PLAIN), Mode(Style.TIES))


def fills(known: Constants) -> Iterator[Mode]:
    """One value everywhere: what a condition may compare with."""
    yield from (Mode(Style.FILL, value=value) for value in (0.0, 1.0, -1.0))
    yield from (Mode(Style.FILL, value=number) for number in known.numbers)
    yield from (Mode(Style.FILL, value=text) for text in known.texts)
    for number in known.numbers:
        near = (number + 1, number - 1, number * 2 + 1, number / 2, -number)
        yield from (Mode(Style.FILL, value=value) for value in near)
