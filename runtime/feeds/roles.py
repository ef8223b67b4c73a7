"""What a model does with an input, as far as that limits its values.

An input's readers are followed through operators that only move values about, into bodies and
functions too. A reader may demand an index within its table, a length within its sequence, a
divisor that is not 0, or a mask that lets everything pass. ``allowed`` are values with which the
model does what it is for; ``accepted`` are all with which it runs: an index may count from the
end, a mask may forbid, a root may be of a negative number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ...graph import Node, dtypes
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
    return _met(uses(shapes, name), _RULES)


def accepted(shapes: Shapes, name: str) -> Interval | None:
    """The values with which every reader of an input runs; None where nothing limits them."""
    return _met(uses(shapes, name), _HARD)


def divides(shapes: Shapes, name: str) -> bool:
    """Whether the input is a divisor: an integer one must not be 0."""
    return any((use.node.op_type, use.slot) in _DIVISORS for use in uses(shapes, name))


def _met(found_uses: Iterator[Use], rules: Mapping[tuple[str, int], RangeRule]) -> Interval | None:
    found: Interval | None = None
    for use in found_uses:
        rule = rules.get((use.node.op_type, use.slot))
        if rule is None and rules is _HARD and _foreign(use):
            rule = _RULES.get((use.node.op_type, use.slot), _zero_or_one)
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


RangeRule = Callable[[Use], Interval | None]


def _below(bound: int | None) -> Interval | None:
    return Interval(0, bound - 1) if bound else None


def _table(slot: int) -> RangeRule:
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


def _only(value: float) -> RangeRule:
    return lambda _: Interval(value, value)


def _positive(_: Use) -> Interval:
    return Interval(0.5, 1.5)


def _rank(use: Use) -> int | None:
    info = use.scope.call(use.node).get(0)
    return None if info is None or info.shape is None else len(info.shape)


def _axes(more: int) -> RangeRule:
    """An axis of the first input; of its result where that has more."""

    def rule(use: Use) -> Interval | None:
        rank = _rank(use)
        return None if rank is None else Interval(-rank - more, rank + more - 1)

    return rule


def _from_one(rule: RangeRule) -> RangeRule:
    """From 1 to what a rule allows at most."""

    def shorter(use: Use) -> Interval | None:
        limit = rule(use)
        return None if limit is None else Interval(1, limit.high)

    return shorter


def _from_the_end(rule: RangeRule) -> RangeRule:
    """Indices that may count from the end too."""

    def signed(use: Use) -> Interval | None:
        limit = rule(use)
        return None if limit is None else Interval(-limit.high - 1, limit.high)

    return signed


def _largest(use: Use) -> Interval | None:
    """TopK: as many as there are."""
    there = use.dim(0, use.node.int("axis", -1))
    return None if not there else Interval(1, there)


def _shift(use: Use) -> Interval | None:
    info = use.scope.call(use.node).get(0)
    width = None if info is None else dtypes.bits(info.dtype)
    return None if width is None else Interval(0, width - 1)


def _elements(use: Use) -> Interval | None:
    """Places in a tensor as large as the first input."""
    info = use.scope.call(use.node).get(0)
    return None if info is None else _below(info.size)


def _up_to(most: int | None) -> Interval | None:
    return Interval(1, most) if most else None


def _within(low: float, high: float) -> RangeRule:
    return lambda _: Interval(low, high)


def _zero_or_one(_: Use) -> Interval:
    return Interval(0, 1)


def _foreign(use: Use) -> bool:
    """Whether an operator that onnx does not define reads it: what that stands is not known."""
    return use.node.domain not in ("", "ai.onnx.ml") and use.scope.graph.function(use.node) is None


_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
# Inputs that name axes, of which none may come twice.
AXES = frozenset(
    {("Slice", 3), ("Pad", 3), ("Squeeze", 1), ("Unsqueeze", 1)}
    | {(f"Reduce{kind}", 1) for kind in _REDUCTIONS}
)
_DIVISORS = frozenset({("Div", 1), ("Mod", 1)})
_INDICES: dict[tuple[str, int], RangeRule] = {
    ("Gather", 1): _along_axis,
    ("GatherElements", 1): _along_axis,
    ("ScatterElements", 1): _along_axis,
    ("Scatter", 1): _along_axis,
    ("GatherND", 1): _coordinates,
    ("ScatterND", 1): _coordinates,
}
# Whatever an input is for, these it has to keep to.
_TABLES: dict[tuple[str, int], RangeRule] = {
    ("EmbedLayerNormalization", 0): _table(2),
    ("EmbedLayerNormalization", 1): _table(4),
    ("RoiAlign", 2): _table(0),
    ("ArrayFeatureExtractor", 1): lambda use: _below(use.dim(0, -1)),
    ("BitShift", 1): _shift,
    ("Dropout", 2): _only(0),  # not in training: else it is random
    ("MaxUnpool", 1): _elements,
    ("Attention", 6): lambda use: _up_to(use.dim(1, -2)),
    **{("MelWeightMatrix", slot): _only(n) for slot, n in enumerate((8, 16, 8192, 0, 4000))},
}
_LENGTHS: dict[tuple[str, int], RangeRule] = {
    ("LSTM", 4): _sequence_length,
    ("GRU", 4): _sequence_length,
    ("RNN", 4): _sequence_length,
    ("ReverseSequence", 1): _reversed_length,
}
_RULES: dict[tuple[str, int], RangeRule] = {
    **_INDICES,
    **_TABLES,
    **_LENGTHS,
    ("Where", 0): _mask,
    ("GridSample", 1): _within(-1, 1),
    ("Dropout", 1): _only(0),
    ("Range", 1): _within(2, 4),
    ("Range", 2): _only(1),
    ("Loop", 0): _only(1),
    ("OneHot", 1): _only(3),
    ("ConstantOfShape", 0): _within(1, 3),
    ("STFT", 1): _only(2),
    ("STFT", 3): _only(4),
    ("DFT", 1): _only(4),
    ("Slice", 1): _only(0),
    ("Slice", 2): _within(2, 4),
    ("Slice", 4): _only(1),
    ("SplitToSequence", 1): _only(1),
    **{(op_type, 1): _only(1) for op_type in ("Expand", "Tile", "TopK", "Upsample")},
    **{("Resize", slot): _only(1) for slot in (1, 2)},
    **{(op_type, 0): _positive for op_type in ("Log", "Pow", "Reciprocal", "Sqrt")},
    **{(op_type, 1): _positive for op_type in ("Div", "Mod", "QuantizeLinear")},
    ("BatchNormalization", 4): _positive,
}
_HARD: dict[tuple[str, int], RangeRule] = {
    **{key: _from_the_end(rule) for key, rule in _INDICES.items()},
    **_TABLES,
    **{key: _from_one(rule) for key, rule in _LENGTHS.items()},
    ("Dropout", 1): _within(0, 0.9),
    ("Range", 0): _within(-2, 2),
    ("Range", 1): _within(-9, 9),
    ("Range", 2): _within(1, 3),
    ("Loop", 0): _within(0, 5),
    ("OneHot", 1): _within(1, 7),
    ("ConstantOfShape", 0): _within(0, 4),
    ("Slice", 4): _within(1, 3),
    ("SplitToSequence", 1): _within(1, 3),
    ("Pad", 1): _within(0, 3),
    ("TopK", 1): _largest,
    ("Tile", 1): _within(1, 3),
    ("Upsample", 1): _within(1, 2),
    ("Resize", 1): _within(0, 1),
    ("Resize", 2): _within(0.5, 2),
    ("Resize", 3): _within(1, 9),
    ("NonMaxSuppression", 2): _within(1, 5),
    ("SequenceAt", 1): _within(-2, 1),
    ("SequenceErase", 1): _within(-2, 1),
    ("SequenceInsert", 2): _within(-2, 1),
    ("STFT", 1): _within(1, 4),
    ("STFT", 3): _within(1, 9),
    ("DFT", 1): _within(1, 9),
    ("DFT", 2): _axes(0),
    ("CumSum", 1): _axes(0),
    **dict.fromkeys(AXES, _axes(0)),
    ("Unsqueeze", 1): _axes(1),
    **{(f"{name}Window", 0): _within(1, 9) for name in ("Blackman", "Hamming", "Hann")},
}
