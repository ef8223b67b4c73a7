"""What stands in the way of a runtime's rewrites, what would make them, and what that would save.

A saving is what the executed cost would fall by: the graph is lowered once more for each kind of
hindrance, with the fix made wherever a rule declines because of it, and costed. Executed nodes that
differ form regions, connected by the originals that they stand for and by tensors that only one of
the two graphs has. A region goes to the places that lie in it; several places in one region are one
blocker, whose saving is that of all of them together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...costmodel.blocker import Blocker, Saving
from ...costmodel.device import Device
from ...costmodel.executed import executed_cost
from ...costmodel.result import GraphCost, NodeCost
from ...graph import Graph
from ...graph.shapes import Given
from . import Lowered, Target, lower_mended
from .near import OPEN_SIZES, NearMiss, Way
from .sizes import Opened
from .targets import RUNTIMES


@dataclass(frozen=True)
class Blockers:
    """What stands in the way of a runtime's rewrites of a graph, found out when it is asked for.

    Parameters
    ----------
    graph, target, device, opened
        What was lowered and costed, and for what; the graph has to be as it was.
    lowered, cost
        What was made of it.
    """

    graph: Graph
    target: Target
    device: Device
    lowered: Lowered
    cost: GraphCost
    opened: Opened

    def __call__(self) -> tuple[Blocker, ...]:
        """All of them, the largest saving of time first.

        None of what makes no difference in the end, because another rule makes the rewrite.
        """
        return self._all

    @cached_property
    def _all(self) -> tuple[Blocker, ...]:
        return self._of({near.way for near in self.lowered.declined})

    def at(self, node: str) -> tuple[Blocker, ...]:
        """Those at an original."""
        ways = {near.way for near in self.lowered.declined if node in near.nodes}
        return tuple(blocker for blocker in self._of(ways) if node in blocker.nodes)

    def _of(self, ways: Set[Way]) -> tuple[Blocker, ...]:
        places: defaultdict[Way, list[NearMiss]] = defaultdict(list)
        for near in self.lowered.declined:
            if near.way in ways:
                places[near.way].append(near)
        made: list[Blocker] = []
        for way, of_way in places.items():
            if not way.rule or any(place.mends for place in of_way):
                made += self._apart(of_way, *self._mended(way))
            else:
                made += self._unknown(of_way)
        return tuple(sorted(made, key=_rank))

    def _mended(self, way: Way) -> tuple[Lowered, GraphCost]:
        """What would be executed were a kind of hindrance mended."""
        shapes = self.cost.shapes
        assert shapes is not None
        known = {name: shapes.get(name) for name in self.lowered.graph.inputs}
        inputs = {
            n: i.resolved for n, i in known.items() if i is not None and i.resolved is not None
        }
        said = self.opened.given or Given()
        alike = Given(inputs, values=said.values, trips=said.trips)
        sizes = inputs if way.kind == OPEN_SIZES else self.opened.sizes
        lowered = lower_mended(self.graph, self.target, sizes, frozenset({way}))
        cost = executed_cost(
            self.graph,
            lowered.graph,
            lowered.lineage,
            self.device,
            alike,
            channels=lowered.blocked,
            activations=RUNTIMES[self.target.runtime]().activations,
        )
        return lowered, cost

    def _apart(
        self, places: Sequence[NearMiss], lowered: Lowered, cost: GraphCost
    ) -> Iterator[Blocker]:
        """A blocker a region of executed nodes that differ; one in all if some lie at no place."""
        gone, come = (
            _differing(self.cost.nodes, cost.nodes),
            _differing(cost.nodes, self.cost.nodes),
        )
        if not places[0].way.rule:
            if gone or come:
                yield _blocker(places, _saving(gone, come))
            return
        region = _Regions()
        for node in (*gone, *come):
            region.join(node.originals)
        _join_neighbours(region, (self.lowered, gone), (lowered, come))
        for place in places:
            region.join(place.nodes)
        sides: defaultdict[str, tuple[list[NodeCost], list[NodeCost]]] = defaultdict(
            lambda: ([], [])
        )
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
                yield from self._unknown([place for place in group if not place.mends])

    def _unknown(self, places: Iterable[NearMiss]) -> Iterator[Blocker]:
        """Of what the rules can't mend, one each, but for what one executed node does at last."""
        for place in places:
            wanted = set(place.nodes)
            covers = (node.originals for node in self.lowered.lineage.executed)
            if len(wanted) == 1 or not any(wanted.issubset(originals) for originals in covers):
                yield _blocker([place], None)


def _rank(blocker: Blocker) -> tuple[float, float, str]:
    saving = blocker.saving
    latency = 0.0 if saving is None or saving.latency_s is None else saving.latency_s
    traffic = 0 if saving is None or saving.traffic_bytes is None else saving.traffic_bytes
    return (-latency, -traffic, blocker.rule)


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

    return Saving(len(gone) - len(come), *map(less, Saving._fields[1:]))


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
