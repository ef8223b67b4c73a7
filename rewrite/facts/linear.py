"""Conv, ConvTranspose, Gemm and MatMul with constant weights, scaled and shifted by channel.

Each gives y = W x + b, so that f y + o has the weights f W and the bias f b + o (Jacob et al.,
CVPR 2018, section 3.2), and W (f x + o) + b has W f and b + W o.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from ...graph import Node, Tensor
from ..edit import Edit
from ..pattern import Match, Op, const, maybe, op, var
from ..scope import Refused, Scope
from .affine import Doubles, broadcasts, floats, rounded

_COPY = 64 * 1024  # bytes that a copy of a weight that others read too may add to the file


def linear(x: Op | None = None) -> tuple[Op, Op]:
    """Patterns of a linear operator: ``linear`` with ``x`` (or what makes it), ``w`` and ``b``."""
    source = x or var("x")
    return (
        op("Conv|ConvTranspose|Gemm", source, const("w"), maybe(const("b")), name="linear"),
        op("MatMul", source, const("w"), name="linear"),
    )


@dataclass(frozen=True)
class Linear:
    """A linear operator.

    Parameters
    ----------
    node, scope
        Which.
    weights
        Its weights, unread.
    grouped
        Their shape with an axis of groups in front of all others.
    out
        Which axis of those the output channels are, 1 or 2; the input channels are the other.
    rank
        Of what it reads and makes.
    """

    node: Node
    scope: Scope
    weights: Tensor
    grouped: tuple[int, ...]
    out: int
    rank: int

    @classmethod
    def of(cls, m: Match) -> Linear:
        """The one that was matched.

        Raises
        ------
        Refused
            If its weights are not of a float type and of the usual rank.
        """
        node, scope = m["linear"], m.scope
        weights = floats(scope, m.tensor("w"))
        shape, rank, groups = weights.shape, len(weights.shape), 1
        if node.op_type in ("Conv", "ConvTranspose"):
            groups, out = node.int("group", 1), 1 if node.op_type == "Conv" else 2
            if rank < 3 or shape[0] % groups:
                raise Refused(f"weights {list(shape)} don't suit {groups} groups")
        elif rank != 2:
            raise Refused(f"the weights have rank {rank}, and only matrices are folded into")
        else:
            broadcasts(scope)
            out = 1 if node.int("transB", 0) else 2
        if node.op_type == "MatMul":
            dims = scope.dims(node.outputs[0])
            if dims is None:
                raise Refused(f"the rank of '{node.outputs[0]}' is not known")
            rank = len(dims)
        return cls(node, scope, weights, (groups, shape[0] // groups, *shape[1:]), out, rank)

    @property
    def axis(self) -> int:
        """The axis of channels in what it reads and makes."""
        return 1 if self.node.op_type in ("Conv", "ConvTranspose") else self.rank - 1

    @property
    def makes(self) -> int:
        """Channels of the output."""
        return self.grouped[0] * self.grouped[self.out]

    @property
    def reads(self) -> int:
        """Channels of the input."""
        return self.grouped[0] * self.grouped[3 - self.out]

    def spread(self, values: Doubles, axis: int) -> Doubles:
        """Values per channel, shaped to be multiplied with the grouped weights."""
        channels = self.grouped[0] * self.grouped[axis]
        if values.size not in (1, channels):
            raise Refused(f"{values.size} channels are scaled, {channels} are there")
        shape = [1] * len(self.grouped)
        shape[0], shape[axis] = self.grouped[0], self.grouped[axis]
        return np.broadcast_to(values.reshape(-1), channels).reshape(shape)

    def exact(self) -> Doubles:
        """The grouped weights, read now."""
        return np.asarray(self.weights.data(), np.float64).reshape(self.grouped)

    def bias(self, tensor: str) -> Doubles:
        """What it adds, one element or one a channel; 0 where ``tensor`` is ""."""
        if not tensor:
            return np.zeros(1)
        value = floats(self.scope, tensor)
        # a Gemm may also add a column, or a matrix
        if value.size != 1 and (value.size, value.shape[-1]) != (self.makes, self.makes):
            raise Refused(f"the bias has shape {list(value.shape)}, not one value a channel")
        return self.node.float("beta", 1.0) * np.asarray(value.data(), np.float64).reshape(-1)

    def store(self, edit: Edit, tensor: str, factor: Doubles, axis: int) -> str:
        """The weights with the channels of one axis scaled; answers their name."""
        factors = self.spread(factor, axis)
        if np.all(factor == 1):
            return tensor
        size = self.weights.nbytes or 0
        if size > _COPY and shared(self.scope, tensor, self.node):
            raise Refused(f"'{tensor}' is shared, and a copy would add {size} bytes to the file")
        scaled = self.exact() * factors
        within = [i for i in range(scaled.ndim) if i not in (0, self.out)]
        stored = rounded(scaled, self.weights.dtype, within).reshape(self.weights.shape)
        return edit.constant(stored, f"{tensor}/scaled")

    def write(self, edit: Edit, x: str, w: str, bias: Doubles | None, output: str) -> None:
        """Put the operator there with other inputs; with a bias of None it keeps its own."""
        node = self.node
        if bias is None:
            edit.change(node, inputs=(x, w, *node.inputs[2:]), outputs=(output,))
            return
        values = rounded(np.broadcast_to(bias, self.makes), self.weights.dtype)
        added = edit.constant(values, f"{output}/bias")
        if node.op_type != "MatMul":
            rest = {k: v for k, v in node.attributes.items() if k != "beta"}
            edit.change(node, inputs=(x, w, added), outputs=(output,), attributes=rest)
        elif self.rank == 2:
            edit.change(node, op_type="Gemm", inputs=(x, w, added), outputs=(output,))
        else:
            product = edit.fresh(f"{output}/product")
            edit.change(node, inputs=(x, w), outputs=(product,))
            edit.add("Add", [product, added], output)


def scale_outputs(m: Match, edit: Edit, factor: Doubles, offset: Doubles, output: str) -> str:
    """Replace ``linear`` by one that gives factor * its output + offset per channel.

    Raises
    ------
    Refused
        If its weights or its bias can't take it.
    """
    found = Linear.of(m)
    bias = found.bias(m.tensor("b"))
    weights = found.store(edit, m.tensor("w"), factor, found.out)
    same = not offset.any() and (not bias.any() or bool(np.all(factor == 1)))
    shift = None if same else bias * factor + offset
    found.write(edit, m["linear"].inputs[0], weights, shift, output)
    return f"{_parts(factor, offset)} go into the {found.node.op_type} before it"


def scale_inputs(
    m: Match, edit: Edit, factor: Doubles, offset: Doubles, x: str, steps: int = 1
) -> str:
    """Replace ``linear`` by one that reads ``x`` where it read factor * x + offset per channel.

    ``steps`` is how many operations an element that takes so far.

    Raises
    ------
    Refused
        If padding, strides or its lack of a bias keep the offset from reaching every output alike,
        or if a bias would take more operations.
    """
    found = Linear.of(m)
    node = found.node
    if node.int("transA", 0):
        raise Refused("the Gemm reads its input transposed")
    shift = None
    if offset.any():
        if node.op_type == "ConvTranspose":
            raise Refused("the offset would reach some outputs of the ConvTranspose more often")
        if padded(node):
            raise Refused(
                "the Conv pads with zeros, which the offset before it does not reach; "
                "normalise after the Conv, or pad ahead of the offset"
            )
        if node.op_type == "MatMul" and found.rank != 2:
            raise Refused("a MatMul has no bias that could take the offset")
        weighted = found.exact() * found.spread(offset, 3 - found.out)
        sums = weighted.sum(axis=(3 - found.out, *range(3, weighted.ndim))).reshape(-1)
        bias = found.bias(m.tensor("b"))
        if bias.size < found.makes:
            _refuse_more_work(found, x, steps)
        shift = bias + node.float("alpha", 1.0) * sums
    weights = found.store(edit, m.tensor("w"), factor, 3 - found.out)
    found.write(edit, x, weights, shift, node.outputs[0])
    return f"{_parts(factor, offset)} go into the {node.op_type} behind it"


def _refuse_more_work(found: Linear, x: str, steps: int) -> None:
    """Refuse a bias that adds to more elements than what it replaces computes.

    What does not pad makes no more positions than it reads: an open dim may count as one.
    """
    read, made = (found.scope.dims(name) for name in (x, found.node.outputs[0]))
    if read is None or made is None:
        raise Refused(f"the rank of '{x}' is not known")
    saved, added = steps * prod(d or 1 for d in read), prod(d or 1 for d in made)
    if added > saved:
        raise Refused(f"a bias would take {added:,} additions in place of {saved:,} operations")


def padded(node: Node) -> bool:
    """Whether a Conv may pad what it reads."""
    automatic = node.string("auto_pad", "NOTSET")
    return automatic.startswith("SAME") or (automatic == "NOTSET" and any(node.ints("pads") or ()))


def _parts(factor: Doubles, offset: Doubles) -> str:
    size = "per channel" if max(factor.size, offset.size) > 1 else "for all channels"
    return f"a factor and an offset {size}"


def shared(scope: Scope, tensor: str, reader: Node) -> bool:
    """Whether a constant stays in the file when one node no longer reads it."""
    while True:
        others = [node for node in scope.readers(tensor) if node.id != reader.id]
        if others or scope.kept(tensor):
            return True
        maker = scope.graph.producer(tensor)
        if maker is None:
            return tensor not in scope.graph.initializers
        if maker.op_type == "Constant":
            return False
        tensor, reader = maker.inputs[0], maker
