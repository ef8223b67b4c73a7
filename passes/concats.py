"""A Concat of Concats along the same axis is one Concat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..graph import Node
from ..rewrite.edit import Edit
from ..rewrite.pattern import Match, node
from ..rewrite.rewriting import Pass, PatternRule
from ..rewrite.scope import Scope


@dataclass(frozen=True)
class MergeConcats(Pass):
    """Merge Concats into the Concat along the same axis that alone reads them."""

    name: ClassVar[str] = "merge-concats"
    exact: ClassVar[bool] = True

    def rules(self) -> Sequence[PatternRule]:
        """One."""
        return [PatternRule(node("Concat"), _merge)]


def _merge(m: Match, edit: Edit) -> str:
    scope, outer = m.scope, m["node"]
    inputs: list[str] = []
    merged = 0
    for tensor in outer.inputs:
        inner = _inner(scope, outer, tensor)
        if inner is None:
            inputs.append(tensor)
        else:
            inputs += inner.inputs
            edit.remove(inner)
            merged += 1
    if not merged:
        return ""
    edit.change(outer, inputs=tuple(inputs))
    return "Concats along the same axis are one"


def _inner(scope: Scope, outer: Node, tensor: str) -> Node | None:
    """The Concat that makes a tensor and can be merged."""
    inner = scope.graph.producer(tensor)
    if inner is None or inner.qualified_type != "Concat":
        return None
    if scope.kept(tensor) or len(scope.readers(tensor)) > 1:
        return None
    axes = [concat.int("axis", 1) for concat in (inner, outer)]  # 1: the default of opset 1
    dims = scope.dims(tensor)
    if dims is not None:
        axes = [axis % len(dims) for axis in axes]
    return inner if axes[0] == axes[1] else None
