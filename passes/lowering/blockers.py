"""What stands in the way of a runtime's rewrites, what would make them, and what that would save.

A saving is what the executed cost would fall by: the graph is lowered once more for each kind of
hindrance, with the fix made wherever a rule declines because of it, and costed. Executed nodes that
differ form regions, connected by the originals that they stand for and by tensors that only one of
the two graphs has. A region goes to the places that lie in it; several places in one region are one
blocker, whose saving is that of all of them together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...costmodel.device import Device
from ...costmodel.executed import executed_cost
from ...costmodel.result import NodeCost
from ...graph import Graph
from ...graph.shapes import Given
from ...graph.shapes.given import input_infos
from . import Lowered, lower_mended
from .costed import LoweredCost, target_of
from .near import OPEN_SIZES, NearMiss, Way


@dataclass(frozen=True)
class Saving:
    """What the cost at ``executed`` would fall by; negative where it would rise, None if unknown.

    Parameters
    ----------
    nodes
        Executed nodes.
    flops, padded_flops, traffic_bytes, latency_s
        As in the totals of a cost.
    """

    nodes: int
    flops: int | None
    padded_flops: int | None
    traffic_bytes: int | None
    latency_s: float | None

    @classmethod
    def figures(cls) -> tuple[str, ...]:
        """The names of what is estimated."""
        return ("flops", "padded_flops", "traffic_bytes", "latency_s")


@dataclass(frozen=True)
class Blocker:
    """A rewrite that a runtime nearly makes, at one place or at several that only go together.

    Parameters
    ----------
    rule
        As the runtime calls it; of several that one fix helps, all of them.
    nodes
        The originals at which it nearly matched.
    kind
        What stands in its way, without names.
    reason, fix
        What stands in its way, and what to do about it.
    places
        At how many places it nearly matched.
    saving
        What the fix would save; None where it is not known.
    """

    rule: str
    nodes: tuple[str, ...]
    kind: str
    reason: str
    fix: str
    places: int
    saving: Saving | None


def blockers(
    graph: Graph, device: Device, found: LoweredCost, given: Given | None = None
) -> tuple[Blocker, ...]:
    """What stands in the way of a runtime's rewrites, the largest saving of time first.

    Parameters
    ----------
    graph
        The graph that was lowered.
    device
        For which it was lowered and costed.
    found
        Its lowering, and the cost of that.
    given
        As it was lowered with.

    Returns
    -------
    tuple of Blocker
        None of what makes no difference in the end, because another rule makes the rewrite.
    """
    ways: defaultdict[Way, list[NearMiss]] = defaultdict(list)
    for near in found.lowered.declined:
        ways[near.way].append(near)
    made: list[Blocker] = []
    for way, places in ways.items():
        if not way.rule or any(place.mends for place in places):
            made += _apart(places, found, _mended(graph, device, found, given, way))
        else:
            made += [_blocker([place], None) for place in places if not _joined(place, found)]
    return tuple(sorted(made, key=_rank))


def _joined(place: NearMiss, found: LoweredCost) -> bool:
    """Whether one executed node does the work of all, so that nothing stood in the way at last."""
    wanted = set(place.nodes)
    return len(wanted) > 1 and any(
        wanted.issubset(node.originals) for node in found.lowered.lineage.executed
    )


def _rank(blocker: Blocker) -> tuple[float, float, str]:
    saving = blocker.saving
    latency = 0.0 if saving is None or saving.latency_s is None else saving.latency_s
    traffic = 0 if saving is None or saving.traffic_bytes is None else saving.traffic_bytes
    return (-latency, -traffic, blocker.rule)


def _mended(
    graph: Graph, device: Device, found: LoweredCost, given: Given | None, way: Way
) -> LoweredCost:
    """What would be executed were a kind of hindrance mended."""
    target, shapes = target_of(device), found.cost.shapes
    assert target is not None  # it was lowered for it
    assert shapes is not None
    alike = replace(given or Given(), found=shapes.sizes)
    inputs = input_infos(graph, alike)
    names: Iterable[str] = inputs.overridden
    if way.kind == OPEN_SIZES:
        names = inputs.infos
        alike = Given(
            {n: s for n, i in inputs.infos.items() if (s := i.resolved) is not None},
            values=alike.values,
            trips=alike.trips,
        )
    sizes = {name: inputs.infos[name].resolved for name in names}
    lowered = lower_mended(graph, target, sizes, frozenset({way}))
    cost = executed_cost(
        graph, lowered.graph, lowered.lineage, device, alike, channels=lowered.blocked
    )
    return LoweredCost(cost, lowered)


def _apart(
    places: Sequence[NearMiss], found: LoweredCost, mended: LoweredCost
) -> Iterator[Blocker]:
    """A blocker a region of executed nodes that differ; one in all if some lie at no place."""
    before, after = found.cost.nodes, mended.cost.nodes
    gone, come = _differing(before, after), _differing(after, before)
    if not places[0].way.rule:
        if gone or come:
            yield _blocker(places, _saving(gone, come))
        return
    region = _Regions()
    for node in (*gone, *come):
        region.join(node.originals)
    _join_neighbours(region, (found.lowered, gone), (mended.lowered, come))
    for place in places:
        region.join(place.nodes)
    sides: defaultdict[str, tuple[list[NodeCost], list[NodeCost]]] = defaultdict(lambda: ([], []))
    for side, nodes in enumerate((gone, come)):
        for node in nodes:
            sides[region.of(node.originals)][side].append(node)
    groups: defaultdict[str, list[NearMiss]] = defaultdict(list)
    for place in places:
        groups[region.of(place.nodes)].append(place)
    if sides.keys() - groups.keys():
        yield _blocker(places, _saving(gone, come))
        return
    for name, group in groups.items():
        if name in sides:
            yield _blocker(group, _saving(*sides[name]))
        else:  # mended or made anyway, it changes nothing
            yield from (_blocker([p], None) for p in group if not (p.mends or _joined(p, found)))


def _join_neighbours(region: _Regions, *sides: tuple[Lowered, list[NodeCost]]) -> None:
    """Join nodes that differ where a tensor goes from one to the other that one side alone has."""
    tensors: list[set[str]] = []
    for lowered, _ in sides:
        names = {s.prefix + t for s, n in lowered.graph.walk() for t in n.outputs if t}
        tensors.append(names - lowered.blocked.keys())
    alike = set.intersection(*tensors)
    for lowered, nodes in sides:
        originals = {node.name: node.originals for node in nodes}
        makers: dict[str, tuple[str, ...]] = {}
        differing = [(s, n) for s, n in lowered.graph.walk() if s.path(n) in originals]
        for scope, node in differing:
            makers |= {scope.prefix + t: originals[scope.path(node)] for t in node.outputs}
        for scope, node in differing:
            for tensor in node.inputs:
                made = makers.get(scope.prefix + tensor) if tensor else None
                if made is not None and scope.prefix + tensor not in alike:
                    region.join((*made, *originals[scope.path(node)]))


def _key(node: NodeCost) -> Hashable:
    return (
        tuple(sorted(node.originals)),
        node.op_type,
        node.domain,
        node.flops,
        node.padded_flops,
        node.traffic_bytes,
        node.latency_s,
    )


def _differing(nodes: Iterable[NodeCost], others: Iterable[NodeCost]) -> list[NodeCost]:
    """The nodes that have no equal among the others, one for one."""
    left = Counter(map(_key, others))
    found = []
    for node in nodes:
        key = _key(node)
        if left[key]:
            left[key] -= 1
        else:
            found.append(node)
    return found


class _Regions:
    """Originals, put together where an executed node or a place connects them."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, originals: Iterable[str]) -> str:
        """The region that some originals lie in, named by one of them."""
        return self._top(next(iter(originals), ""))

    def join(self, originals: Iterable[str]) -> None:
        """Put originals into one region."""
        tops = {self._top(name) for name in originals}
        last = min(tops, default="")
        self._above.update(dict.fromkeys(tops, last))

    def _top(self, name: str) -> str:
        path = []
        while (above := self._above.get(name, name)) != name:
            path.append(name)
            name = above
        self._above.update(dict.fromkeys(path, name))
        return name


def _saving(gone: Sequence[NodeCost], come: Sequence[NodeCost]) -> Saving:
    def less(figure: str) -> Any:  # noqa: ANN401 - of whole numbers, or of seconds
        sums = []
        for nodes in (gone, come):
            values = [getattr(node, figure) for node in nodes]
            if any(value is None for value in values):
                return None
            sums.append(sum(values))
        return sums[0] - sums[1]

    return Saving(len(gone) - len(come), *map(less, Saving.figures()))


def _blocker(places: Sequence[NearMiss], saving: Saving | None) -> Blocker:
    """One of several places: the reason and the fix are those of the first."""
    first = places[0]
    return Blocker(
        ", ".join(dict.fromkeys(place.rule for place in places)),
        tuple(dict.fromkeys(node for place in places for node in place.nodes)),
        first.kind,
        first.reason,
        first.fix,
        len(places),
        saving,
    )
