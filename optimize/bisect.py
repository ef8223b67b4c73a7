"""Optimising with proof: outputs are compared, and what breaks them is found and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..graph import OcostError
from ..rewrite.scope import Admission
from ..runtime.equality.result import Equivalence
from .pipeline import Made, Mark, Watch
from .proof import PROOFS, Proof, Regional

Pipeline = Callable[[Admission, Watch | None], Made]
Compare = Callable[[Made], Equivalence]
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
        What was left out since outputs differed: the keys of rewrites.
    unproven
        What was left out since it could not be compared in any way, and why, by key.
    proofs
        By the key of a rewrite, where the whole model does not prove them all.
    """

    made: Made
    equivalence: Equivalence
    broken: tuple[str, ...]
    unproven: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, Proof] = field(default_factory=dict)

    @property
    def barred(self) -> dict[str, str]:
        """All that was left out, and why."""
        broken = dict.fromkeys(self.broken, BROKEN)
        return {**self.made.hindering, **broken, **self.unproven}

    def proof(self, mark: Mark) -> Proof:
        """On what the rewrites of one run of a pass stand: the weakest of their proofs."""
        if self.equivalence.ok:
            return "model"
        keys = mark.keys
        return max((self.proofs.get(k, "none") for k in keys), key=PROOFS.index, default="none")


def proven(
    pipeline: Pipeline,
    compare: Compare,
    regional: Regional,
    tell: Callable[[str], object] = lambda _: None,
) -> Proven:
    """Run a pipeline until its outputs are those of the graph before.

    Where they differ, the first rewrite that makes them differ is found by halving the number of
    rewrites that are let through, and left out from then on. Where nothing can be said of them,
    each rewrite is judged by its own region, and those that are not proven are left out.

    Parameters
    ----------
    pipeline
        Optimises the graph anew, letting through what the gate lets through.
    compare
        The outputs of the graph before with those of what the pipeline made.
    regional
        Judges rewrites by their regions.
    tell
        Called with what is done next.

    Raises
    ------
    OcostError
        If outputs differ even without any rewrite, or with ever more rewrites left out.
    """
    broken: list[str] = []
    for _ in range(_MOST + 1):
        barred = {**dict.fromkeys(broken, BROKEN), **regional.reasons}
        gate = Admission(barred=barred)
        made = pipeline(gate, None)
        tell("comparing outputs")
        found = compare(made)
        if found.ok is None:
            tell("outputs can't be compared: comparing each rewrite's own region")
            gate, made = _by_regions(pipeline, regional, broken)
            found = compare(made)
        if found.ok is not False:
            unproven = {k: text for k, text in regional.reasons.items() if k not in broken}
            return Proven(made, found, tuple(broken), unproven, regional.proofs)
        tell("outputs differ: looking for the rewrite that breaks the model")
        broken.append(_first(pipeline, compare, gate))
    raise OcostError(
        f"the outputs differ, even without {len(broken)} rewrites that change them "
        f"({found.reason}); choose fewer passes with --passes"
    )


BROKEN = "outputs differed with it, so it is left out; please report this model"


def _by_regions(
    pipeline: Pipeline, regional: Regional, broken: Sequence[str]
) -> tuple[Admission, Made]:
    """Leave out what its regions don't prove, until nothing more has to go."""
    while True:
        barred = {**dict.fromkeys(broken, BROKEN), **regional.reasons}
        gate = Admission(barred=barred)
        made = pipeline(gate, regional)
        if regional.reasons.keys() <= barred.keys():
            return gate, made


def _first(pipeline: Pipeline, compare: Compare, gate: Admission) -> str:
    """The first of the rewrites that a gate let through with which outputs differ."""
    made = gate.made
    if not made:
        raise OcostError("the model's outputs differ from its own: it can't be checked")
    good, bad = 0, len(made)
    while bad - good > 1:
        middle = (good + bad) // 2
        if compare(pipeline(Admission(middle, gate.barred), None)).ok is False:
            bad = middle
        else:
            good = middle
    return made[bad - 1]
