"""Which constants of two executed graphs are not the same."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence

from .figures import Figures

Readers = Mapping[str, list[str]]  # nodes by constant


def odd_constants(
    before: Figures, after: Figures, equal: Mapping[str, str]
) -> tuple[Readers, Readers]:
    """The constants of both sides that have no equal on the other, with the nodes that read them.

    A runtime names what it stores anew by numbers, and shares what is equal under the name of any
    of them, so that a name alone says nothing: constants are equal that are as large and that
    equal nodes read; those of one name go first, then those that no other node reads.

    Parameters
    ----------
    before, after
        The graphs as they are executed.
    equal
        Nodes before, each with its equal after.
    """
    left = _readers(before), _readers(after)

    def same(name: str, other: str) -> bool:
        return _sizes(before, name) == _sizes(after, other)

    for name in [name for name in left[0] if name in left[1] and same(name, name)]:
        nodes, others = left[0][name], left[1][name]
        if nodes == others == [] or any(equal.get(path) in others for path in nodes):
            del left[0][name], left[1][name]
    for alone in (True, False):
        waiting: dict[Hashable, list[str]] = {}
        for name, nodes in left[1].items():
            for key in _keys(nodes, alone=alone):
                waiting.setdefault((_sizes(after, name), key), []).append(name)
        for name in list(left[0]):
            nodes = [equal.get(path, "") for path in left[0][name]]
            found = (waiting.get((_sizes(before, name), k), ()) for k in _keys(nodes, alone=alone))
            other = next((n for names in found for n in names if n in left[1]), None)
            if other is not None:
                del left[0][name], left[1][other]
    return left


def _keys(nodes: Sequence[str], *, alone: bool) -> Collection[Hashable]:
    """What makes constants equal: all that read them, or any of these."""
    if alone:
        return () if "" in nodes else (frozenset(nodes),)
    return [path for path in dict.fromkeys(nodes) if path]


def _sizes(figures: Figures, name: str) -> tuple[int, int]:
    return figures.params.get(name, 0), figures.stored.get(name, 0)


def _readers(figures: Figures) -> dict[str, list[str]]:
    """Of each constant that counts: the nodes that read it, or whose attribute it is."""
    found: dict[str, list[str]] = {n: [] for n in (*figures.params, *figures.stored)}
    for path, tensors in figures.tensors.items():
        for name in (path, *tensors):
            if name in found:
                found[name].append(path)
    return found
