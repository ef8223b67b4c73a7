"""Channels followed through a graph: which grow together, and where they have to be cut off.

A Conv makes new channels and reads any; elementwise operators, pooling and the like hand theirs
on. What has no rule, a graph output and a body read a tensor as it was: a Slice cuts off what was
added. Only a run that ends a tensor can be cut off, so several in a row may not grow there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...graph import Node, Tensor, dtypes
from ...rewrite.scope import Scope
from .layout import Groups, Layout

# Beyond it an added channel might overflow where the model's own don't.
MOST = 1e6
_FLOATS = (dtypes.FLOAT, dtypes.DOUBLE)


@dataclass(frozen=True)
class Pad:
    """A constant input that grows along an axis as these channels do."""

    slot: int
    axis: int
    layout: Layout
    fill: float = 0.0


class Grown(Protocol):
    """What a rule asks of the graph that grows."""

    def total(self, layout: Layout) -> int:
        """Channels of a tensor afterwards."""

    def renamed(self, tensor: str) -> str:
        """The name under which a tensor is found once it has grown."""

    def integer(self, *values: int) -> str:
        """A constant list of integers."""


@dataclass(frozen=True)
class Role:
    """How a node takes channels that grow.

    Parameters
    ----------
    outputs
        The channels of each output.
    pads
        What becomes of its constants.
    fields
        Other fields of the node that change, from what grows.
    """

    outputs: Sequence[Layout]
    pads: Sequence[Pad] = ()
    fields: Callable[[Grown], Mapping[str, Any]] | None = None


# A rule answers None where the node needs its channels as they are.
RoleRule = Callable[["Flow", Node], Role | None]
_RULES: dict[str, RoleRule] = {}


def rule(*op_types: str) -> Callable[[RoleRule], RoleRule]:
    """Register a function as the rule of these operators of the default domain."""

    def register(function: RoleRule) -> RoleRule:
        _RULES.update(dict.fromkeys(op_types, function))
        return function

    return register


class Flow:
    """The channels of all tensors of a graph.

    Attributes
    ----------
    layouts
        Of the tensors whose channels could grow.
    roles
        Of the nodes that could take it, by id.
    cuts
        Tensors that somebody reads as they were, and who.
    makers, readers
        The nodes that make new channels, and the convolutions that read some, by run.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.groups = Groups()
        self.layouts: dict[str, Layout] = {}
        self.roles: dict[str, Role] = {}
        self.cuts: dict[str, str] = {}
        self.makers: dict[int, Node] = {}
        self.readers: list[tuple[Layout, Node]] = []
        for node in scope.graph:
            self._visit(node)
        for output in scope.graph.outputs:
            self.cut(output, f"'{output}' is an output of the graph")

    def _visit(self, node: Node) -> None:
        captures = self.scope.graph.captures(node)
        found = _RULES.get(node.op_type)
        role = None
        if found is not None and not node.domain and not captures:
            role = found(self, node)
            if role is not None and all(layout.most <= MOST for layout in role.outputs):
                self.roles[node.id] = role
                self.layouts.update(zip(node.outputs, role.outputs, strict=False))
                return
        for tensor in (*node.inputs, *captures):
            self.cut(tensor, f"{node.op_type} '{self.scope.graph.path(node)}' reads '{tensor}'")

    def cut(self, tensor: str, why: str) -> None:
        """Note that somebody needs a tensor as it is."""
        layout = self.layouts.get(tensor)
        if layout is not None:
            self.cuts.setdefault(tensor, why)
            if len(layout.runs) > 1:
                self.groups.fix(layout, f"{why}, which joins channels of several nodes")

    def make(self, node: Node, channels: int) -> Layout:
        """The channels that a node makes anew."""
        run = self.groups.new(channels)
        self.makers[run] = node
        return Layout((run,))

    def constant(self, tensor: str) -> Tensor | None:
        """A constant that can be padded."""
        found = self.scope.constant(tensor) if tensor else None
        return found if found is not None and found.dtype in _FLOATS else None

    def total(self, layout: Layout) -> int:
        """The channels of a tensor."""
        return self.groups.total(layout)
