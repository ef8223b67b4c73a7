"""Where two executed graphs differ, and what that takes.

Executed nodes that do the same work on both sides cancel. What is left falls into regions, each
between tensors that both graphs make, so that a rewrite that was made at twelve places shows as
twelve regions of one kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

from .match import match
from .ran import Ran

Sides = tuple[float | None, float | None]  # before, after
Names = tuple[tuple[str, ...], tuple[str, ...]]
Operators = tuple[tuple[str, int], ...]  # operator type and how many of it

_NOISE = 2  # times what the whole model's latency is uncertain by: a profile is less certain


@dataclass(frozen=True, slots=True)
class Spent:
    """Executed nodes and their seconds, before and after; 0 where there is no node."""

    nodes: Names
    predicted_s: Sides
    measured_s: tuple[float, float]

    @property
    def change_s(self) -> float:
        """Measured seconds after less those before."""
        return self.measured_s[1] - self.measured_s[0]


@dataclass(frozen=True, slots=True)
class Region:
    """What changed in one way at ``count`` places.

    ``operators`` are those of one place, before and after. ``below_noise`` says that the change
    of the measured time is no larger than what the measurement may be wrong by.
    """

    count: int
    operators: tuple[Operators, Operators]
    spent: Spent
    below_noise: bool


@dataclass(frozen=True, slots=True)
class Regions:
    """All that was executed: what changed, the most changed time first, and the rest."""

    changed: tuple[Region, ...]
    unchanged: Spent


def find_regions(before: Ran, after: Ran, partners: Mapping[str, str], noise_s: float) -> Regions:
    """What changed between two executed graphs.

    Parameters
    ----------
    before, after
        The graphs as they were executed.
    partners
        Which written node of the second graph each of the first became.
    noise_s
        What the latency of the model may be wrong by.
    """
    rest = _unequal(before, after, partners)
    changed = _grouped(_components(before, after, rest, partners), before, after, noise_s)
    equal = tuple(
        tuple(path for path in side.nodes if path not in left)
        for side, left in zip((before, after), rest, strict=True)
    )
    return Regions(tuple(changed), _spent((equal[0], equal[1]), before, after))


def _unequal(
    before: Ran, after: Ran, partners: Mapping[str, str]
) -> tuple[dict[str, None], dict[str, None]]:
    """The nodes of both that have no equal on the other side.

    Equal are those that do the same work for the same written nodes, to make the same tensors, or
    at the same place between such.
    """
    left = dict.fromkeys(before.nodes), dict.fromkeys(after.nodes)
    known = set(partners.values())

    def covers_before(path: str) -> Collection[str]:
        return frozenset(partners[o] for o in before.originals(path) if o in partners)

    def covers_after(path: str) -> Collection[str]:
        return frozenset(known.intersection(after.originals(path)))

    for keys in ((covers_before, covers_after), (before.makes, after.makes)):
        _cancel(before, after, left, keys)
    if all(left):
        works = tuple({path: ran.work(path) for path in ran.nodes} for ran in (before, after))
        for path, (other, _) in match(before.graph, after.graph, (works[0], works[1])).items():
            if path in left[0] and other in left[1] and works[0][path] == works[1][other]:
                del left[0][path], left[1][other]
    return left


def _cancel(
    before: Ran,
    after: Ran,
    left: tuple[dict[str, None], dict[str, None]],
    keys: tuple[Callable[[str], Collection[str]], Callable[[str], Collection[str]]],
) -> None:
    """Take out nodes of equal work and equal keys, in order."""
    waiting: dict[Hashable, deque[str]] = defaultdict(deque)
    for path in left[1]:
        if key := keys[1](path):
            waiting[key, after.work(path)].append(path)
    for path in list(left[0]):
        key = keys[0](path)
        queue = waiting.get((key, before.work(path)))
        if key and queue:
            del left[0][path], left[1][queue.popleft()]


def _components(
    before: Ran,
    after: Ran,
    left: tuple[dict[str, None], dict[str, None]],
    partners: Mapping[str, str],
) -> list[Names]:
    """Nodes that belong together: they share written nodes or tensors, or hang together.

    A tensor that both graphs make parts what is before it from what is behind it.
    """
    import networkx as nx  # noqa: PLC0415 - slow to import

    links: nx.Graph[tuple[object, ...]] = nx.Graph()
    made = tuple({t for path in side.nodes for t in side.makes(path)} for side in (before, after))
    for side, (ran, mine) in enumerate(zip((before, after), left, strict=True)):
        for path in mine:
            links.add_node((side, path))
            scope, node = ran.nodes[path]
            if ran.inserted(path):
                links.add_edges_from(((side, path), (side, o)) for o in _beside(ran, mine, path))
                continue
            for original in ran.originals(path):
                name = partners.get(original) if side == 0 else original
                links.add_edge((side, path), ("node", name or ("before", original)))
            for tensor, origin in ((t, ran.origin(scope, t)) for t in node.outputs if t):
                links.add_edge((side, path), ("tensor", origin))
                readers = [scope.path(r) for r, _ in scope.consumers(tensor)]
                if origin not in made[1 - side]:
                    links.add_edges_from(((side, path), (side, r)) for r in readers if r in mine)
    parts: list[Names] = []
    for part in nx.connected_components(links):
        parts.append(
            (
                tuple(path for path in left[0] if (0, path) in part),
                tuple(path for path in left[1] if (1, path) in part),
            )
        )
    return parts


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


def _grouped(parts: Iterable[Names], before: Ran, after: Ran, noise_s: float) -> list[Region]:
    """Regions of one kind together, the most changed time first."""
    kinds: dict[tuple[Operators, Operators], list[Names]] = {}
    for part in parts:
        kind = _operators(before, part[0]), _operators(after, part[1])
        kinds.setdefault(kind, []).append(part)
    regions = []
    for kind, alike in kinds.items():
        names = (
            tuple(name for part in alike for name in part[0]),
            tuple(name for part in alike for name in part[1]),
        )
        spent = _spent(names, before, after)
        quiet = abs(spent.change_s) <= _NOISE * noise_s
        regions.append(Region(len(alike), kind, spent, quiet))
    return sorted(regions, key=lambda region: -abs(region.spent.change_s))


def _operators(ran: Ran, paths: Iterable[str]) -> Operators:
    counts = Counter(ran.nodes[path][1].qualified_type for path in paths)
    return tuple(sorted(counts.items(), key=lambda item: (item[0].rpartition("::")[2], item[0])))


def _spent(names: Names, before: Ran, after: Ran) -> Spent:
    first, second = zip((before, after), names, strict=True)
    return Spent(
        names,
        (_predicted(*first), _predicted(*second)),
        (_measured(*first), _measured(*second)),
    )


def _predicted(ran: Ran, paths: Iterable[str]) -> float | None:
    """None where a node's is not known."""
    times = [cost.latency_s for path in paths if (cost := ran.costs.get(path)) is not None]
    known = [time for time in times if time is not None]
    return sum(known) if len(known) == len(times) else None


def _measured(ran: Ran, paths: Iterable[str]) -> float:
    return sum(ran.seconds.get(path, 0.0) for path in paths)
