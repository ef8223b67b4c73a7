"""Branches of one tensor that a sum joins: Conv, AveragePool or nothing, each maybe normalised.

Each is a Conv of that tensor: 1x1 in the centre of a larger kernel, a BatchNormalization of the
tensor itself with one weight a channel (Ding et al., RepVGG, CVPR 2021, section 3.3), an
AveragePool with equal weights (Ding et al., Diverse Branch Block, CVPR 2021, transform V).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ...graph import Node
from ...rewrite.facts.affine import Affine, Doubles
from ...rewrite.facts.convolution import Convolution, Window
from ...rewrite.scope import Refused, Scope
from ..batchnorm import affine

_BATCHNORM, _CONV, _POOL = "BatchNormalization", "Conv", "AveragePool"


@dataclass(frozen=True)
class Branch:
    """What a sum adds.

    Parameters
    ----------
    tensor, source
        What it gives, and what it is computed from.
    nodes
        Its nodes, the first one first; none for the source itself.
    conv
        None where it computes every channel from itself alone.
    window
        None where it reads each element alone.
    bn
        What normalises it.
    obstacle
        Why it has to stay; "" if it can go.
    """

    tensor: str
    source: str
    nodes: tuple[Node, ...] = ()
    conv: Convolution | None = None
    window: Window | None = None
    bn: Node | None = None
    obstacle: str = ""

    @property
    def weight(self) -> int:
        """Multiply-accumulates that it takes an element of one group."""
        return self.conv.window.volume if self.conv is not None else 0

    def over(self, rank: int) -> Window:
        """Its window over so many spatial axes."""
        return self.window or Window.point(rank)

    def affine(self, scope: Scope, channels: int) -> Affine:
        """What normalises it, per channel.

        Raises
        ------
        Refused
            If that differs from run to run.
        """
        if self.bn is None:
            return np.ones(channels), np.zeros(channels)
        factor, offset = affine(scope, self.bn)
        if factor.size != channels:
            raise Refused(f"'{self.bn.id}' normalises {factor.size} channels of {channels}")
        return factor, offset

    def kernel(self, shape: Sequence[int]) -> Doubles:
        """Its weights before it is normalised, in the channels of a Conv of this shape."""
        if self.conv is not None:
            return self.conv.exact()
        makes, reads, *axes = shape
        size = self.over(len(axes)).kernel
        kernel = np.zeros((makes, reads, *size))
        channels = np.arange(makes)
        kernel[channels, channels % reads] = 1 / prod(size)
        return kernel


def branch(scope: Scope, tensor: str) -> Branch | None:
    """The branch that ends in a tensor; None if it is none."""
    last = _maker(scope, tensor, (_CONV, _POOL, _BATCHNORM))
    if last is None:
        return None
    first, bn = last, None
    if last.op_type == _BATCHNORM:
        bn = last
        inner = _maker(scope, bn.inputs[0], (_CONV, _POOL))
        if inner is None or _read_elsewhere(scope, bn.inputs[0]):
            return Branch(
                tensor, bn.inputs[0], (bn,), bn=bn, obstacle=_read_elsewhere(scope, tensor)
            )
        first = inner
    nodes = (first,) if bn is None else (first, bn)
    obstacle = _read_elsewhere(scope, tensor)
    try:
        if first.op_type == _CONV:
            conv = Convolution.of(scope, first)
            return Branch(tensor, first.inputs[0], nodes, conv, conv.window, bn, obstacle)
        return Branch(tensor, first.inputs[0], nodes, None, _pool(first), bn, obstacle)
    except Refused as refusal:
        return Branch(tensor, first.inputs[0], nodes, obstacle=str(refusal))


@dataclass
class Cluster:
    """Branches that one Conv can compute.

    Parameters
    ----------
    conv
        The one of the largest kernel, in whose place the merged one comes.
    branches
        All of them.
    window
        The smallest one that all of theirs lie in.
    weight
        Multiply-accumulates that they take an element of one group.
    """

    conv: Convolution
    branches: list[Branch]
    window: Window
    weight: int

    def clash(self, more: Branch) -> str:
        """Why the Conv can't compute another branch too; "" if it can."""
        makes, reads, *axes = self.conv.weights.shape
        window, group = more.over(len(axes)), self.conv.group
        if more.conv is None:
            if makes != reads * group:
                return f"the Conv makes {makes} channels of {reads * group}"
        elif (more.conv.makes, more.conv.group) != (makes, group):
            return (
                f"{makes} channels in {group} groups and {more.conv.makes} in {more.conv.group} "
                "don't go together"
            )
        elif more.conv.weights.dtype != self.conv.weights.dtype:
            return "their weights are of different types"
        if len(window.kernel) != len(axes):
            return f"they are not both over {len(axes)} axes"
        text = _apart(self.window, window)
        if not text and _hull(self.window, window).volume > self.weight + more.weight:
            return "a kernel that covers both would take more multiply-accumulates"
        return text

    def add(self, more: Branch) -> None:
        """Take in a branch that does not clash."""
        self.branches.append(more)
        self.window = _hull(self.window, more.over(len(self.window.kernel)))
        self.weight += more.weight


def _hull(one: Window, other: Window) -> Window:
    begins = tuple(map(max, one.begins, other.begins))
    lasts = tuple(map(max, _last(one), _last(other)))
    steps = tuple(max(pair) or 1 for pair in zip(_steps(one), _steps(other), strict=True))
    kernel = tuple((a + b) // d + 1 for a, b, d in zip(lasts, begins, steps, strict=True))
    ends = tuple(a + b for a, b in zip(lasts, _reach(one), strict=True))
    return Window(kernel, one.strides, steps, begins, ends)


def place(window: Window, whole: Window) -> tuple[slice, ...]:
    """Where a window's kernel lies in that of the hull."""
    axes = zip(whole.begins, window.begins, whole.dilations, window.kernel, strict=True)
    starts = [((outer - inner) // step, size) for outer, inner, step, size in axes]
    return tuple(slice(start, start + size) for start, size in starts)


def _apart(one: Window, other: Window) -> str:
    """Why no kernel covers both; "" if one does."""
    if one.strides != other.strides:
        return f"strides {list(one.strides)} and {list(other.strides)} differ"
    if _reach(one) != _reach(other):
        return "their pads don't place the smaller kernel inside the larger one"
    axes = zip(_steps(one), _steps(other), one.begins, other.begins, strict=True)
    for step, wanted, begin, start in axes:
        if step and wanted and step != wanted:
            return f"dilations {list(one.dilations)} and {list(other.dilations)} differ"
        if (begin - start) % (step or wanted or 1):
            return "their pads place one kernel between the elements of the other"
    return ""


def _steps(window: Window) -> tuple[int, ...]:
    """Dilations, 0 along an axis where they don't matter."""
    return tuple(d if k > 1 else 0 for d, k in zip(window.dilations, window.kernel, strict=True))


def _last(window: Window) -> tuple[int, ...]:
    """The last element that the kernel reads for the first output; its first one is -begin."""
    return tuple(s - b for s, b in zip(window.spans, window.begins, strict=True))


def _reach(window: Window) -> tuple[int, ...]:
    """How far it goes past the end. With the strides, that decides how many outputs there are."""
    return tuple(e - n for e, n in zip(window.ends, _last(window), strict=True))


def _pool(node: Node) -> Window:
    window = Window.of(node, node.ints("kernel_shape") or ())
    if window.padded and not node.int("count_include_pad", 0):
        raise Refused(f"'{node.id}' does not count its padding, so its weights differ at the edges")
    if node.int("ceil_mode", 0):
        raise Refused(f"'{node.id}' rounds its size up, which no Conv does")
    return window


def _maker(scope: Scope, tensor: str, types: Sequence[str]) -> Node | None:
    maker = scope.graph.producer(tensor)
    if maker is None or maker.domain or maker.op_type not in types or maker.outputs[0] != tensor:
        return None
    return maker


def _read_elsewhere(scope: Scope, tensor: str) -> str:
    """Who reads a tensor but for one node, as a clause; "" if nobody does."""
    kept = scope.kept(tensor)
    if kept is not None:
        return f"'{tensor}' {kept}"
    _, *others = scope.graph.consumers(tensor)
    return f"'{tensor}' is also read by '{scope.graph.path(others[-1][0])}'" if others else ""
