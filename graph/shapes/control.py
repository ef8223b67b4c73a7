"""Shapes through control flow: If, Loop, Scan.

A body is inferred as a scope of its own. What can't be known before the run is bounded: an If of
unknown condition has the larger of its branches' shapes, a Loop that may end early the most trips
that it can make.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np

from .. import dtypes
from ..node import Node
from .fits import Misfit
from .info import Array, Info, Quality, ShapeCall, Unresolved
from .table import Shapes
from .trips import Condition


class Scope(Protocol):
    """What infers a scope, as far as control flow needs it."""

    table: Shapes
    failed: Misfit | None

    def body(
        self, node: Node, name: str, inputs: Sequence[Info], *, lenient: bool = False
    ) -> Scope:
        """Infer one of a node's bodies with these inputs."""

    def told(self, node: Node, trips: int | None, quality: Quality) -> int | None:
        """The trips of a Loop by the user's word."""


# Exporters write the largest integer for a while loop, which its condition ends.
_NO_LIMIT = 2**31 - 1
_SCALAR_INT = Info(dtypes.INT64, ())
_SCALAR_BOOL = Info(dtypes.BOOL, ())
_YES = Info(dtypes.BOOL, (), value=np.asarray(True))


def _scalar(value: Array | None) -> int | None:
    return int(value.reshape(-1)[0]) if value is not None and value.size == 1 else None


def _decided(call: ShapeCall, slots: Iterable[int]) -> Quality:
    """How well it is known what these inputs decide: a branch, a trip count."""
    infos = (call.get(slot) for slot in slots)
    return max((info.quality for info in infos if info is not None), default=Quality.EXACT)


def _forget(info: Info) -> Info:
    """Without contents: they change from one execution of a body to the next."""
    return info._replace(value=None, constant=False)


def if_(scope: Scope, call: ShapeCall) -> Sequence[Info | None]:
    """The branch that is taken; the larger shape of both where the condition is not known."""
    condition = _scalar(call.value(0))
    names = ("then_branch", "else_branch")
    if condition is not None:
        scope.table.trips[call.node.id] = (1, _decided(call, [0]))
        taken = scope.body(call.node, names[0] if condition else names[1], []).table
        return [taken.get(name) for name in taken.graph.outputs]
    bodies = [scope.body(call.node, name, [], lenient=True) for name in names]
    if bodies[0].failed and bodies[1].failed:
        raise Misfit(f"neither branch fits: {bodies[0].failed}")
    tables = [body.table for body in bodies]
    pairs = zip(*([t.get(o) for o in t.graph.outputs] for t in tables), strict=False)
    return [_larger(then, other) for then, other in pairs]


def _larger(then: Info | None, other: Info | None) -> Info | None:
    if then is None or other is None:
        return None
    quality = max(then.quality, other.quality)
    if then.shape == other.shape:
        return _forget(then)._replace(quality=quality)
    a, b = then.resolved, other.resolved
    if a is None or b is None:
        reason = then.reason or other.reason or "the branches of an If differ in shape"
        return Info(then.dtype, None, reason=reason)
    shape = tuple(map(max, a, b)) if len(a) == len(b) else max(a, b, key=math.prod)
    return Info(then.dtype, shape, Quality.BOUND)


def loop(scope: Scope, call: ShapeCall) -> Sequence[Info | None]:
    """Carried values keep their shape, or grow by the same amount in each trip; scans stack."""
    node = call.node
    carried = [_forget(call.input(slot)) for slot in range(2, len(node.inputs))]

    def run(state: Sequence[Info]) -> tuple[Shapes, list[Info]]:
        body = scope.body(node, "body", [_SCALAR_INT, _SCALAR_BOOL, *state]).table
        return body, _outputs(body)[1:]

    _need(scope, node, 1 + len(carried))
    body, outputs = run(carried)
    steps = list(map(_step, carried, outputs))
    second = None
    if any(steps):
        second, _ = run([_grown(a, step, 1) for a, step in zip(carried, steps, strict=True)])
    condition = Condition(body, second, [call.get(1) or _YES, *call.inputs[2:]])
    trips, quality = _trips(scope, call, condition)
    if trips > 1 and any(steps):
        quality = Quality.BOUND
        last = [_grown(a, step, trips - 1) for a, step in zip(carried, steps, strict=True)]
        body, outputs = run(last)
        if list(map(_step, last, outputs)) != steps:
            body, outputs = run(
                [_uneven(a) if step else a for a, step in zip(last, steps, strict=True)]
            )
        if not condition.holds(body, trips):
            trips, quality = 1, Quality.ASSUMED
    if second is not None and trips <= 1:
        _, outputs = run(carried)
    scope.table.trips[node.id] = (trips, quality)
    stacked = (_stacked(info, trips, 0) for info in outputs[len(carried) :])
    results = [*(outputs[: len(carried)] if trips else carried), *stacked]
    return [_forget(r)._replace(quality=max(r.quality, quality)) for r in results]


def _trips(scope: Scope, call: ShapeCall, condition: Condition) -> tuple[int, Quality]:
    """How often a Loop runs: by its limit and its condition, else as the user says, else once."""
    limit = _scalar(call.value(0))
    if limit is not None and limit >= _NO_LIMIT:
        limit = None
    most = None if limit is None else max(limit, 0)
    found = condition.count(most)
    trips, quality = found.trips, max(found.quality, _decided(call, [0, 1]))
    if trips and not (found.proven and (limit is not None or _unlimited(call))):
        quality = Quality.BOUND
    told = scope.told(call.node, trips, quality)
    if told is not None:
        return told, Quality.EXACT
    return (1, Quality.ASSUMED) if trips is None else (trips, quality)


def _unlimited(call: ShapeCall) -> bool:
    """Whether the Loop's own limit is left out, or larger than any count."""
    return call.get(0) is None or call.value(0) is not None


def _need(scope: Scope, node: Node, least: int) -> None:
    there = len(scope.table.graph.subgraphs(node)["body"].outputs)
    if there < least:
        raise Unresolved(f"the body has {there} outputs where {least} are needed")


def _outputs(body: Shapes) -> list[Info]:
    missing = Info(dtypes.UNDEFINED, None, reason="a body's output is not made")
    return [body.get(name) or missing for name in body.graph.outputs]


def _step(before: Info, after: Info) -> tuple[int | None, ...]:
    """What a trip adds to a carried value's shape: nothing, so much an axis, or (None,)."""
    if before.shape == after.shape:
        return ()
    a, b = before.resolved, after.resolved
    if a is None or b is None or len(a) != len(b):
        return (None,)
    return tuple(y - x for x, y in zip(a, b, strict=True))


def _grown(info: Info, step: Sequence[int | None], times: int) -> Info:
    """The carried value after so many more trips, if each adds as much as the first."""
    if not step:
        return info
    if info.resolved is None or None in step:
        return _uneven(info)
    shape = (max(x, x + (y or 0) * times) for x, y in zip(info.resolved, step, strict=True))
    return Info(info.dtype, tuple(shape), Quality.BOUND)


def _uneven(info: Info) -> Info:
    return Info(info.dtype, None, reason="a Loop's carried value changes its shape unevenly")


def _stacked(info: Info, trips: int, axis: int) -> Info:
    if info.shape is None:
        return info
    axis = axis % (len(info.shape) + 1)
    return info._replace(shape=(*info.shape[:axis], trips, *info.shape[axis:]))


def scan(scope: Scope, call: ShapeCall) -> Sequence[Info | None]:
    """Scan inputs lose their scan axis in the body; scan outputs gain theirs."""
    node = call.node
    if call.opset < 9:
        return _scan_8(scope, call)
    scans = node.int("num_scan_inputs", 1)
    states = len(node.inputs) - scans
    axes = node.ints("scan_input_axes") or (0,) * scans
    if states < 0 or len(axes) != scans:
        raise Unresolved(f"Scan's {scans} scan inputs are more than its inputs, or than their axes")
    inputs = [_forget(call.input(slot)) for slot in range(states)]
    trips = 0
    for slot, axis in enumerate(axes, start=states):
        shape = list(call.shape(slot))
        if not -len(shape) <= axis < len(shape):
            raise Unresolved(f"Scan's input {slot} has no axis {axis}")
        trips = shape.pop(axis)
        inputs.append(_forget(call.input(slot))._replace(shape=tuple(shape)))
    scope.table.trips[node.id] = (trips, _decided(call, range(states, len(node.inputs))))
    _need(scope, node, states)
    outputs = _outputs(scope.body(node, "body", inputs).table)
    count = len(outputs) - states
    out_axes = node.ints("scan_output_axes") or (0,) * count
    stacked = map(_stacked, outputs[states:], (trips,) * count, out_axes)
    return [_forget(info) for info in (*outputs[:states], *stacked)]


def _scan_8(scope: Scope, call: ShapeCall) -> Sequence[Info | None]:
    """Opset 8: input 0 gives sequence lengths; axis 0 is the batch, axis 1 the sequence."""
    node = call.node
    scans = node.int("num_scan_inputs", 1)
    states = len(node.inputs) - 1 - scans
    inputs: list[Info] = []
    batch = length = 0
    for slot in range(1, len(node.inputs)):
        shape = call.shape(slot)
        if not shape or (slot > states and len(shape) < 2):
            raise Unresolved(f"Scan's input {slot} lacks its batch or sequence axis")
        batch = shape[0]
        if slot > states:
            length = shape[1]
        inner = shape[1:] if slot <= states else shape[2:]
        inputs.append(_forget(call.input(slot))._replace(shape=inner))
    scope.table.trips[node.id] = (batch * length, _decided(call, range(1, len(node.inputs))))
    _need(scope, node, states)
    outputs = _outputs(scope.body(node, "body", inputs).table)
    results = []
    for index, info in enumerate(outputs):
        stacked = info if index < states else _stacked(info, length, 0)
        results.append(_forget(_stacked(stacked, batch, 0)))
    return results


def proven(scope: Scope, call: ShapeCall) -> Sequence[Info | None]:
    """What holds whichever body runs, and however often: of a loop, the types alone."""
    node, results = call.node, []
    for name, graph in scope.table.graph.subgraphs(node).items():
        declared = (graph.declared.get(n) for n in graph.inputs)
        types = (0 if d is None else d.type.tensor_type.elem_type for d in declared)
        body = scope.body(node, name, [Info(t, None) for t in types], lenient=True)
        results.append(_outputs(body.table)[node.op_type == "Loop" :])
    if node.op_type == "If":
        return [_common(*pair) for pair in zip(*results, strict=False)]
    return [Info(info.dtype, None) for info in results[0]]


def _common(then: Info, other: Info) -> Info:
    """What is the same in both."""
    a, b = then.shape, other.shape
    if then.dtype != other.dtype or a is None or b is None or len(a) != len(b):
        return Info(then.dtype if then.dtype == other.dtype else dtypes.UNDEFINED, None)
    return Info(then.dtype, tuple(x if x == y else None for x, y in zip(a, b, strict=True)))


BodyRule = Callable[[Scope, ShapeCall], Sequence[Info | None]]
RULES: dict[str, BodyRule] = {"If": if_, "Loop": loop, "Scan": scan}
