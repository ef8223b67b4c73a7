"""Chains of Reshape, Squeeze, Unsqueeze and Flatten become one of them, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from ..graph import Node
from ..graph.operators import VIEWS
from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import attributes, axes_of, int64s, integers
from ..rewrite.facts.stand_in import stand_in
from ..rewrite.facts.symbolic import Symbols
from ..rewrite.facts.symbolic_dims import Dim
from ..rewrite.pattern import Match
from ..rewrite.rewriting import Outcome, Pass
from ..rewrite.scope import Scope

_OLD_RESHAPE = 5  # below this opset its target is an attribute
_AXES_INPUT = 13  # from this opset on Squeeze and Unsqueeze have theirs as an input

Shape = Sequence[int | Dim]


@dataclass(frozen=True)
class MergeViews(Pass):
    """Merge two views in a row: the last one decides the shape, all keep the elements' order.

    Two that undo each other go, open dims or not. Others become one Unsqueeze, Squeeze or Reshape
    where that can tell the shape in every run: at most one open dim may have moved.
    """

    name: ClassVar[str] = "merge-views"
    exact: ClassVar[bool] = True

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Try every view behind a view, with the shapes of all tensors in terms of each other."""
        symbols = Symbols(scope)
        for node_id in [node.id for node in scope.graph if _is_view(node)]:
            outer = scope.graph.node(node_id) if node_id in scope.graph else None
            inner = None if outer is None else scope.graph.producer(outer.inputs[0])
            if outer is not None and inner is not None and _is_view(inner):
                match = Match(scope, {"outer": outer, "inner": inner})
                self.attempt(scope, match, partial(_merge, symbols), outcome)


def _is_view(node: Node) -> bool:
    return node.op_type in VIEWS and not node.domain


def _merge(symbols: Symbols, m: Match, edit: Edit) -> str:
    scope, outer, inner = m.scope, m["outer"], m["inner"]
    edit.keep(inner)
    x, y = inner.inputs[0], outer.outputs[0]
    before, after = symbols.dims(x), symbols.dims(y)
    if before is None or after is None:
        return ""
    squeezed = axes_of(scope, inner, 1, len(before)) if inner.op_type == "Squeeze" else ()
    before = tuple(1 if axis in (squeezed or ()) else dim for axis, dim in enumerate(before))
    if before == after:
        stand_in(edit, outer, x)
        return f"{inner.op_type} and {outer.op_type} undo each other"
    tensor = inner.outputs[0]
    if scope.kept(tensor) or len(scope.readers(tensor)) > 1 or scope.opset() < _OLD_RESHAPE:
        return ""
    inserted, dropped = _ones(before, after), _ones(after, before)
    if inserted is not None:
        _set_axes(scope, edit, outer, "Unsqueeze", x, inserted)
    elif dropped is not None:
        _set_axes(scope, edit, outer, "Squeeze", x, dropped)
    else:
        may_guess = any(-1 in (integers(scope, v, 1, "shape") or ()) for v in _reshapes(m))
        target = reshape_target(before, after, may_guess=may_guess)
        if target is None:
            return ""
        shape = int64s(edit, target, f"{y}/shape")
        edit.change(outer, op_type="Reshape", inputs=(x, shape), attributes={})
    return f"{inner.op_type} and {outer.op_type} are one view"


def _reshapes(m: Match) -> list[Node]:
    return [node for node in m.nodes if node.op_type == "Reshape"]


def _ones(few: Shape, many: Shape) -> list[int] | None:
    """The axes of ``many`` that are 1 and that ``few`` lacks; None if there is another difference.

    Of several equal ones the first is taken as the one that both have.
    """
    inserted, rest = [], list(few)
    for axis, dim in enumerate(many):
        if rest and rest[0] == dim:
            rest.pop(0)
        elif dim == 1:
            inserted.append(axis)
        else:
            return None
    return None if rest else inserted


def _set_axes(scope: Scope, edit: Edit, node: Node, kind: str, x: str, axes: Sequence[int]) -> None:
    if scope.opset() < _AXES_INPUT:
        edit.change(node, op_type=kind, inputs=(x,), attributes=attributes(axes=axes))
    else:
        name = int64s(edit, axes, f"{node.outputs[0]}/axes")
        edit.change(node, op_type=kind, inputs=(x, name), attributes={})


def reshape_target(before: Shape, after: Shape, *, may_guess: bool) -> list[int] | None:
    """What to give a Reshape to get from one shape to the other; None if it can't be told.

    An open dim that stays where it is is 0 there, which copies it; one other may be -1. With both,
    a run whose copied dim is 0 has no value for -1: ``may_guess`` says that this doesn't matter,
    since it had none before.
    """
    target: list[int] = []
    for axis, dim in enumerate(after):
        if not isinstance(dim, Dim):
            target.append(dim)
        elif axis < len(before) and before[axis] == dim:
            target.append(0)
        else:
            target.append(-1)
    guessed = target.count(-1)
    if guessed > 1 or 0 in after or (guessed and 0 in target and not may_guess):
        return None
    return target
