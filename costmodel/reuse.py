"""Where a node's inputs lie when it reads them: how much else was touched since they were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cost import Costed

Distances = Mapping[str, int]
_Key = tuple[int, str]  # a scope's identity and a tensor's name in it


def distances(nodes: Sequence[Costed]) -> list[Distances]:
    """By node and tensor that it reads: the bytes touched since that tensor was, itself included.

    The reuse distance: what is nearer than a cache is large is still in it. Nodes run in their
    order, each reads its inputs and writes its outputs once; a view touches nothing. All of a run
    lies between two readings of a constant: every constant, and the most activations that are
    alive at once, whose storage later ones take over. The same holds for an input of the graph,
    which the caller filled before. No tensor is farther than that.
    """
    root = _roots(nodes)
    run = _run_bytes(nodes, root)
    now = 0
    touched: dict[_Key, int] = {}
    found: list[Distances] = []
    for costed in nodes:
        here = {}
        for name, amount in costed.reads.items():
            last = touched.get(_root(costed, name, root))
            since = run if last is None or _constant(costed, name) else now - last + amount
            here[name] = max(amount, min(run, since))
        found.append(here)
        if costed.cost.view:
            continue
        now += sum(costed.reads.values()) + _written(costed)
        for name in (*costed.reads, *costed.node.outputs):
            touched[_root(costed, name, root)] = now
    return found


def _run_bytes(nodes: Sequence[Costed], root: Mapping[_Key, _Key]) -> int:
    """What one run touches: all constants, and the most activations alive at once."""
    constants: dict[_Key, int] = {}
    last: dict[_Key, int] = {}
    for at, costed in enumerate(nodes):
        for name, amount in costed.reads.items():
            key = _root(costed, name, root)
            last[key] = at
            if _constant(costed, name):
                constants[key] = max(constants.get(key, 0), amount)
    alive = most = 0
    dying: defaultdict[int, int] = defaultdict(int)
    for at, costed in enumerate(nodes):
        written = _written(costed)
        alive += written
        most = max(most, alive)
        ends = [last.get(_root(costed, name, root), at) for name in costed.node.outputs]
        dying[max(ends, default=at)] += written
        alive -= dying.pop(at, 0)
    return sum(constants.values()) + most


def _roots(nodes: Sequence[Costed]) -> dict[_Key, _Key]:
    """By view: the tensor whose storage it shares."""
    root: dict[_Key, _Key] = {}
    for costed in nodes:
        if costed.cost.view:
            source = id(costed.scope), costed.node.inputs[0]
            root[id(costed.scope), costed.node.outputs[0]] = root.get(source, source)
    return root


def _root(costed: Costed, name: str, root: Mapping[_Key, _Key]) -> _Key:
    key = id(costed.scope), name
    return root.get(key, key)


def _constant(costed: Costed, name: str) -> bool:
    info = costed.scope.get(name)
    return info is not None and info.constant


def _written(costed: Costed) -> int:
    """Bytes that one execution writes."""
    return (costed.cost.write_bytes or 0) // costed.cost.trips
