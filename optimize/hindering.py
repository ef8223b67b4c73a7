"""Which rewrite of a run of a pass hinders the runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ..graph import Graph
from ..rewrite.rewriting import Pass
from ..rewrite.scope import Admission

# Why the runtime takes longer with the second graph than with the first; "" if it doesn't.
Hinders = Callable[[Graph, Graph], str]


class Hindrance(NamedTuple):
    """A rewrite, by its key, and why it hinders the runtime."""

    key: str
    reason: str


def first_hindering(
    one: Pass, before: Graph, gate: Admission, mark: int, reason: str, hinders: Hinders
) -> Hindrance:
    """The first rewrite of a run with which the runtime is slower than before the run.

    Parameters
    ----------
    one
        The pass.
    before
        The graph before its run, which stays as it is.
    gate
        That let its rewrites through.
    mark
        How many it had let through before.
    reason
        Why the runtime is slower with all of them.
    hinders
        Judges graphs.
    """
    good, bad = 0, len(gate.made) - mark
    while bad - good > 1:
        middle, trial = (good + bad) // 2, before.copy()
        one.run(trial, Admission(mark + middle, gate.barred, gate.made[:mark]))
        why = hinders(before, trial)
        if why:
            bad, reason = middle, why
        else:
            good = middle
    return Hindrance(gate.made[mark + bad - 1], reason)
