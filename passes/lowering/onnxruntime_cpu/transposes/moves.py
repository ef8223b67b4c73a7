"""Moving Transposes: what an input costs to transpose, and transposing inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .....graph.dtypes import INT64
from ...node import WorkNode
from ...work import Dims, Type, Work, cover, union
from ..conditions import hand_on

Perm = tuple[int, ...]
_UNKNOWN = 5  # dims of a tensor of which nothing is known


class Handler(NamedTuple):
    """How a Transpose is pushed through an operator.

    ``slots`` are the inputs that are transposed with it; ``push`` does it, or answers False;
    ``outward`` says whether its outputs are transposed then.
    """

    slots: Callable[[Work, WorkNode], Sequence[int]]
    push: Callable[[Push], bool]
    outward: bool = True


@dataclass
class Push:
    """A Transpose in front of a node, on its way through it."""

    work: Work
    node: WorkNode
    perm: Perm
    slots: Sequence[int]
    covers: list[WorkNode] = field(default_factory=list)  # Transposes that are gone for it

    @property
    def inverse(self) -> Perm:
        """What undoes the Transpose."""
        return inverse(self.perm)

    def inputs(self) -> None:
        """Transpose back all inputs."""
        for slot in self.slots:
            self.input(slot, self.inverse)

    def input(self, slot: int, perm: Perm) -> None:
        """Let the node read an input transposed."""
        work, node = self.work, self.node
        tensor = node.inputs[slot]
        constant = work.constant(tensor)
        if constant is not None:
            value = constant.small()
            shape = tuple(constant.shape[p] for p in perm)
            moved = None if value is None else value.transpose(perm)
            work.set_input(node, slot, work.store(tensor, constant.dtype, shape, moved))
            return
        dq = work.made_by(tensor, "DequantizeLinear")
        if dq is not None and work.constant(dq.inputs[0]) is not None and work.edges(dq) == 1:
            inner = Push(work, dq, perm, (0,))
            inner.input(0, perm)
            work.types[tensor] = transposed(work.type(tensor), perm)
            return
        before = work.made_by(tensor, "Transpose")
        own = None if before is None else perm_of(work, before)
        if before is not None and own is not None:
            both = tuple(own[p] for p in perm)
            source = before.inputs[0]
            work.set_input(node, slot, source)
            self.covers.append(before)
            if not work.readers(tensor) and not work.is_output(tensor):
                work.detach(before)
            if both != tuple(range(len(both))):
                self._transpose(slot, source, both)
            return
        self._transpose(slot, tensor, perm)

    def _transpose(self, slot: int, tensor: str, perm: Perm) -> None:
        self.work.set_input(self.node, slot, swapped(self.work, tensor, perm, self.node))

    def outputs(self, perm: Perm | None = None) -> None:
        """Put a Transpose behind each output."""
        for slot, output in enumerate(self.node.outputs):
            if output:
                self.output(slot, self.perm if perm is None else perm)

    def output(self, slot: int, perm: Perm) -> None:
        """Put a Transpose behind an output, if it moves anything."""
        if perm == tuple(range(len(perm))):
            for gone in self.covers:
                cover(self.node, gone)
            return
        work, node = self.work, self.node
        old = node.outputs[slot]
        made = work.tensor(node.name or old, transposed(work.type(old), inverse(perm)))
        work.set_outputs(node, [*node.outputs[:slot], made, *node.outputs[slot + 1 :]])
        swap = work.glue("Transpose", made, old, (node,), perm=list(perm))
        real = [n for n in self.covers if not n.glue]
        if real:
            swap.glue = False
            swap.covers = union(real)
            swap.moved = tuple(
                p for n in real for p in n.moved or ((n.covers, node, n.index not in work.nodes),)
            )

    def ranks(self, rank: int) -> bool:
        """Bring the inputs to as many dims as the Transpose has."""
        work, node = self.work, self.node
        for slot in self.slots:
            tensor = node.inputs[slot]
            dims = work.dims(tensor)
            if dims is None or len(dims) > rank:
                return False
            missing = rank - len(dims)
            if not missing:
                continue
            shape = (1,) * missing
            dq = work.made_by(tensor, "DequantizeLinear")
            if work.constant(tensor) is not None:
                work.set_input(node, slot, _widened(work, tensor, shape))
                continue
            if dq is not None and work.constant(dq.inputs[0]) is not None:
                work.set_input(dq, 0, _widened(work, dq.inputs[0], shape))
                work.types[tensor] = Type(work.dtype(tensor), (*shape, *dims))
                continue
            axes = work.store("axes", INT64, (missing,), np.arange(missing))
            made = work.tensor("unsqueezed", Type(work.dtype(tensor), (*shape, *dims)))
            inserted = work.add("Unsqueeze", [tensor, axes], made, name="Unsqueeze")
            inserted.glue, inserted.covers = True, node.covers
            work.set_input(node, slot, made)
        return True


def _widened(work: Work, tensor: str, ones: tuple[int, ...]) -> str:
    """A constant with dims of 1 in front."""
    constant = work.constant(tensor)
    assert constant is not None
    value, shape = constant.small(), (*ones, *constant.shape)
    return work.store(
        tensor, constant.dtype, shape, None if value is None else value.reshape(shape)
    )


def swapped(work: Work, tensor: str, perm: Perm, reader: WorkNode) -> str:
    """A tensor transposed: by a Transpose that there is, or by one that is put in."""
    for node in work.readers(tensor):
        if node.op == "Transpose" and perm_of(work, node) == perm:
            return node.output
    made = work.tensor("transposed", transposed(work.type(tensor), perm))
    work.glue("Transpose", tensor, made, (reader,), perm=list(perm))
    return made


def settle(work: Work, node: WorkNode, heirs: Sequence[WorkNode]) -> None:
    """Say who stands for a Transpose that goes: what it first moved past, else the heirs."""
    if not node.moved:
        hand_on(work, node, heirs)
    for originals, first, _ in node.moved:
        first.covers = tuple(dict.fromkeys((*first.covers, *originals)))


def compose(work: Work, node: WorkNode) -> None:
    """Say who stands for a moved Transpose that goes into another, if no part of it is left."""
    node.moved = tuple(part for part in node.moved if part[2])
    if node.moved:
        settle(work, node, ())


def perm_of(work: Work, node: WorkNode) -> Perm | None:
    """The permutation of a Transpose."""
    perm = node.ints("perm")
    if perm is None:
        rank = work.rank(node.inputs[0])
        return None if rank is None else tuple(range(rank))[::-1]
    return perm


def inverse(perm: Perm) -> Perm:
    """What undoes a permutation."""
    back = [0] * len(perm)
    for place, axis in enumerate(perm):
        back[axis] = place
    return tuple(back)


def transposed(kind: Type, perm: Perm) -> Type:
    """A tensor's type with its dims permuted."""
    if kind.dims is None or len(kind.dims) != len(perm):
        return kind
    return Type(kind.dtype, tuple(kind.dims[p] for p in perm))


def weight(dims: Dims | None) -> int:
    """What a tensor costs to transpose: its dims that are not 1."""
    return _UNKNOWN if dims is None else sum(d != 1 for d in dims)
