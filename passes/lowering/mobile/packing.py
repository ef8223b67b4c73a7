"""Channels in packs of four, as kernels with 128-bit vectors want them.

Condition: four dims, and a known number of channels. Convolutions of constant weights (dense, one
channel a group, or groups of whole packs) and pools take the layout wherever they stand; what
works element by element, and a Concat of whole packs, takes it on from a packed tensor. Channels
are padded to whole packs. At the border a Pack or an Unpack copies.

    before  Conv(x) of 3 and 30 channels
    after   Unpack(Conv(Pack(x))) of 4 and 32 channels
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from ....graph.dtypes import INT64
from ..fusable import is_pointwise
from ..node import WorkNode
from ..rule import Sweep
from ..work import Array, Type, Work

_POOLS = frozenset({"AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"})
_CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})


class _Packing:
    """The packed tensors of a graph or body, by the names of the originals."""

    def __init__(self, work: Work) -> None:
        self.work, self.pack = work, work.target.block
        self.packed: dict[str, str] = {}

    def channels(self, tensor: str) -> int | None:
        """The channels of a tensor that may be packed."""
        dims = self.work.dims(tensor)
        if dims is None or len(dims) != 4 or self.work.constant(tensor) is not None:
            return None
        return dims[1] if type(dims[1]) is int else None

    def padded(self, channels: int) -> int:
        """Channels in whole packs."""
        return -(-channels // self.pack) * self.pack

    def put(self, node: WorkNode, taken: Iterable[int]) -> None:
        """Let a node work on packed tensors: of its inputs those of these slots."""
        for slot in taken:
            tensor = node.inputs[slot]
            if tensor not in self.packed:
                self.packed[tensor] = self._copied(tensor, node)
            self.work.set_input(node, slot, self.packed[tensor])
        made = self._tensor(node.output)
        self.packed[node.output] = made
        self.work.set_outputs(node, [made])

    def pad(self, node: WorkNode, slot: int, axes: Iterable[int]) -> None:
        """Let a node read a constant with whole packs on some axes."""
        found = self.work.constant(node.inputs[slot])
        assert found is not None  # the caller has looked
        shape = list(found.shape)
        for axis in axes:
            shape[axis] = self.padded(shape[axis])
        if shape != list(found.shape):
            name = self.work.store(f"{node.inputs[slot]}_packed", found.dtype, shape)
            self.work.set_input(node, slot, name)

    def _tensor(self, tensor: str) -> str:
        kind = self.work.type(tensor)
        channels = self.channels(tensor)
        assert kind.dims is not None  # the caller has looked
        assert channels is not None
        dims = (kind.dims[0], self.padded(channels), *kind.dims[2:])
        made = self.work.tensor(f"{tensor}_packed", Type(kind.dtype, dims))
        self.work.root.blocked[made] = channels
        return made

    def _copied(self, tensor: str, reader: WorkNode) -> str:
        made = self._tensor(tensor)
        more = self.padded(self.channels(tensor) or 0) - (self.channels(tensor) or 0)
        maker = self.work.maker(tensor)
        near = [node for node in (maker, reader) if node is not None]
        self._copy("Pack", "Pad", tensor, made, {"pads": [0] * 5 + [more, 0, 0]}, near)
        return made

    def finish(self) -> None:
        """Unpack what is read plain, and what the graph answers."""
        for tensor, packed in self.packed.items():
            maker = self.work.maker(packed)
            readers = self.work.readers(tensor)
            if self.work.maker(tensor) is not None or tensor in self.work.inputs:
                continue  # that was only packed
            if not readers and not self.work.is_output(tensor):
                continue
            bounds = {"starts": [0], "ends": [self.channels(tensor) or 0], "axes": [1]}
            near = [node for node in (maker, *readers) if node is not None]
            self._copy("Unpack", "Slice", packed, tensor, bounds, near)

    def _copy(
        self,
        name: str,
        op: str,
        tensor: str,
        made: str,
        parameters: dict[str, list[int]],
        near: list[WorkNode],
    ) -> None:
        """Put in a copy between the layouts, as the standard operator that has the same sizes."""
        work = self.work
        inputs = [tensor]
        if work.opset.get("", 1) >= 11:
            for key, values in parameters.items():
                array: Array = np.array(values, np.int64)
                inputs.append(work.store(f"{name}_{key}", INT64, array.shape, array))
        attributes = {} if len(inputs) > 1 else parameters
        copy = work.add(op, inputs, made, name=name, attributes=attributes)
        fused = work.fuse([copy], name, name)
        fused.glue = True
        fused.covers = tuple(dict.fromkeys(path for node in near for path in node.covers))


def _apply(work: Work) -> bool:
    if not work.target.block:
        return False
    packing = _Packing(work)
    for node in work.order():
        if node.bodies or any(node.outputs[1:]) or not node.outputs:
            continue
        if packing.channels(node.output) is None:
            continue
        if node.op in _CONVOLUTIONS and not node.domain:
            _convolution(packing, node)
        elif node.op in _POOLS and not node.domain:
            if packing.channels(node.inputs[0]) is not None:
                packing.put(node, (0,))
        elif node.op == "Concat" and not node.domain:
            _concat(packing, node)
        elif is_pointwise(work, node):
            _elementwise(packing, node)
    packing.finish()
    return bool(packing.packed)


def _convolution(packing: _Packing, node: WorkNode) -> None:
    work = packing.work
    channels, weights = packing.channels(node.inputs[0]), work.constant(node.inputs[1])
    made = packing.channels(node.output)
    if channels is None or made is None or weights is None or len(weights.shape) != 4:
        return
    if node.has_input(2) and work.constant(node.inputs[2]) is None:
        return
    group = node.int("group", 1)
    if group == 1:
        packing.pad(node, 1, (0, 1))
    elif group == channels == made:
        packing.pad(node, 1, (0,))
        node.set(group=packing.padded(group))
    elif channels // group % packing.pack or made // group % packing.pack:
        work.decline("Packing", (node,), f"its {group} groups are of no whole packs of channels")
        return
    if node.has_input(2):
        packing.pad(node, 2, (0,))
    packing.put(node, (0,))


def _concat(packing: _Packing, node: WorkNode) -> None:
    if node.int("axis", 0) != 1 or any(tensor not in packing.packed for tensor in node.inputs):
        return
    counts = [packing.channels(tensor) or 0 for tensor in node.inputs]
    if any(count % packing.pack for count in counts):
        packing.work.decline("Packing", (node,), "it joins channels that are no whole packs")
        return
    packing.put(node, range(len(node.inputs)))


def _elementwise(packing: _Packing, node: WorkNode) -> None:
    work, made = packing.work, packing.channels(node.output)
    if not any(tensor in packing.packed for tensor in node.inputs):
        return
    taken, padded = [], []
    for slot, tensor in enumerate(node.inputs):
        found = work.constant(tensor) if tensor else None
        if not tensor or (found is not None and prod(found.shape) == 1):
            continue
        if found is None:
            if packing.channels(tensor) != made:
                return
            taken.append(slot)
        else:
            axis = 0 if node.op == "BatchNormalization" else len(found.shape) - 3
            if axis < 0 or found.shape[axis] != made:
                return
            padded.append((slot, axis))
    for slot, axis in padded:
        packing.pad(node, slot, (axis,))
    packing.put(node, taken)


SWEEP = Sweep("Packing", (), _apply)
