"""A Slice of a Slice is one Slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..graph import Node
from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import OPEN_END, Cut, change_to_slice, cuts_of
from ..rewrite.pattern import Match, node
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope


@dataclass(frozen=True)
class MergeSlices(Pass):
    """Merge a Slice with the Slice before it, on the same axes or others.

    Steps have to be positive. Along an open dim, a bound that counts from the end is merged only
    where nothing can be clamped in between.
    """

    name: ClassVar[str] = "merge-slices"
    exact: ClassVar[bool] = True

    def rules(self) -> Sequence[PatternRule]:
        """One."""
        return [PatternRule(node("Slice"), _merge)]


def _merge(m: Match, edit: Edit) -> str:
    scope, outer = m.scope, m["node"]
    inner = scope.graph.producer(outer.inputs[0])
    if inner is None or inner.qualified_type != "Slice":
        return ""
    if scope.kept(inner.outputs[0]) or len(scope.readers(inner.outputs[0])) > 1:
        return ""
    x = inner.inputs[0]
    dims = scope.dims(x)
    first, second = _by_axis(scope, inner, dims), _by_axis(scope, outer, dims)
    for axis, cut in second.items():
        dim = None if dims is None else dims[axis]
        first[axis] = _composed(first[axis], cut, dim) if axis in first else cut
    edit.remove(inner)
    change_to_slice(scope, edit, outer, x, list(first.values()))
    return "a Slice of a Slice is one"


Dims = tuple[int | None, ...] | None
_LARGEST = 2**63 - 1


def _by_axis(scope: Scope, found: Node, dims: Dims) -> dict[int, Cut]:
    """The cuts by axis, which is counted from the front."""
    cuts = cuts_of(scope, found)
    if cuts is None or any(cut.step <= 0 for cut in cuts):
        raise Refused(f"'{found.id}' has bounds that aren't constant, or goes backwards")
    if any(cut.axis < 0 for cut in cuts) and dims is None:
        raise Refused("an axis is counted from the end of a shape whose rank isn't known")
    rank = 0 if dims is None else len(dims)
    counted = [c._replace(axis=c.axis + rank if c.axis < 0 else c.axis) for c in cuts]
    return {cut.axis: cut for cut in counted}


def _composed(first: Cut, second: Cut, dim: int | None) -> Cut:
    """Both cuts as one, of an axis of this many elements; None stands for any number.

    Raises
    ------
    Refused
        If that depends on the number.
    """
    axis = first.axis
    if dim is not None:
        kept = range(dim)[first.start : first.end : first.step]
        kept = kept[second.start : second.end : second.step]
        return Cut(axis, kept.start, kept.stop, kept.step)
    if first.start < 0 or second.start < 0:
        raise Refused("a start counts from the end of an open dim")
    start, step = first.start + first.step * second.start, first.step * second.step
    if max(start, step) > _LARGEST:
        raise Refused("its bounds go beyond what an int64 holds")
    if second.end >= OPEN_END:
        end = first.end
    elif second.end >= 0 and first.end >= 0:
        end = min(first.end, first.start + first.step * second.end)
    elif second.end < 0 and first.end >= OPEN_END and first.step == 1:
        end = second.end
    else:
        raise Refused("an end counts from the end of an open dim that is cut before")
    return Cut(axis, start, end, step)
