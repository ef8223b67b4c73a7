"""Which tensor of the original graph a tensor of the optimised one stands for.

onnxruntime keeps the names of most tensors. Others are found by the data movers between them and
a named tensor, by the value that an unchanged operation makes of known ones, and by the name
that onnxruntime derives for a node or a tensor from that of an original node.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..graph.operators import VIEWS
from .flat import NONE, Flat, Op
from .name_pairs import NamePairs
from .quantised import quantised
from .value_numbers import ValueNumbers, same_attributes

# What onnxruntime inserts to change a layout, a shape or a type: the value stays.
_MOVERS = frozenset({"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast"})
_QUANTISERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
_REORDERS = frozenset({"ReorderInput", "ReorderOutput"})
_NCHWC = "com.microsoft.nchwc"
# Nodes of inlined functions and branches are named so, or not at all.
_INLINED = ("_inlfunc_", "_if_then_branch_", "_if_else_branch_")


class TensorPairs:
    """The original tensors that those of an optimised graph stand for.

    A tensor may hold its original's value in another layout or type. What a fused operation
    hands to another part of itself stands for none.

    Attributes
    ----------
    origin
        By tensor of the optimised graph: the original one, or None.
    renamed
        Tensors whose original has another name.
    frames
        By frame of the optimised graph: the original one.
    by_id
        The original's operations, by id and by name.
    """

    def __init__(self, original: Flat, numbers: ValueNumbers, optimized: Flat) -> None:
        self._original, self._numbers, self._optimized = original, numbers, optimized
        self.origin: list[int | None] = [None] * len(optimized.paths)
        self.renamed: set[int] = set()
        self.frames: dict[int, int] = {}
        self.by_id = {op.node.name: op for op in original.ops if op.node.name}
        self.by_id |= {op.id: op for op in original.ops}
        self._derived = NamePairs(original, numbers, self.by_id, optimized.ops)
        # What is quantised stands for nothing that isn't.
        self._steps, self._original_steps = quantised(optimized), quantised(original)
        self._frame(0, 0)
        for op in optimized.ops:
            self._by_name(op)
        for tensor, constant in optimized.constants.items():
            if self.origin[tensor] is None:
                self.origin[tensor] = numbers.constant(constant)
        self._backward()
        for op in optimized.ops:
            self._forward(op)
        self._backward()

    def value(self, tensor: int) -> int | None:
        """The original's value that a tensor of the optimised graph holds."""
        origin = None if tensor == NONE else self.origin[tensor]
        return None if origin is None else self._numbers.value[origin]

    def inserted(self, op: Op) -> bool:
        """Whether an operation of the optimised graph moves data and is none of the original's."""
        node = op.node
        if node.domain == _NCHWC:
            return node.op_type in _REORDERS
        if node.op_type not in _MOVERS | _QUANTISERS or not node.name:
            return False
        return self._derived.node(node.name) is None and not node.name.startswith(_INLINED)

    def moves(self, op: Op) -> bool:
        """Whether it is inserted and hands on its input's value."""
        if not self.inserted(op) or not op.reads or op.reads[0] == NONE:
            return False
        before, after = self.value(op.reads[0]), self.value(op.makes[0])
        if before is None or after is None:
            return True
        across = self._across(op, before)
        return across is not None and self._numbers.value[across] == after

    def _across(self, op: Op, origin: int, *, back: bool = False) -> int | None:
        """What an inserted operation makes of a tensor, or with ``back`` what it is made of.

        That is the same one, unless it is a quantiser: onnxruntime inserts these in pairs, which
        do again what a pair of the original did.
        """
        if op.node.op_type not in _QUANTISERS:
            return origin
        value = self._numbers.value[origin]
        if (op.node.op_type == "QuantizeLinear") != back:
            maker = self._original.maker[value]
            dequantised = maker is not None and maker.node.op_type == "DequantizeLinear"
            return maker.reads[0] if maker and dequantised else None
        readers = self._original.readers[value]
        return next((r.makes[0] for r in readers if r.node.op_type == "DequantizeLinear"), None)

    def _frame(self, frame: int, original: int) -> None:
        """Pair frames: inputs and outputs correspond by position, initializers by name."""
        ours, theirs = self._optimized.frames[frame], self._original.frames[original]
        self.frames[frame] = original
        for name, tensor in ours.names.maps[0].items():
            if self._optimized.maker[tensor] is None:
                self.origin[tensor] = theirs.names.get(name)
        for one, other in ((ours.inputs, theirs.inputs), (ours.outputs, theirs.outputs)):
            if frame and len(one) == len(other):
                for tensor, origin in zip(one, other, strict=True):
                    self.origin[tensor] = origin

    def _by_name(self, op: Op) -> None:
        own = self.by_id.get(op.node.name)
        for name, tensor in zip(op.node.outputs, op.makes, strict=True):
            origin = self._names(op).get(name)
            if tensor == NONE or origin is None or self.origin[tensor] is not None:
                continue
            # What loses its name takes its node's, which may be the name of another tensor.
            if own is None or name != op.node.name or self._computed(origin, own):
                self.origin[tensor] = origin
        if op.bodies:
            self._bodies(op, own)

    def _computed(self, origin: int, source: Op) -> bool:
        """Whether an original tensor is computed from what an operation makes."""
        stack, seen = [origin], {origin}
        while stack:
            maker = self._original.maker[stack.pop()]
            if maker is source:
                return True
            if maker is not None and maker.index > source.index:
                stack += (fresh := set(maker.inputs) - seen)
                seen |= fresh
        return False

    def _names(self, op: Op) -> Mapping[str, int]:
        """The original tensors by name that an operation sees."""
        frame = self.frames.get(op.frame)
        return {} if frame is None else self._original.frames[frame].names

    def _bodies(self, op: Op, own: Op | None) -> None:
        if own is None or not own.bodies:
            origins = (self.origin[t] for t in op.outputs)
            makers = (self._original.maker[o] for o in origins if o is not None)
            own = next((maker for maker in makers if maker is not None and maker.bodies), None)
        if own is None or own.node.op_type != op.node.op_type:
            return
        for attribute, frame in op.bodies.items():
            if attribute in own.bodies:
                self._frame(frame, own.bodies[attribute])

    def _forward(self, op: Op) -> None:
        """Find what an operation makes by what it reads, or by its name."""
        if all(self.origin[t] is not None for t in op.outputs):
            return
        before = self.origin[op.reads[0]] if self.moves(op) else None
        if before is not None:
            self._rename(op.makes[0], self._across(op, before))
        reads = [self.value(t) for t in op.reads]
        known = all(v is not None or t == NONE for v, t in zip(reads, op.reads, strict=True))
        if known and op.frame in self.frames and op.makes[0] != NONE:
            self._rename(op.makes[0], self._numbers.find(op.node, reads, self.frames[op.frame]))
        for slot, tensor in enumerate(op.makes):
            if tensor != NONE and self.origin[tensor] is None:
                self._rename(tensor, self._derived.find(op.node, slot, self._names(op), reads))

    def _backward(self) -> None:
        """Find what a data mover, or an unchanged operation, reads by what it makes."""
        for op in reversed(self._optimized.ops):
            origin = self.origin[op.makes[0]] if op.makes and op.makes[0] != NONE else None
            if origin is None:
                continue
            maker = self._original.maker[self._numbers.value[origin]]
            if self.moves(op):
                replaces = maker is not None and op.makes[0] not in self.renamed and _kin(op, maker)
                before = (
                    maker.reads[0] if maker and replaces else self._across(op, origin, back=True)
                )
                self._rename(op.reads[0], before)
                continue
            if maker is not None and len(maker.reads) == len(op.reads) and _alike(op, maker):
                for tensor, source in zip(op.reads, maker.reads, strict=True):
                    if NONE not in (tensor, source) and self._optimized.maker[tensor] is not None:
                        self._rename(tensor, source)

    def _rename(self, tensor: int, origin: int | None) -> None:
        if origin is None or self.origin[tensor] is not None:
            return
        steps = self._steps.get(tensor)
        if steps is None or steps == self._original_steps.get(origin, False):
            self.origin[tensor] = origin
            self.renamed.add(tensor)


def _kin(op: Op, other: Op) -> bool:
    """Whether a data mover can have taken the place of an original one."""
    ours, theirs = op.node.op_type, other.node.op_type
    if op.node.op_type == "ReorderOutput" and op.node.int("channels_last", 0):
        ours = "Transpose"
    alike = ours == theirs and ours not in _QUANTISERS
    return alike or VIEWS.issuperset((ours, theirs))


def _alike(op: Op, other: Op) -> bool:
    """Whether two operations are the same but for what they read."""
    a, b = op.node, other.node
    same = (a.domain, a.op_type) == (b.domain, b.op_type)
    return same and not op.bodies and same_attributes(a, b)
