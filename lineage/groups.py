"""Executed operations that belong together because of the tensors that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .flat import Flat, Op


def linked(flat: Flat, links: Callable[[int], bool]) -> list[Sequence[Op]]:
    """Groups of operations that certain tensors connect, each in order; mostly single ones.

    Parameters
    ----------
    links
        Whether a tensor ties its readers to what makes it.
    """
    leader = {op: op for op in flat.ops}

    def find(op: Op) -> Op:
        while leader[op] is not op:
            leader[op] = leader[leader[op]]
            op = leader[op]
        return op

    for op in flat.ops:
        for tensor in filter(links, op.outputs):
            for reader in flat.readers[tensor]:
                leader[find(reader)] = find(op)
    groups: dict[Op, list[Op]] = {}
    for op in flat.ops:
        groups.setdefault(find(op), []).append(op)
    return list(groups.values())
