"""Executed operations that can't be told apart: they hand each other what no original makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .anchors import Anchors
from .flat import Flat, Op


def units(optimized: Flat, anchors: Anchors) -> Iterator[Sequence[Op]]:
    """Operations of an optimised graph: mostly one by one, else linked by unknown tensors."""
    leader = {op: op for op in optimized.ops}

    def find(op: Op) -> Op:
        while leader[op] is not op:
            leader[op] = leader[leader[op]]
            op = leader[op]
        return op

    constant = set(optimized.constants)
    for op in optimized.ops:
        if not op.bodies and all(t in constant for t in op.inputs):
            constant.update(op.outputs)
        for tensor in op.outputs:
            if anchors.origin[tensor] is None and tensor not in constant:
                for reader in optimized.readers[tensor]:
                    leader[find(reader)] = find(op)
    members: dict[Op, list[Op]] = {}
    for op in optimized.ops:
        members.setdefault(find(op), []).append(op)
    yield from members.values()
