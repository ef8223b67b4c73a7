"""Many trips of a counted Loop at once: integers that step evenly until a comparison changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..node import Node
from .info import Array

COMPARE = frozenset({"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"})
# What makes a loop's state of the state before in steps that stay the same.
LINEAR = COMPARE | {"And", "Or", "Not", "Identity", "Cast", "Add", "Sub", "Neg"}
LINEAR |= {"Squeeze", "Unsqueeze", "Reshape"}


class Leap(NamedTuple):
    """Trips that may be passed over, and what they add to each carried value."""

    trips: int
    steps: Mapping[str, Array]


_STAY = Leap(0, {})


def leap(
    nodes: Sequence[Node], carried: Sequence[str], seen: Sequence[Mapping[str, Array | None]]
) -> Leap | None:
    """How far no comparison changes; None where none ever will.

    Nodes that are linear make a value that stepped twice by as much do so until a comparison
    changes.

    Parameters
    ----------
    nodes
        What is evaluated in each trip, all in ``LINEAR``.
    carried
        The carried values that they read.
    seen
        What all of them were in the last three trips.
    """
    steps = _steps(carried, seen)
    if steps is None:
        return _STAY
    ahead = None
    for node in nodes:
        left, right = ([_integer(v.get(n)) for v in seen[1:]] for n in (node.inputs * 2)[:2])
        if node.op_type == "Cast" and left[0] != left[1] and _is_bool(seen[-1].get(node.inputs[0])):
            return _STAY  # a comparison's result that is counted
        if node.op_type not in COMPARE:
            continue
        if None in left or None in right:
            return _STAY
        before, now = (a - b for a, b in zip(left, right, strict=True))  # type: ignore[operator] # neither is None
        if now != before and now * (now - before) <= 0:
            soon = abs(now) // abs(now - before) - 2
            ahead = soon if ahead is None else min(ahead, soon)
    if ahead is None:
        return None
    return (
        Leap(ahead, {n: s.astype(np.int64) * ahead for n, s in steps.items()})
        if ahead > 0
        else _STAY
    )


def _steps(
    carried: Sequence[str], seen: Sequence[Mapping[str, Array | None]]
) -> dict[str, Array] | None:
    """What a trip adds to each carried value, if the last two added as much."""
    if len(seen) < 3:
        return None
    steps = {}
    for name in carried:
        first, second, third = (_integer(values.get(name)) for values in seen)
        value = seen[-1].get(name)
        if first is None or second is None or third is None or value is None:
            return None
        if third - second != second - first or (_is_bool(value) and third != second):
            return None
        if third != second:
            steps[name] = np.asarray(third - second)
    return steps


def _integer(value: Array | None) -> int | None:
    """The only element of an integer or a boolean."""
    if value is None or value.size != 1 or value.dtype.kind not in "biu":
        return None
    return int(value.reshape(-1)[0])


def _is_bool(value: Array | None) -> bool:
    return value is not None and value.dtype.kind == "b"
