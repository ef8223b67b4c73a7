"""Activations that do, or undo, what the one before did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..rewrite.edit import Edit
from ..rewrite.facts.bounds import Bounds, bounds, change_to_clip
from ..rewrite.facts.stand_in import stand_in
from ..rewrite.pattern import Match, node
from ..rewrite.rewriting import Pass, PatternRule

_IDEMPOTENT = frozenset({"Abs", "Ceil", "Floor", "Round", "Sign"})
_OWN_INVERSE = frozenset({"Neg", "Not"})
_BOUNDING = frozenset({"Relu", "Clip"})


@dataclass(frozen=True)
class MergeRepeats(Pass):
    """Merge Relu and Clip chains; drop a second Abs or Floor, a Neg or Not with its double.

    What a Relu or Clip makes of NaN is the runtime's choice, before as after. A bound that a Clip
    is not given is the largest finite number, which it makes of infinity, so that it bounds too.
    """

    name: ClassVar[str] = "merge-repeats"

    def rules(self) -> Sequence[PatternRule]:
        """One for those that give the same when repeated, undo themselves, or bound."""
        return [
            PatternRule(node("|".join(_IDEMPOTENT)), _drop_second),
            PatternRule(node("|".join(_OWN_INVERSE)), _drop_both),
            PatternRule(node("|".join(_BOUNDING)), _merge_bounds),
        ]


def _drop_second(m: Match, edit: Edit) -> str:
    outer = m["node"]
    inner = m.scope.graph.producer(outer.inputs[0])
    if inner is None or inner.qualified_type != outer.op_type:
        return ""
    stand_in(edit, outer, inner.outputs[0])
    return f"{outer.op_type} of {outer.op_type}"


def _drop_both(m: Match, edit: Edit) -> str:
    outer = m["node"]
    inner = m.scope.graph.producer(outer.inputs[0])
    if inner is None or inner.qualified_type != outer.op_type:
        return ""
    stand_in(edit, outer, inner.inputs[0])
    return f"two {outer.op_type}s undo each other"


def _merge_bounds(m: Match, edit: Edit) -> str:
    scope, outer = m.scope, m["node"]
    inner = scope.graph.producer(outer.inputs[0])
    own = bounds(scope, outer)
    first = None if inner is None else bounds(scope, inner)
    if inner is None or own is None or first is None:
        return ""
    if own.low <= first.low and first.high <= own.high:
        stand_in(edit, outer, inner.outputs[0])
        return f"the {outer.op_type} bounds no more than the {inner.op_type} before it"
    both = Bounds(max(own.low, first.low), min(own.high, first.high))
    tensor = inner.outputs[0]
    if both.low > both.high or scope.kept(tensor) or len(scope.readers(tensor)) > 1:
        return ""
    edit.remove(inner)
    if both == own:
        edit.change(outer, inputs=(inner.inputs[0], *outer.inputs[1:]))
    else:
        change_to_clip(scope, edit, outer, inner.inputs[0], both)
    return f"{inner.op_type} and {outer.op_type} bound as one"
