"""LayerNormalization and RMSNormalization where they are written out.

y = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * scale + bias over the last axes (Ba, Kiros
and Hinton, 2016), and the same without the mean (Zhang and Sennrich, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from onnx import helper

from ..graph import Node
from ..graph.dtypes import FLOAT, FLOAT16
from ..rewrite.edit import Edit
from ..rewrite.facts.arguments import axes_of, has
from ..rewrite.facts.written_out import of_type, read_only_by, scalar, scalars, since
from ..rewrite.pattern import Match, Op, maybe, op, var
from ..rewrite.rewriting import Pass, PatternRule, Pays, Refused, never
from ..rewrite.scope import Scope, scopes

_Key = tuple[object, ...]
_ONES = 1 << 16  # bytes that a scale of ones may add to the file

_SQUARES = (
    op("Pow", var("x"), var("two"), name="square"),
    op("Mul", var("x"), var("x"), name="square"),
)


@dataclass(frozen=True)
class RecomposeLayerNorm(Pass):
    """Make one LayerNormalization (opset 17) or RMSNormalization (opset 23) of its arithmetic.

    Refuses axes that are not the last ones, means that drop their axes, and float64, which it
    would compute in float32. Runtimes that fuse this themselves ask for a scale and a bias.

    Parameters
    ----------
    pays
        Says whether the graph after is estimated to take less time than the one before. It is
        asked where there is no scale: the operator can't go without, and multiplies by ones.
    """

    pays: Pays = never

    name: ClassVar[str] = "recompose-layernorm"
    pays_elsewhere: ClassVar[bool] = True

    def rules(self) -> Sequence[PatternRule]:
        """Each way to square and to divide; ``x`` is what is normalised, less its mean or not."""
        rewrite = partial(self._rewrite, {})
        return [PatternRule(p, rewrite) for square in _SQUARES for p in _quotients(_root(square))]

    def _rewrite(self, verdicts: dict[_Key, bool], m: Match, edit: Edit) -> str:
        norm = _read(m)
        if norm is None:
            return ""
        if norm.scale is None:
            key = norm.kind, norm.axis, m.scope.dims(norm.x), m.scope.dtype(norm.x)
            if key not in verdicts:
                verdicts[key] = self._pays(m, norm)
            if not verdicts[key]:
                raise Refused(f"it has no scale, and a {norm.kind} would multiply by ones")
        norm.write(edit)
        return f"the arithmetic of a {norm.kind} over the last {-norm.axis} axes"

    def _pays(self, m: Match, norm: _Norm) -> bool:
        if m.scope.graph.parent is not None:
            return False  # how often a body runs is not known to who is asked
        trial = Edit(next(scopes(m.scope.graph.copy())), m.nodes)
        norm.write(trial)
        trial.commit()
        return self.pays(m.scope.graph, trial.scope.graph)


@dataclass(frozen=True)
class _Norm:
    kind: str
    x: str
    axis: int
    row: tuple[int, ...]
    epsilon: float
    around: tuple[Node, ...]  # what goes besides the match
    output: str
    scale: str | None
    bias: str | None

    def write(self, edit: Edit) -> None:
        edit.remove(*self.around)
        scope = edit.scope
        if self.scale is None:
            kind = helper.tensor_dtype_to_np_dtype(scope.dtype(self.x) or FLOAT)
            inputs = [edit.constant(np.ones(self.row, kind), f"{self.output}/scale")]
        else:
            inputs = [_in_row(edit, name, self.row) for name in (self.scale, self.bias) if name]
        edit.add(self.kind, [self.x, *inputs], self.output, axis=self.axis, epsilon=self.epsilon)


def _root(square: Op) -> Op:
    mean = op("ReduceMean", square, maybe(var("axes")), name="variance")
    return op("Sqrt", op("Add", mean, var("epsilon")))


def _quotients(root: Op) -> tuple[Op, ...]:
    return (
        op("Div", var("x"), root, name="normed"),
        op("Mul", op("Reciprocal", root), var("x"), name="normed"),
        op("Mul", op("Div", var("one"), root), var("x"), name="normed"),
    )


def _read(m: Match) -> _Norm | None:
    """What a match normalises; None if it is something else."""
    scope, x = m.scope, m.tensor("x")
    if m["square"].op_type == "Pow" and not scalars(m, two=2.0):
        return None
    epsilon = scalar(scope, m.tensor("epsilon"), x)
    if epsilon is None or (m.tensor("one") and not scalars(m, one=1.0)):
        return None
    centred = _centred(scope, x)
    kind = "LayerNormalization" if centred else "RMSNormalization"
    since(scope, 17 if centred else 23, kind)
    axis = _first_axis(scope, m["variance"])
    if centred:
        subtract, mean = centred
        x = subtract.inputs[0]
        if _first_axis(scope, mean) != axis:
            raise Refused("its mean and its variance are over other axes")
        read_only_by(scope, subtract, {n.id for n in m.nodes})
        read_only_by(scope, mean, {subtract.id})
    of_type(scope, x, (FLOAT, FLOAT16), f"{kind} computes in float32")
    row = _row(scope, x, axis)
    output, operands, around = m["normed"].outputs[0], [], list(centred or ())
    for op_type in ("Mul", "Add") if centred else ("Mul",):
        found = _operand(scope, output, op_type, row)
        if found is None:
            break
        output, operand, reader = found
        operands.append(operand)
        around.append(reader)
    scale, bias, *_ = (*operands, None, None)
    if scale is None and 4 * math.prod(row) > _ONES:
        raise Refused(f"it has no scale, and one of {math.prod(row):,} ones is too large")
    return _Norm(kind, x, axis, row, epsilon, tuple(around), output, scale, bias)


def _centred(scope: Scope, tensor: str) -> tuple[Node, Node] | None:
    """The nodes that subtract its own mean from something; None if none do."""
    subtract = scope.graph.producer(tensor)
    if subtract is None or subtract.qualified_type != "Sub":
        return None
    mean = scope.graph.producer(subtract.inputs[1])
    if mean is None or mean.qualified_type != "ReduceMean":
        return None
    return (subtract, mean) if mean.inputs[0] == subtract.inputs[0] else None


def _first_axis(scope: Scope, mean: Node) -> int:
    """The first of the axes that a mean is over, counted from the end.

    Raises
    ------
    Refused
        If they are not known, not the last ones, or dropped.
    """
    dims = scope.dims(mean.inputs[0])
    if dims is None:
        raise Refused(f"the rank of '{mean.inputs[0]}' is not known")
    axes: Sequence[int] | None = axes_of(scope, mean, 1, len(dims))
    if not has(mean, 1, "axes") or (axes == () and not mean.int("noop_with_empty_axes", 0)):
        axes = range(len(dims))
    if not axes or sorted(set(axes)) != list(range(min(axes), len(dims))):
        raise Refused("it is not over the last axes, or they are not the same in every run")
    if not mean.int("keepdims", 1):
        raise Refused(
            "a mean with keepdims=0 lines up with other axes than its own; export it with 1"
        )
    return min(axes) - len(dims)


def _row(scope: Scope, x: str, axis: int) -> tuple[int, ...]:
    """The dims that are normalised together."""
    dims = scope.dims(x)
    row = dims[axis:] if dims is not None else (None,)
    fixed = tuple(dim for dim in row if dim is not None)
    if len(fixed) != len(row):
        raise Refused(f"the last {-axis} axes of '{x}' have no fixed size; give the input one")
    if math.prod(fixed) < 2:
        raise Refused(f"the last {-axis} axes of '{x}' hold one element, which onnxruntime rejects")
    return fixed


def _operand(
    scope: Scope, tensor: str, op_type: str, row: tuple[int, ...]
) -> tuple[str, str, Node] | None:
    """What the only reader of a tensor makes, its other operand, one value an element, and it."""
    readers = scope.graph.consumers(tensor)
    if len(readers) != 1 or scope.kept(tensor) or readers[0][0].qualified_type != op_type:
        return None
    reader = readers[0][0]
    operand = next(t for t in reader.inputs if t != tensor)
    shape = scope.shape(operand)
    aligned = shape is not None and shape[max(len(shape) - len(row), 0) :] == row
    if not aligned or shape is None or math.prod(shape) != math.prod(row):
        return None
    dims = scope.dims(tensor)
    if dims is None or len(shape) > len(dims):
        return None  # it gives the result another axis
    if shape != row and scope.constant(operand) is None:
        return None
    return reader.outputs[0], operand, reader


def _in_row(edit: Edit, tensor: str, row: tuple[int, ...]) -> str:
    """A tensor in the row's shape: itself, or a constant without the axes of 1 before it."""
    value = None if edit.scope.shape(tensor) == row else edit.scope.value(tensor)
    return tensor if value is None else edit.constant(value.reshape(row), f"{tensor}/row")
