"""What a pass is, what it answers, and the sweep that runs its rules over every scope.

A pass is a frozen dataclass: its fields are its options. Most are a list of rules, each a pattern
and a function that rewrites a match; one that looks at more than a pattern overrides ``sweep``.
A rewrite that can't be proven is refused: the reason and the nodes come back as ``Declined``.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from ..graph import Graph
from ..graph.shapes import Shapes, prove
from .edit import Change, Edit
from .pattern import Match, Op, find
from .scope import Admission, Refused, Scope, scopes

_SWEEPS = 16  # chains shorten in each; what isn't done then waits for the pass's next run


@dataclass(frozen=True)
class Rewrite:
    """A rewrite that was made.

    Parameters
    ----------
    by
        The name of the pass.
    reason
        What was proven, in a few words.
    change
        The nodes and constants that went, came, or read another tensor than before.
    """

    by: str
    reason: str
    change: Change


@dataclass(frozen=True)
class Declined:
    """A rewrite that was refused, with the nodes that stood in its way."""

    by: str
    nodes: tuple[str, ...]
    reason: str


@dataclass
class Outcome:
    """What a run did, and what it refused.

    ``proof`` is what is proven of the graph as the run left it; None where that is not known, as
    of a run that has reached its limit and may find more in the next.
    """

    rewrites: list[Rewrite] = field(default_factory=list)
    declined: list[Declined] = field(default_factory=list)
    proof: Shapes | None = None


# Whether the second graph is estimated to take less time than the first, on the user's device.
Pays = Callable[[Graph, Graph], bool]


def never(_before: Graph, _after: Graph) -> bool:
    """Nothing pays where nothing is estimated."""
    return False


@dataclass(frozen=True)
class PatternRule:
    """A pattern, and what to make of a match.

    ``rewrite`` fills in the edit and answers the reason, or "" where there is nothing to rewrite
    nor to tell; it raises ``Refused`` where it can't prove that outputs stay the same. What the
    pattern matched is removed but for its inputs; an edit that keeps some of it says so
    (``Edit.keep``).
    """

    pattern: Op
    rewrite: Callable[[Match, Edit], str]


@dataclass(frozen=True)
class Pass(ABC):
    """A kind of rewrite; subclasses are frozen dataclasses whose fields are options.

    Attributes
    ----------
    name
        What the user calls it.
    pays_elsewhere
        It may add traffic or FLOP since it proves by a cost model that it saves time.
    exact
        It only removes nodes and edges: no arithmetic changes, so that how it is made is a proof.
    assumes_finite
        What it makes of NaN and infinities may be something else, which its docstring says.
    """

    name: ClassVar[str]
    pays_elsewhere: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    assumes_finite: ClassVar[bool] = False

    def rules(self) -> Sequence[PatternRule]:
        """The rules of the default ``sweep``."""
        return ()

    def run(
        self, graph: Graph, gate: Admission | None = None, proof: Shapes | None = None
    ) -> Outcome:
        """Rewrite a graph and its bodies until nothing more is found.

        Parameters
        ----------
        graph
            The root, which is changed.
        gate
            Which rewrites to let through; all by default.
        proof
            What is proven of the graph, where another run has left it as it is.
        """
        outcome = Outcome()
        for _ in range(_SWEEPS):
            outcome.declined.clear()
            before = len(outcome.rewrites)
            proof = proof or prove(graph)
            for scope in scopes(graph, gate, proof):
                self.sweep(scope, outcome)
            if len(outcome.rewrites) == before:
                outcome.proof = proof
                break
            proof = None
        outcome.declined = list(dict.fromkeys(outcome.declined))
        return outcome

    def sweep(self, scope: Scope, outcome: Outcome) -> None:
        """Try every rule once at every node of one graph or body."""
        rules = self.rules()
        for node_id in [node.id for node in scope.graph]:
            for rule in rules:
                if node_id not in scope.graph:
                    break  # an earlier rewrite took it
                found = find(scope, scope.graph.node(node_id), rule.pattern)
                if found is not None and self.attempt(scope, found, rule.rewrite, outcome):
                    break

    def attempt(
        self,
        scope: Scope,
        match: Match,
        rewrite: Callable[[Match, Edit], str],
        outcome: Outcome,
    ) -> bool:
        """Rewrite a match, or note why not."""
        edit = Edit(scope, match.nodes)
        try:
            if match.obstacle:
                raise Refused(match.obstacle)
            reason = rewrite(match, edit)
            if not reason:
                return False
            change = edit.commit()
        except Refused as refusal:
            paths = tuple(scope.graph.path(node) for node in match.nodes)
            outcome.declined.append(Declined(self.name, paths, str(refusal)))
            return False
        outcome.rewrites.append(Rewrite(self.name, reason, change))
        return True


__all__ = [
    "Change",
    "Declined",
    "Edit",
    "Outcome",
    "Pass",
    "PatternRule",
    "Pays",
    "Refused",
    "Rewrite",
]
