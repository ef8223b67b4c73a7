"""How often a Loop runs, found by evaluating its condition and what that hangs on, trip by trip.

A counted while-loop carries its counter along, steps it in the body and compares it with a
limit. What of that is known before the run is evaluated for one trip after the other until the
condition ends the loop; nothing else of the body is. A part of the condition that depends on
data may end the loop earlier: then the count is an upper bound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from onnx import helper

from ..node import Node
from .fold import fold, fold_functions
from .info import Array, Info, Quality, ShapeCall
from .leap import LINEAR, leap
from .table import Shapes

# Nodes evaluated for one loop, which is about a second: a longer count stays unknown.
_MOST = 1 << 17
_LIMIT = 64  # elements of what is evaluated
# A leap is tried once in so many trips.
_WATCHED = 16
_READ_SHAPES = ("Shape", "Size", "Constant")

Values = dict[str, Array | None]


class Count(NamedTuple):
    """What the condition says of a Loop's trips.

    Parameters
    ----------
    trips
        After how many it ends the loop; None where it never does, or that is not known.
    proven
        Whether it can't end the loop before.
    quality
        How well what decides is known.
    """

    trips: int | None
    proven: bool
    quality: Quality = Quality.EXACT


class Condition:
    """A Loop's condition, and the part of the body that it hangs on.

    Parameters
    ----------
    body
        The body's scope, inferred with carried values whose contents are not known.
    second
        The same with the shapes of the second trip where those differ from the first's, else
        None. What the shapes decide is taken to change by as much in each trip.
    start
        What is known of each carried value before the first trip, the condition first.
    """

    def __init__(self, body: Shapes, second: Shapes | None, start: Sequence[Info | None]) -> None:
        self._body, self._second = body, second
        graph = body.graph
        self._counter = graph.inputs[0] if graph.inputs else ""
        self._carried = dict(zip(graph.inputs[1:], graph.outputs, strict=False))
        self._start = dict(zip(graph.inputs[1:], start, strict=False))
        self._steady: Values = {}  # what is known whatever the trip
        self._growing: dict[str, tuple[Array, Array]] = {}  # first value and step
        self._nodes = self._evaluable(self._cone())
        self._linear = all(node.op_type in LINEAR for node in self._nodes)

    def _cone(self) -> list[Node]:
        """The body's nodes that the condition hangs on, through earlier trips too, in order."""
        graph = self._body.graph
        seen: set[str] = set()
        queue = list(graph.outputs[:1])
        inside: set[str] = set()
        while queue:
            name = queue.pop()
            if not name or name in seen:
                continue
            seen.add(name)
            if name in self._carried:
                queue.append(self._carried[name])
            elif not self._known(name) and (maker := graph.producer(name)) is not None:
                inside.add(maker.id)
                queue += maker.inputs
        self._read = seen
        return [node for node in graph if node.id in inside]

    def _known(self, name: str) -> bool:
        """Whether a tensor's contents are known in each trip, and note them."""
        info = self._body.get(name)
        if info is None or info.value is None:
            return False
        maker = self._body.graph.producer(name)
        if self._second is None or maker is None:
            self._steady[name] = info.value
            return True
        if maker.op_type not in _READ_SHAPES and maker.op_type in fold_functions():
            return False  # two trips alike say nothing of a comparison: its operands do
        later = self._second.get(name)
        if later is None or later.value is None or later.value.shape != info.value.shape:
            return False
        if np.array_equal(info.value, later.value):
            self._steady[name] = info.value
        elif info.value.dtype.kind in "iu":
            self._growing[name] = (info.value, np.subtract(later.value, info.value))
        else:
            return False
        return True

    def _evaluable(self, cone: Sequence[Node]) -> list[Node]:
        """Those of the nodes whose results can be told in each trip."""
        told = {name for name, info in self._start.items() if _value(info) is not None}
        while True:
            known = {self._counter, *self._steady, *self._growing, *told}
            nodes = []
            for node in cone:
                if not node.domain and node.op_type in fold_functions():
                    inputs = [name in known for name in node.inputs if name]
                    if all(inputs) or (any(inputs) and node.op_type in _ENOUGH):
                        nodes.append(node)
                        known.update(node.outputs)
            left = {name for name in told if self._carried.get(name, "") in known}
            if left == told:
                self._told = told
                return nodes
            told = left

    def count(self, most: int | None) -> Count:
        """Trips until the condition ends the loop, or ``most``, the loop's own limit, does."""
        quality = self._quality()
        state: Values = {n: _value(self._start.get(n)) for n in self._carried}
        names = self._body.graph.inputs[1:2]
        go = state.get(names[0]) if names else None
        proven = go is not None
        if go is not None and not go.all():
            return Count(0, True, quality)
        ending = self._body.graph.outputs[0] if self._body.graph.outputs else ""
        timed = self._counter in self._read or bool(self._growing)
        left = _MOST
        trip = 0
        counters = sorted(self._told & self._read)
        seen: list[Values] = []  # in the last three trips
        while most is None or trip < most:
            values = self._trip(trip, state)
            trip += 1
            go = values.get(ending)
            if go is not None and not go.all():
                return Count(trip, proven, quality)
            proven = proven and go is not None
            after = {
                n: values.get(made) if n in self._told else None
                for n, made in self._carried.items()
            }
            if not timed and (not self._nodes or _same(state, after)):
                return Count(most, proven, quality)
            state = after
            left -= 1 + len(self._nodes)
            if left < 0 or (go is None and not self._nodes):
                return Count(most, False, quality)
            seen = [*seen[-2:], values]
            if trip % _WATCHED == 0 and self._linear:
                ahead = leap(self._nodes, counters, seen)
                if ahead is None:
                    return Count(most, proven, quality)
                trip += ahead.trips
                state |= {n: _grown(state[n], step, 1) for n, step in ahead.steps.items()}
        return Count(most, proven, quality)

    def holds(self, last: Shapes, trips: int) -> bool:
        """Whether what shapes decide has grown evenly up to the last trip."""
        for name, (first, step) in self._growing.items():
            info = last.get(name)
            grown = _grown(first, step, trips - 1)
            if info is None or info.value is None or not np.array_equal(info.value, grown):
                return False
        return True

    def _trip(self, trip: int, state: Mapping[str, Array | None]) -> Values:
        values: Values = {**self._steady, **state, self._counter: np.asarray(trip, np.int64)}
        for name, (first, step) in self._growing.items():
            values[name] = _grown(first, step, trip)
        opset = self._body.graph.opset.get("", 1)
        for node in self._nodes:
            inputs = [values.get(name) for name in node.inputs]
            call = ShapeCall(node, list(map(_info, inputs)), opset)
            made = fold(call, _LIMIT) if _all_there(node, inputs) else _decided(node, inputs)
            if made is not None:
                values.update(zip(node.outputs, made, strict=False))
        return values

    def _quality(self) -> Quality:
        """Of all that the condition is evaluated from."""
        outer = [self._start.get(n) for n in self._carried if n in self._read]
        inner = [self._body.get(n) for n in (*self._steady, *self._growing)]
        known = (
            info.quality for info in (*outer, *inner) if info is not None and info.value is not None
        )
        return max(known, default=Quality.EXACT)


# One known input may be enough: False for And, True for Or.
_ENOUGH = {"And": False, "Or": True}


def _decided(node: Node, inputs: Sequence[Array | None]) -> Sequence[Array] | None:
    """What the inputs that are known decide alone."""
    deciding = _ENOUGH.get(node.op_type)
    for value in inputs:
        if (
            deciding is not None
            and value is not None
            and value.size == 1
            and bool(value) is deciding
        ):
            return [value]
    return None


def _all_there(node: Node, inputs: Sequence[Array | None]) -> bool:
    return all(v is not None or not n for n, v in zip(node.inputs, inputs, strict=True))


def _grown(first: Array | None, step: Array, times: int) -> Array:
    assert first is not None  # what has stepped is known
    return np.asarray(np.add(first, np.multiply(step, times)), first.dtype)


def _value(info: Info | None) -> Array | None:
    return None if info is None else info.value


def _info(value: Array | None) -> Info | None:
    return None if value is None else Info(_dtype(value.dtype), value.shape, value=value)


@cache
def _dtype(dtype: np.dtype[np.generic]) -> int:
    return helper.np_dtype_to_tensor_dtype(dtype)


def _same(before: Values, after: Values) -> bool:
    return all(
        before[n] is after[n]
        or (before[n] is not None and after[n] is not None and np.array_equal(before[n], after[n]))  # type: ignore[arg-type] # neither is None
        for n in after
    )
