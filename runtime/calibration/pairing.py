"""Which node of the graph that a runtime saved is which node that it executes by rules."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from ...costmodel.cost import Costed
from ...graph.shapes import Shapes
from ...graph.shapes.table import scopes
from ...lineage.lineage import Lineage


class Side(NamedTuple):
    """A node of one of both graphs: its path, its operator, its originals, and what it makes."""

    path: str
    operator: tuple[str, str]
    originals: frozenset[str]
    makes: Hashable


def by_rules(nodes: Iterable[Costed], lineage: Lineage) -> list[Side]:
    """The nodes that a runtime executes by rules."""
    originals = {one.name: one.originals for one in lineage.executed}
    return [
        Side(
            costed.cost.name,
            (costed.node.domain, costed.node.op_type),
            frozenset(originals.get(costed.cost.name, ())),
            _makes(costed.scope, costed.node.outputs),
        )
        for costed in nodes
    ]


def as_saved(shapes: Shapes, lineage: Lineage, ran: Iterable[str]) -> list[Side]:
    """The nodes of a graph that a runtime saved, as far as they ran."""
    originals = {one.name: one.originals for one in lineage.executed}
    wanted = set(ran)
    return [
        Side(
            path,
            (node.domain, node.op_type),
            frozenset(originals.get(path, ())),
            _makes(scope, node.outputs),
        )
        for scope in scopes(shapes)
        for node in scope.graph
        if (path := scope.graph.path(node)) in wanted
    ]


def _makes(scope: Shapes, outputs: Sequence[str]) -> Hashable:
    infos = [scope.get(name) for name in outputs if name]
    return tuple(None if info is None else (info.dtype, info.resolved) for info in infos)


def paired(rules: Sequence[Side], saved: Sequence[Side]) -> dict[str, str]:
    """By path of a node by rules: that of the node that was saved.

    Those of one operator that stand for the same originals go together, in their order; then those
    of one operator that make tensors of the same types, the more originals in common the sooner:
    what is put in at a boundary has fewer of them where it was saved.
    """
    found: dict[str, str] = {}
    waiting: defaultdict[Hashable, deque[Side]] = defaultdict(deque)
    for side in saved:
        waiting[side.operator, side.originals].append(side)
    for side in rules:
        same = waiting[side.operator, side.originals]
        if same:
            found[side.path] = same.popleft().path
    taken = set(found.values())
    left: defaultdict[Hashable, list[Side]] = defaultdict(list)
    for side in saved:
        if side.path not in taken:
            left[side.operator, side.makes].append(side)
    for side in rules:
        alike = left[side.operator, side.makes] if side.path not in found else []
        if alike:
            best = max(alike, key=lambda other: len(side.originals & other.originals))
            alike.remove(best)
            found[side.path] = best.path
    return found
