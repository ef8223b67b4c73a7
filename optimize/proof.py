"""On which proof each rewrite stands: the whole model, its own region, its construction, or none.

Where a whole model can't be compared, or rounding hides in its outputs what a wrong rewrite would
change, what each pass changed is cut out of the graphs before and after it and compared alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..graph import Graph, OcostError
from ..graph.shapes import Given, Shapes, infer
from ..passes import passes
from ..rewrite.rewriting import Rewrite
from ..runtime.equality.cut import CutRegion, Uncut, regions
from ..runtime.equality.engines import Engine
from ..runtime.equality.equivalence import Checker
from ..runtime.equality.result import Equivalence
from .opset import OPSET

Proof = Literal["model", "region", "construction", "none"]
# From the surest to none at all: an entry stands on the last of its rewrites'.
PROOFS: tuple[Proof, ...] = ("model", "region", "construction", "none")
_LADDER = (Engine.RUNTIME, Engine.REFERENCE, Engine.RUNTIME_FLOAT32)
_REGION_S = 5.0  # that comparing one region may take
_LARGER = 3  # times that a region is made larger before it is given up


@dataclass
class Regional:
    """Judges what each run of a pass changed; called by the pipeline (``Watch``).

    Parameters
    ----------
    given
        Sizes of inputs that the regions are compared at.
    seconds
        For all regions. What is left then is not compared.
    allowed
        Whether rewrites may stay that nothing is known of.
    """

    given: Given
    seconds: float
    allowed: bool = False
    proofs: dict[str, Proof] = field(default_factory=dict)  # by the rewrite's key
    reasons: dict[str, str] = field(default_factory=dict)  # of rewrites that have to go
    _end: float = 0.0

    def __call__(
        self, before: Graph, after: Graph, rewrites: Sequence[Rewrite], keys: Sequence[str]
    ) -> None:
        """Judge one run of a pass by the graphs before and after it."""
        self._end = self._end or time.monotonic() + self.seconds
        if not set(keys) - self.proofs.keys():
            return
        shapes = infer(before, self.given)
        finite = assume_finite(rewrite.by for rewrite in rewrites)
        found = [
            (region, self._verdict(region, shapes, finite=finite))
            for region in _regions(before, after, self.given)
        ]
        for key, members in _by_key(rewrites, keys).items():
            named = {n for one in members for n in (*one.change.removed, *one.change.added)}
            own = [verdict for region, verdict in found if named & {*region.removed, *region.added}]
            self._book(key, own, all(_by_construction(one, before, after) for one in members))

    def _verdict(
        self, region: CutRegion | Uncut, shapes: Shapes, *, finite: bool
    ) -> Equivalence | str:
        """What comparing the region found; why it was not compared, as text.

        One that differs may do so on inputs that the graph never gives it: made larger, with what
        makes its inputs, it may be equal. What says nothing then takes back no difference.
        """
        best: Equivalence | str = "time was up"
        current: CutRegion | Uncut | None = region
        for _ in range(_LARGER + 1):
            if current is None or time.monotonic() > self._end:
                break
            if isinstance(current, Uncut):
                return current.reason if isinstance(best, str) else best
            found = self._compared(current, shapes, finite=finite)
            if isinstance(found, Equivalence) and found.ok:
                return found
            if isinstance(best, str) or (isinstance(found, Equivalence) and found.ok is False):
                best = found
            current = current.larger()
        return best

    def _compared(self, region: CutRegion, shapes: Shapes, *, finite: bool) -> Equivalence | str:
        given = region.given(shapes)
        try:
            with Checker(region.before, given=given, budget_s=_REGION_S, ladder=_LADDER) as checker:
                return checker.check(region.after, finite=finite)
        except OcostError as error:
            return str(error)

    def _book(self, key: str, verdicts: Sequence[Equivalence | str], construction: bool) -> None:
        """Note what rewrites of a key stand on; what lies in no region differs in no equation."""
        compared = [found for found in verdicts if isinstance(found, Equivalence)]
        different = next((found for found in compared if found.ok is False), None)
        unsure = next((f for f in verdicts if isinstance(f, str) or f.ok is None), None)
        if different is not None:
            self.proofs[key], self.reasons[key] = "none", f"its region: {different.reason}"
        elif verdicts and unsure is None:
            self.proofs[key] = "region"
        elif construction or not verdicts:
            self.proofs[key] = "construction"
        else:
            self.proofs[key] = "none"
            if not self.allowed:
                text = unsure.reason if isinstance(unsure, Equivalence) else unsure
                self.reasons[key] = f"its outputs can't be compared: {text}"


def assume_finite(names: Iterable[str]) -> bool:
    """Whether one of these passes says nothing of NaN and infinities."""
    return any(name in passes() and passes()[name].assumes_finite for name in names)


def _regions(before: Graph, after: Graph, given: Given) -> list[CutRegion | Uncut]:
    try:
        return list(regions(before, after, given))
    except OcostError as error:
        gone, come = ([s.path(n) for s, n in g.walk()] for g in (before, after))
        return [Uncut(str(error), tuple(gone), tuple(come))]


def _by_construction(rewrite: Rewrite, before: Graph, after: Graph) -> bool:
    """Whether a rewrite only removes nodes and edges, so that no arithmetic changes.

    Its pass is one that does nothing else, or all that it took away are Identities. A node that is
    written alike in another opset may be another operator there.
    """
    if rewrite.by == OPSET:
        return not rewrite.change.removed
    one = passes().get(rewrite.by)
    if one is not None and one.exact:
        return True
    gone, come = _kinds(before, rewrite.change.removed), _kinds(after, rewrite.change.added)
    return not come - gone and {kind[1] for kind in gone - come} <= {"Identity"}


def _kinds(graph: Graph, paths: Collection[str]) -> Counter[tuple[str, ...]]:
    """Nodes by domain, operator and attributes."""
    wanted = set(paths)
    nodes = (node for scope, node in graph.walk() if scope.path(node) in wanted)
    return Counter(
        (
            node.domain,
            node.op_type,
            *(f"{name}={node.attributes[name]}" for name in sorted(node.attributes)),
        )
        for node in nodes
    )


def _by_key(rewrites: Sequence[Rewrite], keys: Sequence[str]) -> dict[str, list[Rewrite]]:
    """Rewrites by their keys; all of a stage that has one key alone share it."""
    if len(rewrites) == len(keys):
        return {key: [rewrite] for key, rewrite in zip(keys, rewrites, strict=True)}
    return {keys[0]: list(rewrites)}
