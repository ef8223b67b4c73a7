"""Originals of executed nodes by name alone, for a profile without the graph that was executed."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from ..graph import Graph
from ..graph.node import Node
from .flat import Flat, Op
from .name_pairs import NamePairs
from .value_numbers import ValueNumbers

NO_NAME = "no original of this name"
INSERTED = "layout: inserted by the runtime"
COPIED = "layout: a copy between devices, inserted by the runtime"
_COMPILED = "a part of the graph"
_MOVERS = {
    **dict.fromkeys(("ReorderInput", "ReorderOutput"), INSERTED),
    **dict.fromkeys(("MemcpyFromHost", "MemcpyToHost"), COPIED),
}
# Nodes that the runtime inserts are named by a stock name, or after a tensor.
_STOCK = re.compile(r"(Transpose|Cast|Reshape|gemm_(in|out)put_\w+?)(_token_\d+)?")
_BEFORE_TENSOR = ("InsertedCast_", "InsertedPrecisionFreeCast_", "Inserted_")
_FUSION = re.compile(r"(.+?)(/\w*Fusion\w*/*)+(_token_\d+)?")


class Place(NamedTuple):
    """The original that a node's name says, or the reason why there is none."""

    op: Op | None
    reason: str = ""

    @property
    def layout(self) -> bool:
        """Whether the runtime inserted the node to move data."""
        return self.reason in (INSERTED, COPIED)

    @property
    def compiled(self) -> bool:
        """Whether the node stands for a part of the graph."""
        return self.reason.startswith(_COMPILED)


class Namesakes:
    """Finds originals by the names that a runtime gives to what it executes."""

    def __init__(self, original: Graph, flat: Flat, numbers: ValueNumbers) -> None:
        self._flat = flat
        named = Counter(op.node.name for op in flat.ops if op.node.name)
        self._several = {name for name, count in named.items() if count > 1}
        by_name = {op.node.name: op for op in flat.ops if named[op.node.name] == 1}
        by_id = {op.id: op for op in flat.ops}
        # The runtime calls a node without a name by its type and its position in the file.
        unnamed = {
            f"{node.op_type}_{position}": by_id[original.path(node)]
            for position, node in enumerate(original)
            if not node.name and original.path(node) in by_id
        }
        self._pairs = NamePairs(flat, numbers, unnamed | by_name | by_id)
        self._tensors = {
            name: tensor for frame in reversed(flat.frames) for name, tensor in frame.names.items()
        }

    def find(self, name: str, op_type: str, provider: str) -> Place:
        """The original that an executed node is called after."""
        if op_type in _MOVERS:
            return Place(None, _MOVERS[op_type])
        own = self._pairs.node(name)
        if own is None and name in self._several:
            return Place(None, "several originals have this name")
        op = own or self._derived(name, op_type)
        if op is not None:
            return Place(op)
        compiler = provider.removesuffix("ExecutionProvider")
        if compiler and compiler.lower() in f"{name} {op_type}".lower():
            return Place(None, f"{_COMPILED} that {provider} runs as one")
        if _STOCK.fullmatch(name) or name.startswith(_BEFORE_TENSOR):
            return Place(None, INSERTED)
        return Place(None, NO_NAME)

    def _derived(self, name: str, op_type: str) -> Op | None:
        fused = _FUSION.fullmatch(name)
        if fused is not None and (op := self._pairs.node(fused[1])) is not None:
            return op
        node = Node(name, op_type, (), (name,), name=name)
        tensor = self._pairs.find(node, 0, self._tensors, ())
        return None if tensor is None else self._flat.maker[tensor]
