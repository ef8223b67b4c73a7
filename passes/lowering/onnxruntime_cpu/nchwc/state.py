"""What is known of blocked tensors while a graph is put into the blocked layout.

One pass in the runtime's order. A node that takes the layout reads the blocked form of a tensor if
there is one, else a ReorderInput is put in, one a tensor. In the end a ReorderOutput makes each
tensor that something still reads as it was.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from .....graph.dtypes import FLOAT
from ...node import WorkNode
from ...work import Dim, Type, Work
from ..conditions import NCHWC
from ..transposes.moves import settle

NAME = "NchwcTransformer"
_ALIGNMENT = 4  # channels that a ReorderInput takes are a multiple of this


class Tracked(NamedTuple):
    """A dim as far as it is known to equal others: a size, a symbol, or where it came from.

    ``shift`` counts the halvings since then.
    """

    key: Hashable
    shift: int = 0


@dataclass
class Blocked:
    """A tensor in the blocked layout.

    ``uses`` are the readers of the original when the node was met, an output of the graph being
    one; ``remaining`` are those that have not taken the blocked form.
    """

    node: WorkNode
    tensor: str
    channels: int
    dims: list[Tracked]
    uses: int
    remaining: int


@dataclass
class State:
    """The blocked tensors of a graph or body, by the names of the originals."""

    work: Work
    block: int
    blocked: dict[str, Blocked] = field(default_factory=dict)
    reordered: dict[str, str] = field(default_factory=dict)  # what a ReorderInput makes

    def padded(self, channels: int) -> int:
        """Channels as the layout has them."""
        return -(-channels // self.block) * self.block

    def find(self, tensor: str) -> Blocked | None:
        """The blocked form of a tensor."""
        return self.blocked.get(tensor)

    def own_dims(self, tensor: str) -> list[Tracked]:
        """The dims of a tensor by themselves."""
        dims: tuple[Dim, ...] | None = self.work.dims(tensor)
        if dims is None or len(dims) != 4:
            return [Tracked((tensor, axis)) for axis in range(4)]
        return [Tracked(d if d is not None else (tensor, a)) for a, d in enumerate(dims)]

    def take(self, node: WorkNode, slot: int) -> Blocked | None:
        """Let a node read the blocked form of an input, which is made from it if it has none."""
        tensor = node.inputs[slot]
        found = self.find(tensor)
        if found is not None:
            found.remaining -= 1
            self.work.set_input(node, slot, found.tensor)
            return found
        if tensor not in self.reordered:
            self.reordered[tensor] = self._reorder(tensor, node)
        self.work.set_input(node, slot, self.reordered[tensor])
        return None

    def _reorder(self, tensor: str, reader: WorkNode) -> str:
        """Put in a ReorderInput; a Transpose from channels last that it alone reads goes in."""
        work = self.work
        kind = work.type(tensor)
        made = self._blocked_tensor("reorder", kind)
        maker = work.maker(tensor)
        near = [n for n in (maker, reader) if n is not None]
        if maker is None or not self._from_last(maker):
            work.glue("ReorderInput", tensor, made, near, domain=NCHWC)
            return made
        settle(work, maker, [reader])
        source = maker.inputs[0]
        work.detach(maker)
        work.glue("ReorderInput", source, made, near, domain=NCHWC, channels_last=1)
        return made

    def _from_last(self, node: WorkNode) -> bool:
        perm = node.ints("perm")
        return node.op == "Transpose" and perm == (0, 3, 1, 2) and self.work.single(node)

    def _blocked_tensor(self, hint: str, kind: Type) -> str:
        dims = kind.dims
        channels: Dim = None
        if dims is not None and len(dims) == 4:
            channels = dims[1]
            there = self.padded(channels) if type(channels) is int else channels
            dims = (dims[0], there, *dims[2:])
        made = self.work.tensor(hint, Type(FLOAT, dims))
        if type(channels) is int:
            self.work.root.blocked[made] = channels
        return made

    def make(self, node: WorkNode, channels: int, dims: list[Tracked]) -> Blocked:
        """Let a node make its output in the blocked layout."""
        work, tensor = self.work, node.outputs[0]
        uses = len(work.readers(tensor)) + work.is_output(tensor)
        kind = work.type(tensor)
        if kind.dims is None or len(kind.dims) != 4:
            kind = Type(FLOAT, (None, channels, None, None))
        elif kind.dims[1] is None:
            kind = Type(FLOAT, (kind.dims[0], channels, *kind.dims[2:]))
        made = self._blocked_tensor("reorder", kind)
        work.set_outputs(node, [made, *node.outputs[1:]])
        found = Blocked(node, made, channels, dims, uses, uses)
        self.blocked[tensor] = found
        return found

    def fuse(self, node: WorkNode, into: Blocked) -> Blocked:
        """Let the maker of a blocked tensor make what a node behind it, which goes, made."""
        work, tensor = self.work, node.outputs[0]
        uses = len(work.readers(tensor)) + work.is_output(tensor)
        found = Blocked(into.node, into.tensor, into.channels, into.dims, uses, uses)
        work.detach(node)
        if not node.glue:
            into.node.covers = tuple(dict.fromkeys((*into.node.covers, *node.covers)))
        self.blocked[tensor] = found
        return found

    def is_plain_conv(self, found: Blocked) -> bool:
        """Whether a blocked tensor is made by a convolution without activation, for one reader."""
        node = found.node
        return (
            (node.op, node.domain) == ("Conv", NCHWC)
            and found.uses == 1
            and "activation" not in node.attributes
        )

    def finish(self) -> None:
        """Make the originals of which something remains to read."""
        for tensor, found in self.blocked.items():
            if found.remaining > 0:
                near = [found.node, *self.work.readers(tensor)]
                self.work.glue(
                    "ReorderOutput",
                    found.tensor,
                    tensor,
                    near,
                    domain=NCHWC,
                    channels=found.channels,
                )


def aligned(channels: int) -> bool:
    """Whether a ReorderInput takes as many channels."""
    return channels % _ALIGNMENT == 0


def equal(first: list[Tracked], second: list[Tracked]) -> bool:
    """Whether two tensors have the same batch, height and width."""
    return all(first[axis] == second[axis] for axis in (0, 2, 3))
