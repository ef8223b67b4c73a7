"""Mul and Add with constants into the BatchNormalization, or the Mul and Add, that they follow.

Caffe normalises in one layer and scales in another, which exporters write as BatchNormalization,
Mul and Add: onnx's own light_densenet121 has 121 of each. No runtime rewrites it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..graph import Tensor
from ..rewrite.edit import Edit
from ..rewrite.facts.affine import FLOATS, Doubles, arithmetic, broadcasts, floats, operand, rounded
from ..rewrite.pattern import Match, Op, Var, const, op, var
from ..rewrite.rewriting import Pass, PatternRule, Refused
from .batchnorm import STATISTICS

_FACTOR, _OFFSET = "Mul|Div", "Add|Sub"


@dataclass(frozen=True)
class MergeAffine(Pass):
    """Merge Mul, Add, Sub and Div with constants into a BatchNormalization or another of them.

    Into a BatchNormalization only what is one value a channel: a constant of shape [1, 1, 1, W]
    is not, even if there are W channels.
    """

    name: ClassVar[str] = "merge-affine"

    def rules(self) -> Sequence[PatternRule]:
        """After a BatchNormalization, of two alike, and of three in turn."""
        bn = op("BatchNormalization", var("x"), *STATISTICS, name="bn")
        return [
            *(PatternRule(after, _into_batchnorm) for after in followers(bn)),
            PatternRule(_chain(_FACTOR, _FACTOR), _pair),
            PatternRule(_chain(_OFFSET, _OFFSET), _pair),
            PatternRule(_chain(_FACTOR, _OFFSET, _FACTOR), _triple),
            PatternRule(_chain(_OFFSET, _FACTOR, _OFFSET), _triple),
        ]


def followers(before: Op | Var) -> tuple[Op, Op]:
    """Patterns of ``step``, arithmetic on a tensor, or what makes it, with a constant ``k``."""
    return (
        op("Mul|Add|Sub|Div", before, const("k"), name="step"),
        op("Sub", const("k"), before, name="step"),
    )


def _into_batchnorm(m: Match, edit: Edit) -> str:
    bn, step, scope = m["bn"], m["step"], m.scope
    if bn.int("spatial", 1) == 0:
        raise Refused("the BatchNormalization has statistics per element, not per channel")
    dims = scope.dims(bn.outputs[0])
    if dims is None or len(dims) < 2:
        raise Refused(f"the rank of '{bn.outputs[0]}' is not known, or has no channels")
    scale, shift = floats(scope, m.tensor("scale")), floats(scope, m.tensor("shift"))
    (channels,) = scale.shape
    factor, offset = arithmetic(
        scope, step, m.tensor("k"), rank=len(dims), axis=1, channels=channels
    )
    inputs = list(bn.inputs)
    if np.any(factor != 1):
        inputs[1] = _store(edit, _double(scale) * factor, scale, m.tensor("scale"))
    inputs[2] = _store(edit, _double(shift) * factor + offset, shift, m.tensor("shift"))
    edit.change(bn, inputs=tuple(inputs), outputs=(step.outputs[0], *bn.outputs[1:]))
    return f"the {step.op_type} goes into the scale and shift of the BatchNormalization"


def _double(tensor: Tensor) -> Doubles:
    return np.asarray(tensor.data(), np.float64)


def _store(edit: Edit, exact: Doubles, like: Tensor, name: str) -> str:
    return edit.constant(rounded(exact, like.dtype), f"{name}/merged")


def _chain(*types: str) -> Op:
    """Arithmetic in a row: the first of x and "k0", the next of what that makes and "k1", ..."""
    made = op(types[0], var("x"), const("k0"), name="0", shared=True)
    for number, one in enumerate(types[1:], 1):
        made = op(one, made, const(f"k{number}"), name=str(number), shared=True)
    return made


def _pair(m: Match, edit: Edit) -> str:
    values = _operands(m)
    if not values:
        return ""
    multiplied = m["1"].op_type in ("Mul", "Div")
    both = values[0] * values[1] if multiplied else values[0] + values[1]
    kept = _constant(m, edit, both, values)
    kind = "Mul" if multiplied else "Add"
    edit.change(m["1"], op_type=kind, inputs=(m.tensor("x"), kept))
    return f"{m['0'].op_type} and {m['1'].op_type} with constants are one {kind}"


def _triple(m: Match, edit: Edit) -> str:
    values = _operands(m)
    if not values:
        return ""
    dims = m.scope.dims(m.tensor("x"))
    if dims is None or not all(_fits(value.shape, dims) for value in values):
        raise Refused(f"a constant may give '{m.tensor('x')}' another shape")
    if m["1"].op_type in ("Add", "Sub"):
        factor, offset = values[0] * values[2], values[1] * values[2]
    else:
        factor, offset = values[1], values[0] * values[1] + values[2]
    kept = [_constant(m, edit, value, values) for value in (factor, offset)]
    scaled = edit.add("Mul", [m.tensor("x"), kept[0]])
    edit.change(m["2"], op_type="Add", inputs=(scaled, kept[1]))
    return "three steps of arithmetic with constants are one Mul and one Add"


def _operands(m: Match) -> list[Doubles]:
    """What each step multiplies with or adds; none where a step is read elsewhere, or integer.

    Both are common and no mistake of anybody's, so that they aren't told.
    """
    scope, last = m.scope, len(m.bound) - 1
    for number in range(last):
        tensor = m[str(number)].outputs[0]
        if scope.kept(tensor) or len(scope.readers(tensor)) > 1:
            return []
    if scope.dtype(m.tensor("k0")) not in FLOATS:
        return []
    broadcasts(scope)
    return [operand(m[str(i)], floats(scope, m.tensor(f"k{i}"))) for i in range(last + 1)]


def _constant(m: Match, edit: Edit, exact: Doubles, values: Sequence[Doubles]) -> str:
    """Store what is merged, unless it takes more room than what it is merged of."""
    if exact.size > max(value.size for value in values):
        raise Refused("the constants broadcast each other: merged they would take more room")
    dtype = floats(m.scope, m.tensor("k0")).dtype
    stored = rounded(exact, dtype, within=range(exact.ndim))
    return edit.constant(stored, f"{m.tensor('k0')}/merged")


def _fits(shape: Sequence[int], dims: Sequence[int | None]) -> bool:
    """Whether a constant leaves the shape of what it is combined with as it is."""
    aligned = zip(reversed(shape), reversed(dims), strict=False)
    return len(shape) <= len(dims) and all(one in (1, dim) for one, dim in aligned)
