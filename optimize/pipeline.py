"""Passes, onnxsim, passes: to a fixed point, with a ledger, and never to a worse graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..costmodel import Device
from ..graph import Graph, OcostError, verify
from ..graph.shapes import Given, Shapes
from ..passes import Declined, Pass, Rewrite
from ..passes.rewriting import Change
from ..passes.scope import Gate, Refused
from .figures import Figures, Number
from .ledger import Entry, Stage, entries, residual
from .regions import regions
from .simplify import Folding, simplify

ONNXSIM = "onnxsim"
_ROUNDS = 4  # of all passes; one that finds nothing more ends them
# What folded constants may add to a file.
_FOLDING: tuple[Folding, ...] = ("all", "small", "none")
_GROWTH, _GROWTH_BYTES = 0.01, 64 * 1024


@dataclass(frozen=True)
class Plan:
    """Which passes run, in order, and whether onnxsim stands between two rounds of them."""

    passes: tuple[Pass, ...]
    onnxsim: bool = True


@dataclass(frozen=True)
class Mark:
    """A run of a pass that changed something.

    Parameters
    ----------
    stage, by
        Where in the pipeline, and the pass.
    rewrites
        How many rewrites a gate has let through by its end.
    entries
        Its part of the ledger.
    keys
        Of its rewrites.
    """

    stage: Stage
    by: str
    rewrites: int
    entries: slice
    keys: tuple[str, ...] = ()


@dataclass
class Made:
    """What the pipeline made of a graph.

    Parameters
    ----------
    graph
        The optimised one.
    entries
        The ledger, in order.
    residual
        What no entry accounts for, by figure.
    declined
        Rewrites that were refused at the end, and whole passes that would have made it worse.
    made_by
        onnxsim's version where it took part.
    marks
        The runs of passes, in order.
    """

    graph: Graph
    entries: list[Entry] = field(default_factory=list)
    residual: dict[str, Number] = field(default_factory=dict)
    declined: list[Declined] = field(default_factory=list)
    made_by: str = ""
    marks: list[Mark] = field(default_factory=list)


# Called with the graph before and after each run of a pass that is taken, its rewrites, their keys.
Watch = Callable[[Graph, Graph, Sequence[Rewrite], Sequence[str]], object]


def run(
    graph: Graph,
    plan: Plan,
    device: Device,
    given: Given | None = None,
    gate: Gate | None = None,
    watch: Watch | None = None,
) -> Made:
    """Optimise a graph; the graph itself stays as it is.

    Parameters
    ----------
    graph
        A root graph.
    plan
        What to run.
    device
        Whose roofline gives the ledger's latencies.
    given
        Sizes that the ledger's figures are for. No rewrite rests on them.
    gate
        Which rewrites to let through; all by default.
    watch
        Called after each run of a pass that is taken. The graphs are snapshots, to be read only.

    Raises
    ------
    OcostError
        If the model is broken.
    """
    return _Run(graph, device, given, gate or Gate(), watch).whole(plan)


class _Run:
    def __init__(
        self,
        graph: Graph,
        device: Device,
        given: Given | None,
        gate: Gate,
        watch: Watch | None,
    ) -> None:
        self._device, self._given, self._gate, self._watch = device, given, gate, watch
        self._made = Made(graph.copy())
        self._spare = graph.copy()  # as it was before a pass that turns out to make it worse
        self._proof: Shapes | None = None
        self._start = self._figures = self._cost()
        self._version = 0
        self._seen: dict[Pass, int] = {}  # the version at which a pass found nothing more
        self._declined: dict[str, Sequence[Declined]] = {}

    def whole(self, plan: Plan) -> Made:
        self._passes("pre", plan.passes)
        if plan.onnxsim:
            self._simplify()
        self._passes("post", plan.passes)
        made = self._made
        made.residual = residual(made.entries, self._start, self._figures)
        made.declined = list(dict.fromkeys(d for found in self._declined.values() for d in found))
        return made

    def _passes(self, stage: Stage, passes: Iterable[Pass]) -> None:
        for _ in range(_ROUNDS):
            before = self._version
            for one in passes:
                if self._seen.get(one) != self._version:
                    self._pass(stage, one)
            if self._version == before:
                return

    def _pass(self, stage: Stage, one: Pass) -> None:
        mark = len(self._gate.made)
        outcome = one.run(self._made.graph, self._gate, self._proof)
        self._declined[one.name], self._proof = outcome.declined, outcome.proof
        if outcome.rewrites:
            self._take(stage, one.name, outcome.rewrites, mark, pays=one.pays_elsewhere)
        self._seen[one] = self._version

    def _simplify(self) -> None:
        """Let onnxsim have its turn; again without what made the graph or the file grow."""
        mark = len(self._gate.made)
        foldings, batched_gemms = list(_FOLDING), True
        while foldings:
            try:
                self._gate.admit(ONNXSIM)
                made = simplify(self._spare, foldings[0], batched_gemms=batched_gemms)
            except (OcostError, Refused) as error:
                self._declined[ONNXSIM] = [Declined(ONNXSIM, (), str(error))]
                return
            self._declined.pop(ONNXSIM, None)
            self._made.made_by = made.made_by
            found = regions(self._spare, made.graph)
            rewrites = [Rewrite(ONNXSIM, reason, change) for reason, change in found]
            if not rewrites:
                return
            self._made.graph, self._proof = made.graph, None
            try:
                risen = self._take("onnxsim", ONNXSIM, rewrites, mark, pays=False)
            except OcostError as error:
                self._go_back(mark)
                text = f"what onnxsim makes is broken: {error}"
                self._declined[ONNXSIM] = [Declined(ONNXSIM, (), text)]
                return
            if not risen:
                return
            if risen == "nodes" and batched_gemms:
                batched_gemms = False
            else:
                del foldings[0]

    def _take(
        self,
        stage: Stage,
        name: str,
        rewrites: Sequence[Rewrite],
        mark: int,
        *,
        pays: bool,
    ) -> str:
        """Book what was rewritten; or go back if a figure rose that may not, and answer which."""
        verify(self._made.graph)
        before, after = self._figures, self._cost()
        risen, worse = ("", "") if pays else self._worse(before, after)
        if risen:
            self._go_back(mark)
            nodes = tuple(dict.fromkeys(n for r in rewrites for n in r.change.removed))
            self._declined[name] = [Declined(name, nodes, worse)]
            return risen
        ledger = self._made.entries
        first = len(ledger)
        ledger += entries(stage, rewrites, before, after)
        done = len(self._gate.made)
        keys = tuple(self._gate.made[mark:])
        if self._watch is not None:
            self._watch(self._spare, self._made.graph, rewrites, keys)
        self._made.marks.append(Mark(stage, name, done, slice(first, len(ledger)), keys))
        self._figures, self._spare = after, self._made.graph.copy()
        self._version += 1
        return ""

    def _go_back(self, mark: int) -> None:
        """To the graph as it was before, and to the rewrites let through by then."""
        self._made.graph, self._proof = self._spare, None
        self._spare = self._spare.copy()
        del self._gate.made[mark:]

    def _worse(self, before: Figures, after: Figures) -> tuple[str, str]:
        """What would rise that may not, and as a sentence; both empty if nothing does."""
        old, new = before.total(), after.total()
        old["nodes"], new["nodes"] = len(before.nodes), len(after.nodes)
        for figure in ("nodes", "flops", "traffic_bytes"):
            if new[figure] > old[figure]:
                more = new[figure] - old[figure]
                return figure, f"taken together it would raise {figure} by {more:,}"
        limit = _limit(self._start.total())
        if new["param_bytes"] > max(limit, old["param_bytes"]):
            more = new["param_bytes"] - old["param_bytes"]
            return "param_bytes", f"taken together it would make the file grow by {more:,} bytes"
        return "", ""

    def _cost(self) -> Figures:
        return Figures.of(self._made.graph, self._device, self._given)


def _limit(start: Mapping[str, Number]) -> Number:
    stored = start["param_bytes"]
    return stored + max(_GROWTH * stored, _GROWTH_BYTES)


__all__ = ["ONNXSIM", "Change", "Made", "Plan", "run"]
