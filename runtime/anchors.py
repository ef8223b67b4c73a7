"""Anchors: which tensor of the original graph a tensor of the optimised one stands for.

onnxruntime keeps the names of most tensors. What it renames is found by, in this order: the data
movers that it put before a named tensor; the value that an unchanged operation makes of known
ones; the name that it derives for a node from the original's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .flat import NONE, Flat, Op
from .numbering import Numbers

_NCHWC = "com.microsoft.nchwc"
# What onnxruntime inserts to change a layout, a shape or a type: the values stay.
_MOVERS = frozenset({"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Cast"})
_QUANTISERS = frozenset({"QuantizeLinear", "DequantizeLinear"})
_REORDERS = frozenset({"ReorderInput", "ReorderOutput"})
# Nodes of inlined functions and branches are named so, or not at all.
_INLINED = ("_inlfunc_", "_if_then_branch_", "_if_else_branch_")

_TOKEN = re.compile(r"_token_\d+")
_OF_TENSOR = re.compile(r"(?:InsertedPrecisionFreeCast_)?(.*?)(?:_bn|_mul)?_nchwc")
_OF_NODE = re.compile(r"(.*?)(?:/QuickGeluFusion/|/duplicated)?")
_SUMS = frozenset({"Add", "Sum"})
_ACTIVATIONS = frozenset(
    {"Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "HardSwish", "Gelu"}
)


class Anchors:
    """The values of the original graph that the tensors of the optimised one stand for.

    A tensor may hold its value in another layout or type. One whose value is not an original
    tensor's, such as what a fused operation hands to another, has none.

    Attributes
    ----------
    value
        By tensor of the optimised graph; values are the original's value numbers.
    frames
        By frame of the optimised graph.
    by_id
        The original's operations.
    """

    def __init__(self, original: Flat, numbers: Numbers, optimized: Flat) -> None:
        self._original, self._numbers, self._optimized = original, numbers, optimized
        self.value: list[int | None] = [None] * len(optimized.names)
        self.frames: dict[int, int] = {0: 0}
        self.by_id = {op.node.name: op for op in original.ops if op.node.name}
        self.by_id |= {op.id: op for op in original.ops}
        self._claimed: set[int] = set()
        self._interface(0, 0)
        for op in optimized.ops:
            self._by_name(op)
        for tensor, constant in optimized.constants.items():
            if self.value[tensor] is None:
                self.value[tensor] = numbers.constant(constant)
        self._claimed.update(v for v in self.value if v is not None)
        self._backward()
        for op in optimized.ops:
            self._forward(op)
        self._backward()

    def inserted(self, op: Op) -> bool:
        """Whether an operation of the optimised graph is none of the original's but a mover."""
        node = op.node
        if node.domain == _NCHWC:
            return node.op_type in _REORDERS
        if node.op_type not in _MOVERS | _QUANTISERS or not node.name:
            return False
        return node.name not in self.by_id and not node.name.startswith(_INLINED)

    def mover(self, op: Op) -> bool:
        """Whether it is inserted and hands on its input's value."""
        if not self.inserted(op) or op.reads[0] == NONE:
            return False
        before, after = self.value[op.reads[0]], self.value[op.makes[0]]
        return before is None or after is None or before == after

    def _named(self, name: str, frame: int) -> int | None:
        """The value of the original tensor of this name."""
        own = self.frames.get(frame)
        found = None if own is None else self._original.frames[own].names.get(name)
        return None if found is None else self._numbers.value[found]

    def _interface(self, frame: int, own: int) -> None:
        """Inputs and outputs of a frame correspond by position, initializers by name."""
        ours, theirs = self._optimized.frames[frame], self._original.frames[own]
        self.frames[frame] = own
        for name, tensor in ours.names.maps[0].items():
            if self._optimized.maker[tensor] is None:
                self.value[tensor] = self._named(name, frame)
        if frame:
            pairs = [*zip(ours.inputs, theirs.inputs), *zip(ours.outputs, theirs.outputs)]  # noqa: B905
            for tensor, origin in pairs:
                self.value[tensor] = self._numbers.value[origin]

    def _by_name(self, op: Op) -> None:
        origin = self.by_id.get(op.node.name)
        for tensor in op.outputs:
            name = self._optimized.names[tensor]
            value = self._named(name, op.frame)
            # What loses its tensor's name takes the node's, which may be another tensor's.
            taken = name == op.node.name and origin is not None
            if taken and all(self._original.names[t] != name for t in origin.outputs):  # type: ignore[union-attr]
                continue
            if value is not None:
                self.value[tensor] = value
        if not op.bodies:
            return
        if origin is None or not origin.bodies:
            values = (self.value[t] for t in op.outputs)
            makers = (self._original.maker[v] for v in values if v is not None)
            origin = next((m for m in makers if m is not None and m.bodies), None)
        for attribute, frame in op.bodies.items():
            if origin is not None and attribute in origin.bodies:
                self._interface(frame, origin.bodies[attribute])

    def _forward(self, op: Op) -> None:
        """Find the values that an operation makes from those that it reads."""
        if not op.outputs or all(self.value[t] is not None for t in op.outputs):
            return
        first = op.makes[0]
        if self.mover(op) and self.value[op.reads[0]] is not None:
            self._set(first, self.value[op.reads[0]])
            return
        reads = [None if t == NONE else self.value[t] for t in op.reads]
        known = all(v is not None for v, t in zip(reads, op.reads, strict=True) if t != NONE)
        frame = self.frames.get(op.frame)
        if known and frame is not None and first != NONE and self.value[first] is None:
            self._set(first, self._numbers.find(op.node, reads, frame))
        for slot, tensor in enumerate(op.makes):
            if tensor != NONE and self.value[tensor] is None:
                self._set(tensor, self._stem(op, slot))

    def _set(self, tensor: int, value: int | None) -> None:
        if self.value[tensor] is None:
            self.value[tensor] = value

    def _backward(self) -> None:
        """Hand what is known of a mover's output, and of an unchanged operation's, to its inputs."""
        for op in reversed(self._optimized.ops):
            value = self.value[op.makes[0]] if op.makes and op.makes[0] != NONE else None
            if value is None:
                continue
            if self.mover(op):
                self._set(op.reads[0], value)
                continue
            maker = self._original.maker[value]
            if maker is None or not _alike(op, maker):
                continue
            for tensor, origin in zip(op.reads, maker.reads, strict=True):
                if tensor != NONE and origin != NONE and self._optimized.maker[tensor] is not None:
                    self._set(tensor, self._numbers.value[origin])

    def _stem(self, op: Op, slot: int) -> int | None:
        """The value by the name that onnxruntime derived from an original node or tensor."""
        name = _TOKEN.sub("", op.node.name)
        of_tensor = _OF_TENSOR.fullmatch(name)
        if of_tensor:
            value = self._named(of_tensor[1], op.frame)
        else:
            of_node = _OF_NODE.fullmatch(name)
            origin = self.by_id.get(of_node[1]) if of_node else None
            if origin is None or slot >= len(origin.makes) or origin.makes[slot] == NONE:
                return None
            value = self._numbers.value[origin.makes[slot]]
        return None if value is None else self._advanced(op, value)

    def _advanced(self, op: Op, value: int) -> int:
        """The value behind what is fused into a node after that which gave it its name."""
        node = op.node
        if node.op_type.startswith(("QLinear", "QGemm")):
            for reader in self._onwards(value):
                value = self._numbers.value[reader.makes[0]]
                if reader.node.op_type == "QuantizeLinear":
                    break
            return value
        maker = self._original.maker[value]
        if node.domain == _NCHWC and len(op.reads) > 3 and op.reads[3] != NONE:
            other = self.value[op.reads[3]]
            for reader in self._original.readers[value]:
                reads = {self._numbers.value[t] for t in reader.reads if t != NONE}
                if reader.node.op_type in _SUMS and reads == {value, other}:
                    value, maker = self._numbers.value[reader.makes[0]], reader
        if "activation" in node.attributes and maker is not None:
            if maker.node.op_type not in _ACTIVATIONS:
                reader = next(self._onwards(value), None)
                if reader is not None:
                    value = self._numbers.value[reader.makes[0]]
        return value

    def _onwards(self, value: int) -> Iterator[Op]:
        """The operations behind a value, as long as it has but one reader."""
        while len(self._original.readers[value]) == 1:
            reader = self._original.readers[value][0]
            yield reader
            value = self._numbers.value[reader.makes[0]]


def _alike(op: Op, other: Op) -> bool:
    """Whether two operations are the same but for what they read."""
    a, b = op.node, other.node
    return (
        (a.domain, a.op_type, len(a.inputs)) == (b.domain, b.op_type, len(b.inputs))
        and a.attributes.keys() == b.attributes.keys()
        and not op.bodies
        and all(
            a.attributes[n].SerializeToString(deterministic=True)
            == b.attributes[n].SerializeToString(deterministic=True)
            for n in a.attributes
        )
    )
