"""What a node's arguments say, be they attributes or inputs at its opset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from onnx import AttributeProto

from ...graph import Node
from ..edit import Edit
from ..scope import Scope

# Exporters write it, or INT64_MAX, for "up to the end".
OPEN_END = 2**31 - 1


def has_input(node: Node, slot: int) -> bool:
    """Whether an optional input is there."""
    return slot < len(node.inputs) and bool(node.inputs[slot])


def has(node: Node, slot: int, attribute: str) -> bool:
    """Whether an argument is given, as the input at this slot or as an attribute."""
    return has_input(node, slot) or attribute in node.attributes


def integers(scope: Scope, node: Node, slot: int, attribute: str) -> tuple[int, ...] | None:
    """A list of integers that is the same in every run; None if it isn't, or isn't given."""
    if not has_input(node, slot):
        return node.ints(attribute)
    found = scope.known(node.inputs[slot])
    return None if found is None else tuple(int(x) for x in found.reshape(-1))


def axes_of(
    scope: Scope, node: Node, slot: int, rank: int | None, attribute: str = "axes"
) -> tuple[int, ...] | None:
    """An operator's axes counted from the front; None if that can't be told."""
    axes = integers(scope, node, slot, attribute)
    if axes is None or (rank is None and min(axes, default=0) < 0):
        return None
    return tuple(axis + (rank or 0) if axis < 0 else axis for axis in axes)


def attributes(**values: Any) -> Mapping[str, AttributeProto]:  # noqa: ANN401 - as Node.make
    """Attributes of a changed node."""
    return Node.make("", (), (), **values).attributes


def int64s(edit: Edit, values: Sequence[int], hint: str) -> str:
    """A new constant of a list of integers."""
    return edit.constant(np.array(values, np.int64), hint)


class Cut(NamedTuple):
    """What a Slice does along one axis, as it is written."""

    axis: int
    start: int
    end: int
    step: int = 1


def cuts_of(scope: Scope, node: Node) -> list[Cut] | None:
    """What a Slice cuts; None if that isn't the same in every run."""
    starts, ends = integers(scope, node, 1, "starts"), integers(scope, node, 2, "ends")
    if starts is None or ends is None:
        return None
    every = len(starts)
    axes = integers(scope, node, 3, "axes") if has(node, 3, "axes") else tuple(range(every))
    steps = integers(scope, node, 4, "") if has_input(node, 4) else (1,) * every
    if axes is None or steps is None:
        return None
    return [Cut(*each) for each in zip(axes, starts, ends, steps, strict=True)]


def change_to_slice(scope: Scope, edit: Edit, node: Node, x: str, cuts: Sequence[Cut]) -> None:
    """Put a Slice of ``x`` in the place of a node."""
    axes, starts, ends, steps = zip(*cuts, strict=True)
    if scope.opset() < 10:
        lists = attributes(axes=axes, starts=starts, ends=ends)
        edit.change(node, op_type="Slice", inputs=(x,), attributes=lists)
        return
    inputs = {"starts": starts, "ends": ends, "axes": axes}
    if any(step != 1 for step in steps):
        inputs["steps"] = steps
    names = [int64s(edit, values, f"{node.outputs[0]}/{what}") for what, values in inputs.items()]
    edit.change(node, op_type="Slice", inputs=(x, *names), attributes={})
