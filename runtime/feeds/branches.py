"""Which way a model goes: the conditions of its Ifs, the trip counts of its Loops.

Those that inputs decide are watched, and inputs are looked for that take each branch and make
each Loop run not at all, once, and several times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from ...graph import Graph, Node
from ...graph.shapes import Quality, Shapes
from .constants import Constants
from .modes import Mode, Style

Array = npt.NDArray[Any]
Seen = Mapping[str, Array]

_SHAPES = frozenset({"Shape", "Size"})


@dataclass(frozen=True)
class Target:
    """A way that a model can go: met where a root tensor has a value that ``when`` accepts.

    Parameters
    ----------
    tensor
        What is watched.
    missed
        For people, where no input is found.
    when
        Whether the model goes that way with these contents.
    sources
        The inputs that decide it.
    """

    tensor: str
    missed: str
    when: Callable[[Array], bool]
    sources: tuple[str, ...]


def targets(shapes: Shapes, notes: list[str]) -> list[Target]:
    """The ways that inputs decide and a root tensor tells; those that none tells are noted."""
    graph = shapes.graph
    found: list[Target] = []
    for scope, node in graph.walk():
        slots = {"If": (0,), "Loop": (0, 1)}.get(node.op_type, ()) if not node.domain else ()
        for slot in slots:
            name = node.inputs[slot] if slot < len(node.inputs) else ""
            if not name or scope.constant(name) is not None:
                continue
            home = _home(scope, name)
            if home is not graph:
                if not _settled(scope, name):
                    notes.append(
                        f"whether both ways of '{scope.path(node)}' are taken is not known"
                    )
                continue
            sources = deciding(shapes, name)
            if sources:
                found += _ways(scope.path(node), node, slot, name, sources)
    return found


def _ways(
    path: str, node: Node, slot: int, name: str, sources: tuple[str, ...]
) -> Iterator[Target]:
    def target(text: str, when: Callable[[Array], bool]) -> Target:
        return Target(name, text, lambda a: bool(a.size) and when(a), sources)

    if node.op_type == "If":
        for branch, wanted in (("then", True), ("else", False)):
            yield target(
                f"the {branch} branch of '{path}' was never taken",
                lambda a, wanted=wanted: bool(a.reshape(-1)[0]) == wanted,  # type: ignore[misc]
            )
    elif slot == 1:
        yield target(f"'{path}' never ran", lambda a: bool(a.reshape(-1)[0]))
        yield target(f"'{path}' always ran", lambda a: not a.reshape(-1)[0])
    else:
        yield target(f"'{path}' never made 0 trips", lambda a: int(a.reshape(-1)[0]) <= 0)
        yield target(f"'{path}' never made 1 trip", lambda a: int(a.reshape(-1)[0]) == 1)
        yield target(f"'{path}' never made several trips", lambda a: int(a.reshape(-1)[0]) > 1)


def _home(scope: Graph, name: str) -> Graph | None:
    """The graph that makes a tensor, or has it as an input or initializer."""
    at: Graph | None = scope
    while at is not None:
        if at.producer(name) is not None or name in at.inputs or name in at.initializers:
            return at
        at = at.parent
    return None


def _settled(scope: Graph, name: str) -> bool:
    """Whether what decides within a body is made of constants and shapes."""
    todo, seen = [(scope, name)], set()
    while todo:
        graph, tensor = todo.pop()
        if tensor in seen or not tensor:
            continue
        seen.add(tensor)
        home = _home(graph, tensor)
        if home is None or home.constant(tensor) is not None:
            continue
        node = home.producer(tensor)
        if node is None:
            return False
        if node.op_type not in _SHAPES:
            todo += [(home, read) for read in (*node.inputs, *home.captures(node))]
    return True


def deciding(shapes: Shapes, tensor: str) -> tuple[str, ...]:
    """The inputs whose contents decide a root tensor's: shapes alone decide nothing here."""
    graph = shapes.graph
    found: dict[str, None] = {}
    todo, seen = [tensor], set()
    while todo:
        name = todo.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        node = graph.producer(name)
        if node is None:
            if name in graph.inputs and (name not in graph.initializers or graph.overridable(name)):
                found.setdefault(name)
            continue
        if node.op_type in _SHAPES and _fixed(shapes, node.inputs[0]):
            continue
        todo += [*node.inputs, *graph.captures(node)]
    order = list(graph.inputs)
    return tuple(sorted(found, key=order.index))


def _fixed(shapes: Shapes, tensor: str) -> bool:
    """Whether a tensor's shape follows from those of the inputs."""
    info = shapes.get(tensor)
    return info is not None and info.resolved is not None and info.quality is not Quality.BOUND


def guesses(known: Constants) -> Iterator[Mode]:
    """How the deciding inputs may be drawn, the likeliest first."""
    spread = [Mode(Style.SPREAD, scale) for scale in (1e3, 1.0, 1e5, 0.01)]
    yield from spread
    yield from (mode._replace(sign=sign) for mode in spread for sign in (1, -1))
    yield from (Mode(Style.FILL, value=value) for value in (0.0, 1.0, -1.0))
    for number in known.numbers:
        near = (number, number + 1, number - 1, number * 2 + 1, -number)
        yield from (Mode(Style.FILL, value=value) for value in near)
    yield from (Mode(Style.FILL, value=text) for text in known.texts)
    yield from (Mode(Style.EDGES, turn=turn) for turn in range(8))
    yield from (Mode(Style.SPREAD, turn=turn) for turn in range(4))
    yield from (Mode(Style.EXTREMES), Mode(Style.PLAIN), Mode(Style.TIES))


def unmet(wanted: Sequence[Target], seen: Sequence[Seen]) -> list[Target]:
    """The targets that none of these runs met."""
    return [t for t in wanted if not any(t.tensor in s and t.when(s[t.tensor]) for s in seen)]
