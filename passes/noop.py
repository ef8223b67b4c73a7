"""Nodes that give what they get."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..graph import Node, dtypes
from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import has_input
from ..rewrite.facts.stand_in import stand_in
from ..rewrite.facts.unmoved import UNMOVED
from ..rewrite.pattern import Match, node
from ..rewrite.rewriting import Pass, PatternRule, Refused
from ..rewrite.scope import Scope

_SMALL = 4096  # elements of a constant that are read to find all of them 0 or 1


@dataclass(frozen=True)
class RemoveNoops(Pass):
    """Remove nodes that give what they get: Identity, inference-mode Dropout, x + 0, ...

    Open dims don't matter where the arguments alone prove it (a Slice from 0 to the end). x + 0
    counts as x, though it makes a negative zero a positive one. A Clip without bounds stays: it
    makes an infinity the largest number.
    """

    name: ClassVar[str] = "remove-noops"

    def rules(self) -> Sequence[PatternRule]:
        """One for all operators."""
        return [PatternRule(node("|".join((*_PROOFS, *_NEUTRAL))), _remove)]


def _remove(m: Match, edit: Edit) -> str:
    found = m["node"]
    if found.op_type in _NEUTRAL:
        slots = _unchanged(m.scope, found)
    else:
        slots = [0] if _PROOFS[found.op_type](m.scope, found) else []
    if not slots:
        return ""
    if any(found.outputs[1:]):
        edit.bypass(found.outputs[0], found.inputs[slots[0]])
    else:
        stand_in(edit, found, found.inputs[slots[0]])
    return f"the {found.op_type} gives what it gets"


def _dropout(scope: Scope, found: Node) -> bool:
    training = scope.opset() < 7 and not found.int("is_test", 0)
    if has_input(found, 2):
        mode = scope.value(found.inputs[2])
        if mode is None:
            raise Refused("a caller may turn on the Dropout's training mode")
        training = bool(mode)
    if training:
        raise Refused("the Dropout is in training mode; export the model in eval mode")
    if any(scope.readers(mask) or scope.kept(mask) for mask in found.outputs[1:] if mask):
        raise Refused("the Dropout's mask is used")
    return True


def _cast(scope: Scope, found: Node) -> bool:
    like = found.inputs[1] if found.op_type == "CastLike" else found.outputs[0]
    own = scope.dtype(found.inputs[0])
    return own is not None and own == scope.dtype(like)


_NEUTRAL = {"Add": 0, "Sub": 0, "Mul": 1, "Div": 1, "Pow": 1, "And": 1, "Or": 0}
_EITHER = frozenset({"Add", "Mul", "And", "Or"})


def _unchanged(scope: Scope, found: Node) -> Sequence[int]:
    """Slots of the operands that the other, neutral one leaves as they are."""
    if scope.opset() < 7:  # they broadcast by attributes
        return []
    if found.op_type == "Pow" and not dtypes.is_float(scope.dtype(found.inputs[0]) or 0):
        return []  # runtimes compute it in floats
    slots = (0, 1) if found.op_type in _EITHER else (0,)
    return [slot for slot in slots if _neutral(scope, found, 1 - slot, slot)]


def _neutral(scope: Scope, found: Node, slot: int, other: int) -> bool:
    constant = scope.constant(found.inputs[slot])
    if constant is None or constant.size > _SMALL or not constant.size:
        return False
    shape, dims = constant.shape, scope.dims(found.inputs[other])
    if shape:
        if dims is None or len(shape) > len(dims):
            return False
        last = dims[len(dims) - len(shape) :]
        if any(own not in (1, dim) for own, dim in zip(shape, last, strict=True)):
            return False  # it makes the result larger, or may
    return bool(np.all(constant.data() == _NEUTRAL[found.op_type]))


_PROOFS: Mapping[str, Callable[[Scope, Node], bool]] = {
    **UNMOVED,
    "Identity": lambda _scope, _node: True,
    "Dropout": _dropout,
    "Cast": _cast,
    "CastLike": _cast,
}
