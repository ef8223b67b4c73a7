"""Original tensors by the names that onnxruntime derives for nodes and tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..graph.node import Node
from .flat import NONE, Flat, Op
from .value_numbers import ValueNumbers

_CAST = "InsertedPrecisionFreeCast_"  # what is computed in a wider type is called so
# A blocked node is called after the tensor that it took the place of ...
_OF_TENSOR = re.compile(rf"(?:{_CAST})?(.*?)(?:_bn|_mul)?_nchwc")
# ... others keep their node's name, or that of the last node that was fused.
_OF_NODE = re.compile(r"(.*?)(?:/QuickGeluFusion/)?")
_COPY = re.compile(r"/duplicated(_token_\d+)?$")
_TOKEN = re.compile(r"_token_\d+")
_LAST_TOKEN = re.compile(r"_token_\d+$")
_SUMS = frozenset({"Add", "Sum"})
_ACTIVATIONS = frozenset(
    {"Relu", "Clip", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "HardSwish", "Gelu"}
)


class NamePairs:
    """Finds originals by name, and crosses what was fused into a node after it got its name."""

    def __init__(
        self,
        original: Flat,
        numbers: ValueNumbers,
        by_id: Mapping[str, Op],
        executed: Iterable[Op] = (),
    ) -> None:
        self._original, self._numbers, self._by_id = original, numbers, by_id
        # What a node is still called after is not fused into another one.
        self._kept = {by_id.get(name) for op in executed for name in _bare(op.node.name)}

    def node(self, name: str) -> Op | None:
        """The original of a node that kept its name, or of a copy of such a node."""
        return self._by_id.get(name) or self._by_id.get(_COPY.sub("", name))

    def find(
        self,
        node: Node,
        slot: int,
        names: Mapping[str, int],
        reads: Sequence[int | None],
    ) -> int | None:
        """The original of an output.

        Parameters
        ----------
        node, slot
            The node of the optimised graph, and which of its outputs.
        names
            The original's tensors by name.
        reads
            The values that the node reads.
        """
        widened = names.get(node.outputs[slot].removeprefix(_CAST))
        if widened is not None and node.outputs[slot].startswith(_CAST):
            return widened
        if self._of_other_layout(node, reads):
            return None
        for name in _bare(node.name):
            found = self._named(name, slot, names)
            if found is not None:
                return self._behind(node, found, reads)
        for name in _bare(node.outputs[slot]):
            found = self._output(name, 0)
            if found is not None:
                return found
        return None

    def _of_other_layout(self, node: Node, reads: Sequence[int | None]) -> bool:
        """Whether a Shape reads what a Transpose was moved away from: its sizes are reordered."""
        own = self.node(node.name)
        if node.op_type != "Shape" or own is None or not reads:
            return False
        return self._numbers.value[own.reads[0]] != reads[0]

    def _named(self, name: str, slot: int, names: Mapping[str, int]) -> int | None:
        of_tensor = _OF_TENSOR.fullmatch(name)
        if of_tensor and of_tensor[1] in names:
            return names[of_tensor[1]]
        of_node = _OF_NODE.fullmatch(name)
        return self._output(of_node[1], slot) if of_node else None

    def _output(self, node: str, slot: int) -> int | None:
        op = self.node(node)
        if op is None or slot >= len(op.makes) or op.makes[slot] == NONE:
            return None
        return op.makes[slot]

    def _behind(self, node: Node, found: int, reads: Sequence[int | None]) -> int:
        maker = self._original.maker[found]
        if maker is not None and self._dequantised(maker, reads):
            return self._quantised(found)
        if len(reads) > 3 and reads[3] is not None:  # a convolution's addend
            operands = {self._numbers.value[found], reads[3]}
            for reader in self._original.readers[found]:
                if reader.node.op_type in _SUMS and self._values(reader) == operands:
                    found, maker = reader.makes[0], reader
        activated = maker is not None and (
            maker.node.op_type in _ACTIVATIONS or "activation" in maker.node.attributes
        )
        if "activation" in node.attributes and not activated:
            found = self._activated(found)
        return found

    def _quantised(self, found: int) -> int:
        """What is made of quantised tensors: quantised too, if what does that was fused."""
        for reader in self._onwards(found):
            if reader in self._kept:
                break
            if reader.node.op_type == "QuantizeLinear":
                return reader.makes[0]
        return found

    def _activated(self, tensor: int) -> int:
        """What is behind an activation, written as one operation or as x * gate(x)."""
        readers = self._original.readers[tensor]
        if len(readers) == 1:
            return readers[0].makes[0]
        for gate in readers:
            behind = self._original.readers[gate.makes[0]]
            if len(readers) == 2 and len(behind) == 1 and behind[0] in readers:
                return behind[0].makes[0]
        return tensor

    def _dequantised(self, op: Op, reads: Sequence[int | None]) -> bool:
        """Whether an operation reads one of these values behind a DequantizeLinear."""
        makers = (self._original.maker[v] for v in self._values(op))
        return any(
            maker is not None
            and maker.node.op_type == "DequantizeLinear"
            and self._numbers.value[maker.reads[0]] in reads
            for maker in makers
        )

    def _values(self, op: Op) -> set[int]:
        return {self._numbers.value[t] for t in op.inputs}

    def _onwards(self, tensor: int) -> Iterator[Op]:
        """The operations behind a tensor, as long as there is but one."""
        while len(self._original.readers[tensor]) == 1:
            (reader,) = self._original.readers[tensor]
            yield reader
            tensor = reader.makes[0]


def _bare(name: str) -> Iterator[str]:
    """A name without what makes it unique; the original's own names may have some of that."""
    yield name
    yield _LAST_TOKEN.sub("", name)
    yield _TOKEN.sub("", name)
