"""Optimising with proof: outputs are compared, and what breaks them is found and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..graph import Graph, OcostError
from ..passes.scope import Gate
from ..runtime.equality.equivalence import Equivalence
from .pipeline import Made

Pipeline = Callable[[Gate], Made]
Compare = Callable[[Graph], Equivalence]
_MOST = 5  # rewrites to leave out before giving up


@dataclass(frozen=True)
class Proven:
    """What a pipeline made, compared with the graph before.

    Parameters
    ----------
    made
        With the rewrites left out that broke it.
    equivalence
        Of its outputs; ``ok`` is None where nothing could be concluded.
    broken
        What was left out: the keys of rewrites.
    """

    made: Made
    equivalence: Equivalence
    broken: tuple[str, ...]


def proven(
    pipeline: Pipeline, compare: Compare, tell: Callable[[str], object] = lambda _: None
) -> Proven:
    """Run a pipeline until its outputs are those of the graph before.

    Where they differ, the first rewrite that makes them differ is found by halving the number of
    rewrites that are let through, and left out from then on.

    Parameters
    ----------
    pipeline
        Optimises the graph anew, letting through what the gate lets through.
    compare
        The outputs of the graph before with those of another.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If outputs differ even without any rewrite, or with ever more rewrites left out.
    """
    broken: list[str] = []
    for _ in range(_MOST + 1):
        gate = Gate(barred=frozenset(broken))
        made = pipeline(gate)
        tell("comparing outputs")
        found = compare(made.graph)
        if found.ok is not False:
            return Proven(made, found, tuple(broken))
        tell("outputs differ: looking for the rewrite that breaks the model")
        broken.append(_first(pipeline, compare, gate.made, frozenset(broken)))
    raise OcostError(
        f"the outputs differ, even without {len(broken)} rewrites that change them "
        f"({found.reason}); choose fewer passes with --passes"
    )


def _first(
    pipeline: Pipeline, compare: Compare, made: Sequence[str], barred: frozenset[str]
) -> str:
    """The first of these rewrites with which outputs differ."""
    good, bad = 0, len(made)
    while bad - good > 1:
        middle = (good + bad) // 2
        gate = Gate(middle, barred)
        if compare(pipeline(gate).graph).ok is False:
            bad = middle
        else:
            good = middle
    if not made:
        raise OcostError("the model's outputs differ from its own: it can't be checked")
    return made[bad - 1]
