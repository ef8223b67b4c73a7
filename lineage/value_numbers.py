"""Value numbers: which tensors of a graph are equal by construction."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from onnx import AttributeProto

from ..graph.dataflow import RANDOM
from ..graph.node import Node
from ..graph.operators import COMMUTATIVE
from ..graph.tensor import Tensor
from .flat import NONE, Flat, Op

_SMALL = 64  # elements of a constant that is compared by its contents
_SHAPE = frozenset({"Shape", "Size"})
_BODIES = (AttributeProto.GRAPH, AttributeProto.GRAPHS)


class ValueNumbers:
    """The value of every tensor of a graph, named by the first tensor that has it.

    Two operations of one frame that do the same to the same values make the same values; so do
    constants of equal contents, where they are small. Identity and Dropout hand on their
    input's.

    Attributes
    ----------
    value
        By tensor.
    fixed
        Values that are computed from constants alone.
    shaped
        Values that are computed from constants and from the shapes of tensors.
    """

    def __init__(self, flat: Flat) -> None:
        self.value = list(range(len(flat.paths)))
        self.fixed: set[int] = set()
        self.shaped: set[int] = set()
        self._known: dict[Hashable, int] = {}
        for tensor, constant in flat.constants.items():
            self.value[tensor] = self._known.setdefault(contents(constant) or tensor, tensor)
            self.fixed.add(self.value[tensor])
        for op in flat.ops:
            self._number(op)

    def find(self, node: Node, reads: Sequence[int | None], frame: int) -> int | None:
        """The value of the first output of a node that reads these values, if there is one."""
        key = _key(node, reads, frame)
        return None if key is None else self._known.get((key, 0))

    def constant(self, tensor: Tensor) -> int | None:
        """The value of a constant, if the graph has one of these contents and it is small."""
        key = contents(tensor)
        return None if key is None else self._known.get(key)

    def _number(self, op: Op) -> None:
        reads = [None if t == NONE else self.value[t] for t in op.reads]
        key = _key(op.node, reads, op.frame)
        values = {v for v in reads if v is not None}
        known: set[int] | None = None
        if key is not None and values <= self.fixed:
            known = self.fixed
        elif (key is not None and values <= self.fixed | self.shaped) or op.node.op_type in _SHAPE:
            known = self.shaped
        for slot, tensor in enumerate(op.makes):
            if tensor == NONE:
                continue
            if slot == 0 and passes_on(op.node):
                self.value[tensor] = self.value[op.reads[0]]
            elif key is not None:
                self.value[tensor] = self._known.setdefault((key, slot), tensor)
            if known is not None:
                known.add(self.value[tensor])


def passes_on(node: Node) -> bool:
    """Whether the first output is the first input: runtimes drop such a node for inference."""
    return node.op_type in ("Identity", "Dropout") and not node.domain and bool(node.inputs)


def contents(tensor: Tensor) -> Hashable:
    """A small constant's type and contents; None for a large one."""
    if tensor.size > _SMALL or tensor.nbytes is None:
        return None
    return tensor.dtype, tensor.shape, tensor.data().tobytes()


def _key(node: Node, reads: Sequence[int | None], frame: int) -> Hashable:
    """What an operation does and to what; None if it can't be compared."""
    if node.op_type in RANDOM or any(a.type in _BODIES for a in node.attributes.values()):
        return None
    if node.op_type in COMMUTATIVE and not node.domain:
        reads = sorted(reads, key=lambda value: -1 if value is None else value)
    while reads and reads[-1] is None:
        reads = reads[:-1]
    return frame, node.domain, node.op_type, _attributes(node), tuple(reads)


def same_attributes(node: Node, other: Node) -> bool:
    """Whether two nodes have the same attributes."""
    return _attributes(node) == _attributes(other)


def _attributes(node: Node) -> Hashable:
    protos = node.attributes.items()
    return frozenset((name, proto.SerializeToString(deterministic=True)) for name, proto in protos)
