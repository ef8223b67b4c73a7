"""Where two executed graphs differ.

Executed nodes that do the same work on both sides cancel. What is left falls into regions, each
between tensors that both graphs make.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence

from ..costmodel.result import NodeCost
from .parts import parts
from .ran import Ran

Names = tuple[tuple[str, ...], tuple[str, ...]]  # before, after
Left = tuple[dict[str, None], dict[str, None]]
Equal = dict[str, str]  # nodes before, each with the one after that is its equal
Key = Callable[[str], Collection[str]]
Work = Callable[[NodeCost], Hashable]
_Item = tuple[Hashable, ...]


def cancel(
    before: Ran, after: Ran, keys: Sequence[tuple[Key, Key]], work: Work
) -> tuple[Equal, Left]:
    """The nodes of both that have an equal on the other side, and those that have none.

    Parameters
    ----------
    before, after
        The graphs as they are executed.
    keys
        Of each side's nodes, by path: nodes of equal work cancel where one of these is equal, the
        earlier ones first. An empty one is equal to none.
    work
        What has to be equal of what nodes cost.
    """
    equal: Equal = {}
    left = dict.fromkeys(before.nodes), dict.fromkeys(after.nodes)
    works = tuple({path: ran.work(path, work) for path in ran.nodes} for ran in (before, after))
    for one, other in keys:
        waiting: dict[Hashable, deque[str]] = defaultdict(deque)
        for path in left[1]:
            if key := other(path):
                waiting[key, works[1][path]].append(path)
        for path in list(left[0]):
            key = one(path)
            queue = waiting.get((key, works[0][path])) if key else None
            if queue:
                equal[path] = queue.popleft()
                del left[0][path], left[1][equal[path]]
    return equal, left


def covers(
    before: Ran, after: Ran, partners: Mapping[str, str]
) -> tuple[Callable[[str], frozenset[str]], Callable[[str], frozenset[str]]]:
    """Keys: the written nodes that a node does the work of, under their names of after."""
    known = set(partners.values())
    return (
        lambda path: frozenset(partners[o] for o in before.originals(path) if o in partners),
        lambda path: frozenset(known.intersection(after.originals(path))),
    )


def regions(before: Ran, after: Ran, left: Left, partners: Mapping[str, str]) -> list[Names]:
    """Nodes that belong together: they share written nodes or tensors, or hang together.

    A tensor that both graphs make parts what is before it from what is behind it.

    Parameters
    ----------
    before, after
        The graphs as they are executed.
    left
        What has no equal.
    partners
        Which written node of the second graph each of the first is.
    """
    items: list[_Item] = [(side, path) for side in (0, 1) for path in left[side]]
    found = []
    for part in parts(items, _links((before, after), left, partners)):
        first, second = (tuple(str(path) for one, path in part if one == side) for side in (0, 1))
        found.append((first, second))
    return found


def _links(
    sides: tuple[Ran, Ran], left: Left, partners: Mapping[str, str]
) -> Iterator[tuple[_Item, _Item]]:
    made = tuple({t for path in side.nodes for t in side.makes(path)} for side in sides)
    for side, (ran, mine) in enumerate(zip(sides, left, strict=True)):
        for path in mine:
            scope, node = ran.nodes[path]
            if ran.inserted(path):
                yield from (((side, path), (side, other)) for other in _beside(ran, mine, path))
                continue
            for original in ran.originals(path):
                name = partners.get(original) if side == 0 else original
                yield (side, path), ("node", name or ("before", original))
            for tensor in filter(None, node.outputs):
                origin = ran.origin(scope, tensor)
                if origin is not None:
                    yield (side, path), ("tensor", origin)
                if origin is None or origin not in made[1 - side]:
                    readers = (scope.path(reader) for reader, _ in scope.consumers(tensor))
                    yield from (((side, path), (side, r)) for r in readers if r in mine)


def _beside(ran: Ran, left: Collection[str], path: str) -> list[str]:
    """What an inserted node belongs to: what makes its input, or else what reads its output."""
    scope, node = ran.nodes[path]
    makers = [scope.producer(name) for name in node.inputs if name]
    found = [scope.path(maker) for maker in makers if maker is not None]
    found = [name for name in found if name in left]
    if found:
        return found
    readers = (scope.path(r) for t in node.outputs if t for r, _ in scope.consumers(t))
    return [name for name in readers if name in left]
