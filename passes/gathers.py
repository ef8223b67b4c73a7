"""Gather of places that are known: less than a Gather, or fewer nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from ..graph import Node
from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import Cut, axes_of, change_to_slice, integers
from ..rewrite.pattern import Match, const, node, op, var
from ..rewrite.rewriting import Pass, PatternRule
from ..rewrite.scope import Scope

_RESULT = 1024  # elements that a constant may have which takes a Gather's place
_TABLE = 1 << 20  # elements of a constant that is read for it
_BOUNDS = 3  # a Slice reads a start, an end and an axis: no more than so many indices


@dataclass(frozen=True)
class SimplifyGathers(Pass):
    """Gather of a constant, of everything, of a range, of one place that stays an axis.

    Several that take an axis apart, as those of a packed query, key and value do, become a Split
    where what follows them takes its axis of 1 as it is: then nothing is added.
    """

    name: ClassVar[str] = "simplify-gathers"

    def rules(self) -> Sequence[PatternRule]:
        """Those that remove most come first."""
        places = const("indices")
        return [
            PatternRule(op("Gather", const("table"), places, name="gather"), _to_constant),
            PatternRule(op("Gather", var("x"), places, name="gather"), _to_slice),
            PatternRule(op("Gather", var("x"), places, name="gather"), _to_split),
            PatternRule(node("Unsqueeze"), _keep_axis),
        ]


Places = npt.NDArray[np.int64]


def _places(scope: Scope, gather: Node) -> tuple[int, Places] | None:
    """The axis and the indices, counted from the front where the dim is known."""
    known, dims = scope.known(gather.inputs[1]), scope.dims(gather.inputs[0])
    if known is None or dims is None:
        return None
    indices = known.astype(np.int64)
    axis = gather.int("axis", 0) % max(len(dims), 1)
    dim = dims[axis] if axis < len(dims) else None
    return axis, indices if dim is None else np.where(indices < 0, indices + dim, indices)


def _to_constant(m: Match, edit: Edit) -> str:
    scope, gather = m.scope, m["gather"]
    table, indices = (scope.constant(name) for name in gather.inputs)
    axis = gather.int("axis", 0)
    shape = scope.shape(gather.outputs[0])
    if table is None or indices is None or shape is None or not table.shape:
        return ""
    if table.size > _TABLE or np.prod(shape, dtype=float) > _RESULT:
        return ""
    data, places = table.data(), indices.data().astype(np.int64)
    if data.dtype.kind not in "biuf" or not _inside(places, data.shape[axis]):
        return ""
    result = np.take(data, places, axis)
    edit.bypass(gather.outputs[0], edit.constant(result, f"{gather.outputs[0]}/gathered"))
    return f"a Gather of constants is {result.size} constant elements"


def _inside(places: Places, dim: int) -> bool:
    return bool(np.all((places >= -dim) & (places < dim)))


def _to_slice(m: Match, edit: Edit) -> str:
    found = _places(m.scope, m["gather"])
    if found is None:
        return ""
    axis, places = found
    count, x = places.size, m.tensor("x")
    if places.ndim != 1 or not count or places[0] < 0 or np.any(np.diff(places) != 1):
        return ""
    dims = m.scope.dims(x)
    first = int(places[0])
    if dims is not None and dims[axis] == count and not first:
        edit.bypass(m["gather"].outputs[0], x)
        return "the Gather takes everything in order"
    if count < _BOUNDS:
        return ""
    change_to_slice(m.scope, edit, m["gather"], x, [Cut(axis, first, first + count)])
    return "the Gather takes a range"


def _to_split(m: Match, edit: Edit) -> str:
    scope, x = m.scope, m.tensor("x")
    found, dims = _places(scope, m["gather"]), scope.dims(x)
    if found is None or dims is None or found[1].ndim or found[1] != 0:
        return ""
    axis, count = found[0], dims[found[0]]
    gathers: dict[int, Node] = {}
    for other in scope.readers(x):
        takes = other.qualified_type == "Gather" and other.inputs[0] == x
        places = _places(scope, other) if takes else None
        if places is not None and places[0] == axis and not places[1].ndim:
            if int(places[1]) in gathers:
                return ""
            gathers[int(places[1])] = other
    if count is None or count < 2 or sorted(gathers) != list(range(count)):
        return ""
    parts: list[str] = []
    for place in range(count):
        reader = _takes_axis(scope, gathers[place], axis)
        if reader is None:
            return ""
        edit.remove(gathers[place])
        if reader.op_type == "Unsqueeze":
            edit.remove(reader)
            parts.append(reader.outputs[0])
        else:
            parts.append(edit.fresh(f"{gathers[place].outputs[0]}/part"))
            edit.change(reader, inputs=(parts[-1], *reader.inputs[1:]))
    number = count if scope.opset() >= 18 else None
    edit.add("Split", [x], parts, axis=axis, num_outputs=number)
    return f"{count} Gathers take the axis apart, as one Split does"


def _takes_axis(scope: Scope, gather: Node, axis: int) -> Node | None:
    """The only reader of a Gather, if an axis of 1 where the Gather had its own suits it."""
    tensor = gather.outputs[0]
    readers = scope.readers(tensor)
    if scope.kept(tensor) or len(readers) != 1 or readers[0].domain:
        return None
    (reader,) = readers
    if reader.op_type == "Unsqueeze":
        return reader if _inserts(scope, reader, axis) else None
    target = integers(scope, reader, 1, "shape") if reader.op_type == "Reshape" else None
    copies = not reader.int("allowzero", 0)
    if target is None or (copies and 0 in target[axis:]) or reader.inputs[0] != tensor:
        return None
    return reader


def _inserts(scope: Scope, unsqueeze: Node, axis: int) -> bool:
    """Whether an Unsqueeze inserts this axis, and no other."""
    dims = scope.dims(unsqueeze.outputs[0])
    rank = None if dims is None else len(dims)
    return axes_of(scope, unsqueeze, 1, rank) == (axis,)


def _keep_axis(m: Match, edit: Edit) -> str:
    scope, unsqueeze = m.scope, m["node"]
    gather = scope.graph.producer(unsqueeze.inputs[0])
    if gather is None or gather.qualified_type != "Gather":
        return ""
    tensor = gather.outputs[0]
    places, dims = scope.value(gather.inputs[1]), scope.dims(gather.inputs[0])
    if places is None or places.ndim or dims is None:
        return ""
    axis = gather.int("axis", 0) % len(dims)
    if scope.kept(tensor) or len(scope.readers(tensor)) > 1 or not _inserts(scope, unsqueeze, axis):
        return ""
    indices = edit.constant(places.reshape(1), f"{unsqueeze.outputs[0]}/indices")
    edit.remove(unsqueeze)
    edit.change(gather, inputs=(gather.inputs[0], indices), outputs=unsqueeze.outputs)
    return "a Gather of a list of one place keeps the axis"
