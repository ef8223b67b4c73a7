"""Convs with constant weights, as passes that merge them see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ...graph import Node, Tensor
from ..edit import Edit
from ..scope import Refused, Scope
from .affine import Doubles, floats, rounded
from .arguments import attributes
from .growth import GROWTH_LIMIT
from .linear import shared


@dataclass(frozen=True)
class Window:
    """What a Conv or pool combines: one entry a spatial axis, pads at its begin and end."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, node: Node, kernel: Sequence[int]) -> Window:
        """That of a node.

        Raises
        ------
        Refused
            If its pads depend on the size of its input, or contradict themselves.
        """
        automatic = node.string("auto_pad", "NOTSET")
        ones, pads = (1,) * len(kernel), node.ints("pads") or (0, 0) * len(kernel)
        # with VALID there are no pads to write, and implementations differ where there are some
        if automatic != "NOTSET" and (automatic != "VALID" or any(pads)):
            raise Refused(f"'{node.id}' has auto_pad {automatic}; write its pads out")
        strides, dilations = node.ints("strides") or ones, node.ints("dilations") or ones
        begins, ends = pads[: len(kernel)], pads[len(kernel) :]
        if {*map(len, (strides, dilations, begins, ends))} != {len(kernel)}:
            raise Refused(f"the attributes of '{node.id}' are not for {len(kernel)} axes")
        return cls(tuple(kernel), strides, dilations, begins, ends)

    @classmethod
    def point(cls, rank: int) -> Window:
        """That of what reads every element by itself."""
        return cls((1,) * rank, (1,) * rank, (1,) * rank, (0,) * rank, (0,) * rank)

    @property
    def volume(self) -> int:
        """Elements of the kernel."""
        return prod(self.kernel)

    @property
    def padded(self) -> bool:
        """Whether it pads anywhere."""
        return any(self.begins) or any(self.ends)

    @property
    def spans(self) -> tuple[int, ...]:
        """From the first element that it reads to the last one; 0 for a kernel of 1."""
        return tuple(d * (k - 1) for d, k in zip(self.dilations, self.kernel, strict=True))


@dataclass(frozen=True)
class Convolution:
    """A Conv whose weights and bias, [M, C / group, ...] and [M], are constant floats."""

    node: Node
    scope: Scope
    weights: Tensor
    window: Window

    @classmethod
    def of(cls, scope: Scope, node: Node) -> Convolution:
        """The Conv that a node is.

        Raises
        ------
        Refused
            If its weights or bias may differ from run to run, or its pads by its input.
        """
        for name in filter(None, node.inputs[1:]):
            if scope.overridable(name):
                raise Refused(f"'{name}' is an input of the graph too: a caller may override it")
            floats(scope, name)
        weights = floats(scope, node.inputs[1])
        found = cls(node, scope, weights, Window.of(node, weights.shape[2:]))
        if len(weights.shape) < 3 or found.makes % found.group:
            raise Refused(f"weights {list(weights.shape)} don't suit {found.group} groups")
        return found

    @property
    def group(self) -> int:
        """Groups of channels."""
        return self.node.int("group", 1)

    @property
    def makes(self) -> int:
        """Channels of the output."""
        return self.weights.shape[0]

    @property
    def bias(self) -> str:
        """The name of its bias, "" without one."""
        return self.node.inputs[2] if len(self.node.inputs) > 2 else ""

    def exact(self) -> Doubles:
        """The weights, read now."""
        return np.asarray(self.weights.data(), np.float64)

    def offsets(self) -> Doubles:
        """The bias, read now; zeros without one."""
        if not self.bias:
            return np.zeros(self.makes)
        return np.asarray(floats(self.scope, self.bias).data(), np.float64)

    def write(
        self,
        edit: Edit,
        weights: Doubles,
        offsets: Doubles | None,
        window: Window,
        group: int,
        inputs: tuple[str, str],
    ) -> None:
        """Put a merged Conv in this one's place; ``inputs`` are what it reads and makes."""
        x, output = inputs
        dtype = self.weights.dtype
        stored = rounded(weights, dtype, within=range(1, weights.ndim))
        names = [x, edit.constant(stored, f"{self.node.inputs[1]}/merged")]
        if offsets is not None:
            names.append(edit.constant(rounded(offsets, dtype), f"{output}/bias"))
        made = attributes(
            dilations=window.dilations,
            group=group,
            kernel_shape=window.kernel,
            pads=(*window.begins, *window.ends),
            strides=window.strides,
        )
        edit.change(self.node, inputs=tuple(names), outputs=(output,), attributes=made)


def refuse_copies(scope: Scope, nodes: Iterable[Node], stored: int) -> None:
    """Refuse to store so many bytes in place of these nodes' weights, if others read those too.

    Raises
    ------
    Refused
        If the file would grow by more than ``GROWTH_LIMIT``.
    """
    freed = 0
    for node in nodes:
        weights = scope.constant(node.inputs[1])
        if weights is not None and not shared(scope, node.inputs[1], node):
            freed += weights.nbytes or 0
    if stored - freed > GROWTH_LIMIT:
        raise Refused(
            f"others read the weights too: the file would grow by {stored - freed:,} bytes"
        )
