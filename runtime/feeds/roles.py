"""What a model does with an input, as far as that limits its values.

An input's readers are followed through operators that only move values about, into bodies and
functions too. A reader may demand an index within its table, a length within its sequence, a
divisor that is not 0, or a mask that lets everything pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from ...graph import Node
from ...graph.shapes import Shapes

# These pass on values of their first input, or of any, without changing them.
_FIRST = frozenset(
    {"Cast", "Expand", "Flatten", "Gather", "Identity", "Not", "Reshape", "Slice", "Split"}
    | {"Squeeze", "Tile", "Transpose", "Unsqueeze"}
)
_ANY = frozenset({"And", "Concat"})
# An additive mask forbids by a number of this size, or -inf.
_FORBIDDEN = -1e3


class Interval(NamedTuple):
    """The least and the greatest value that an input may have."""

    low: float
    high: float


class Use(NamedTuple):
    """A node that reads an input's values, in the scope it is in; after how many a Not, if odd."""

    scope: Shapes
    node: Node
    slot: int
    negated: bool

    def dim(self, slot: int, axis: int) -> int | None:
        """A dim of one of the node's inputs, if known."""
        info = self.scope.call(self.node).get(slot)
        shape = None if info is None else info.resolved
        return shape[axis] if shape and -len(shape) <= axis < len(shape) else None


def allowed(shapes: Shapes, name: str) -> Interval | None:
    """The values that every reader of an input accepts; None where nothing limits them.

    Where two readers contradict each other the first one counts.
    """
    found: Interval | None = None
    for use in uses(shapes, name):
        rule = _RULES.get((use.node.op_type, use.slot))
        limit = None if rule is None else rule(use)
        if limit is None:
            continue
        if found is None:
            found = limit
        elif max(found.low, limit.low) <= min(found.high, limit.high):
            found = Interval(max(found.low, limit.low), min(found.high, limit.high))
    return found


def uses(shapes: Shapes, name: str) -> Iterator[Use]:
    """Every node that reads the values of a tensor, in depth-first order."""
    todo = [(shapes, name, False)]
    seen: set[tuple[int, str, bool]] = set()
    while todo:
        scope, tensor, negated = todo.pop()
        if (id(scope), tensor, negated) in seen:
            continue
        seen.add((id(scope), tensor, negated))
        for node, slot in scope.graph.consumers(tensor):
            bodies = {k: s for (owner, k), s in scope.bodies.items() if owner == node.id}
            if isinstance(slot, str):
                todo += [(body, tensor, negated) for body in bodies.values()]
                continue
            yield Use(scope, node, slot, negated)
            todo += [
                (body, body.graph.inputs[slot], negated)
                for body in bodies.values()
                if slot < len(body.graph.inputs)
            ]
            if node.op_type in _ANY or (node.op_type in _FIRST and slot == 0):
                passed = negated != (node.op_type == "Not")
                todo += [(scope, output, passed) for output in node.outputs if output]


Rule = Callable[[Use], Interval | None]


def _below(bound: int | None) -> Interval | None:
    return Interval(0, bound - 1) if bound else None


def _table(slot: int) -> Rule:
    """An index into the rows of another input."""
    return lambda use: _below(use.dim(slot, 0))


def _along_axis(use: Use) -> Interval | None:
    return _below(use.dim(0, use.node.int("axis", 0)))


def _coordinates(use: Use) -> Interval | None:
    """GatherND, ScatterND: the last axis of the indices counts along so many of the data."""
    first = use.node.int("batch_dims", 0)
    axes = range(first, first + (use.dim(1, -1) or 0))
    dims = [use.dim(0, axis) for axis in axes]
    return _below(min((dim for dim in dims if dim is not None), default=None))


def _sequence_length(use: Use) -> Interval | None:
    steps = use.dim(0, 1 if use.node.int("layout", 0) else 0)
    return None if steps is None else Interval(steps, steps)


def _reversed_length(use: Use) -> Interval | None:
    steps = use.dim(0, use.node.int("time_axis", 0))
    return None if steps is None else Interval(steps, steps)


def _mask(use: Use) -> Interval | None:
    """Where: whichever of the two it takes must not be the one that forbids."""
    call = use.scope.call(use.node)
    for slot, condition in ((1, True), (2, False)):
        value = call.value(slot)
        if value is None or not value.size or value.dtype.kind != "f":
            continue
        if float(value.max()) <= _FORBIDDEN:
            passes = float(condition == use.negated)
            return Interval(passes, passes)
    return None


def _only(value: float) -> Rule:
    return lambda _: Interval(value, value)


def _positive(_: Use) -> Interval:
    return Interval(0.5, 1.5)


_RULES: dict[tuple[str, int], Rule] = {
    ("Gather", 1): _along_axis,
    ("GatherElements", 1): _along_axis,
    ("ScatterElements", 1): _along_axis,
    ("GatherND", 1): _coordinates,
    ("ScatterND", 1): _coordinates,
    ("EmbedLayerNormalization", 0): _table(2),
    ("EmbedLayerNormalization", 1): _table(4),
    ("RoiAlign", 2): _table(0),
    ("LSTM", 4): _sequence_length,
    ("GRU", 4): _sequence_length,
    ("RNN", 4): _sequence_length,
    ("ReverseSequence", 1): _reversed_length,
    ("Where", 0): _mask,
    ("GridSample", 1): lambda _: Interval(-1, 1),
    ("Dropout", 1): _only(0),
    ("Dropout", 2): _only(0),  # not in training
    ("Range", 2): _only(1),
    ("Loop", 0): _only(1),
    ("TopK", 1): _only(1),
    ("Tile", 1): _only(1),
    ("Expand", 1): _only(1),
    **{("Resize", slot): _only(1) for slot in (1, 2)},
    **{(op_type, 0): _positive for op_type in ("Log", "Pow", "Reciprocal", "Sqrt")},
    **{(op_type, 1): _positive for op_type in ("Div", "Mod", "QuantizeLinear")},
    ("BatchNormalization", 4): _positive,
}
