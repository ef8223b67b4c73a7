"""Passes and onnxsim in turn: to a fixed point, with a ledger, and never to a worse graph.

A conversion to another opset comes first, where one is asked for. Passes run round after round
until none finds more; then onnxsim has its turn; if it changed something the passes run anew, until
neither does. That ends: a pass is only taken if nodes, FLOP, traffic and the file don't rise (some
may raise one for time that a cost model promises), and whoever goes on for ``_IDLE`` runs without
bringing any of them to a new low is stopped and named.

A rewrite that hinders the device's runtime, so that what it executes takes longer, is left out: of
a run of a pass it is found by halving (``hindering``).

A pass that throws, or leaves a graph that is broken or has another interface, ends nothing: it is
undone, named as a fault of ocost, and not run again.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..costmodel import Device
from ..graph import DataError, Graph, OcostError
from ..graph.shapes import Given, Shapes
from ..graph.validity import require_valid
from ..ledger.entries import LedgerEntry, Stage, entries, residual
from ..ledger.figures import Figures, Number
from ..ledger.standing import Fault
from ..rewrite.rewriting import Change, Declined, Pass, Rewrite
from ..rewrite.scope import Admission, Refused
from .hindering import Hinders, Hindrance, first_hindering
from .onnxsim_optimizers import trusted
from .onnxsim_process import DiedError, LateError, shared
from .onnxsim_turn import Attempt, Trouble, turn
from .opset import OPSET, convert
from .regions import regions
from .simplify import DisputedError, Growth, simplify
from .soundness import broken

ONNXSIM = "onnxsim"
_IDLE = 100  # runs in a row that change something, but lower nothing
_HINDERING = 3  # rewrites of a run of a pass that are looked for; then all of it is left out
_FOR_A_NODE = 16 * 1024  # bytes by which the file may grow for each node that is saved, and once
_FIGURES: tuple[Trouble, ...] = ("nodes", "flops", "traffic_bytes")  # none of them may rise


@dataclass(frozen=True)
class Plan:
    """Which passes run, in order, and whether onnxsim has a turn behind them.

    ``optimizers`` are those of onnxsim that may run, as ``onnxsim_optimizers`` orders them;
    ``opset`` is what the model is converted to before, None to leave it. ``hinders`` says why the
    runtime is slower with a rewrite, "" if it isn't; None lets all through.
    """

    passes: tuple[Pass, ...]
    onnxsim: bool = True
    optimizers: tuple[str, ...] = field(default_factory=trusted)
    opset: int | None = None
    hinders: Hinders | None = None


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
    faults
        Passes that failed and were undone.
    made_by
        onnxsim's version where it took part.
    marks
        The runs of passes, in order.
    hindering
        Rewrites that were left out since they hinder the runtime, by key, and why.
    """

    graph: Graph
    entries: list[LedgerEntry] = field(default_factory=list)
    residual: dict[str, Number] = field(default_factory=dict)
    declined: list[Declined] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    made_by: str = ""
    marks: list[Mark] = field(default_factory=list)
    hindering: dict[str, str] = field(default_factory=dict)


# Called with the graph before and after each run of a pass that is taken, its rewrites, their keys.
Watch = Callable[[Graph, Graph, Sequence[Rewrite], Sequence[str]], object]


def run(
    graph: Graph,
    plan: Plan,
    device: Device,
    given: Given | None = None,
    gate: Admission | None = None,
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
        If the model is not valid, or data of its that are needed are missing.
    """
    require_valid(graph)
    return _Run(graph, device, given, gate or Admission(), watch, plan.hinders).whole(plan)


class _Run:
    def __init__(
        self,
        graph: Graph,
        device: Device,
        given: Given | None,
        gate: Admission,
        watch: Watch | None,
        hinders: Hinders | None,
    ) -> None:
        self._hinders = hinders
        self._device, self._given, self._gate, self._watch = device, given, gate, watch
        self._made = Made(graph.copy())
        self._spare = graph.copy()  # as it was before a pass that turns out to make it worse
        self._proof: Shapes | None = None
        self._start = self._figures = self._cost(graph)
        self._lows = _totals(self._figures)
        self._idle = 0  # runs that changed something, since one lowered something
        self._version = 0
        self._seen: dict[Pass | str, int] = {}  # the version at which one finds nothing more
        self._failed: set[Pass] = set()
        self._declined: dict[str, Sequence[Declined]] = {}

    def whole(self, plan: Plan) -> Made:
        stage: Stage = "pre"
        if plan.onnxsim:
            shared().start()  # it gets ready while the passes run
        if plan.opset not in (None, self._made.graph.opset.get("")):
            self._convert(plan.opset)
        while not self._endless():
            self._passes(stage, plan.passes)
            if not plan.onnxsim or self._seen.get(ONNXSIM) == self._version:
                break
            self._simplify(plan.optimizers)
            stage = "post"
        made = self._made
        made.residual = residual(made.entries, self._start, self._figures)
        made.declined = list(dict.fromkeys(d for found in self._declined.values() for d in found))
        return made

    def _convert(self, opset: int) -> None:
        """Write the graph with the operators of another opset, which may cost more."""
        mark, graph = len(self._gate.made), self._made.graph
        try:
            self._gate.admit(OPSET)
        except Refused as refusal:
            self._declined[OPSET] = [Declined(OPSET, (), str(refusal))]
            return
        rewrites = convert(graph, opset)
        after = self._cost(graph)
        wrong = broken(self._spare, graph, self._figures, after)
        if wrong:
            raise OcostError(f"--opset {opset}: onnx's version converter breaks the model: {wrong}")
        self._take("opset", OPSET, mark, rewrites, after)

    def _passes(self, stage: Stage, passes: Iterable[Pass]) -> None:
        """Round after round, until none finds more."""
        before = None
        while before != self._version and not self._endless():
            before = self._version
            for one in passes:
                if self._seen.get(one) != self._version and one not in self._failed:
                    self._pass(stage, one)

    def _pass(self, stage: Stage, one: Pass) -> None:
        """Run a pass, and again without what hinders the runtime."""
        for left in range(_HINDERING, -1, -1):
            if self._taken(stage, one, single=left > 0):
                return

    def _taken(self, stage: Stage, one: Pass, *, single: bool) -> bool:
        """Run a pass; False if it was undone, a ``single`` rewrite to be left out from now on."""
        mark, version = len(self._gate.made), self._version
        graph = self._made.graph
        try:
            outcome = one.run(graph, self._gate, self._proof)
            after = self._cost(graph) if outcome.rewrites else self._figures
            wrong = broken(self._spare, graph, self._figures, after) if outcome.rewrites else ""
            if len(outcome.rewrites) != len(self._gate.made) - mark:
                wrong = wrong or "it makes rewrites that nothing has let through"
        except DataError:
            raise  # it is the model's
        except Exception as error:  # whatever it is, the other passes can go on
            wrong = _thrown(error)
        if wrong:
            self._go_back(mark)
            self._failed.add(one)
            self._fault(one.name, wrong)
            return True
        self._declined[one.name], self._proof = outcome.declined, outcome.proof
        if outcome.rewrites:
            _, worse = ("", "") if one.pays_elsewhere else self._worse(after)
            found = None if worse else self._hindrance(one, mark)
            if found is not None and single:
                self._go_back(mark)
                self._gate.bar(*found)
                self._made.hindering[found.key] = found.reason
                return False
            worse = worse or (found.reason if found is not None else "")
            if worse:
                self._go_back(mark)
                nodes = tuple(dict.fromkeys(n for r in outcome.rewrites for n in r.change.removed))
                self._declined[one.name] = [*outcome.declined, Declined(one.name, nodes, worse)]
            else:
                self._take(stage, one.name, mark, outcome.rewrites, after)
        if self._version == version or self._proof is not None:  # else it may find more
            self._seen[one] = self._version
        return True

    def _hindrance(self, one: Pass, mark: int) -> Hindrance | None:
        """What of a run of a pass hinders the runtime.

        A run that is cut short is not asked of: what hinders in it, the whole run has told.
        """
        if self._gate.limit is not None:
            return None
        why = self._slower(self._made.graph)
        if not why or self._hinders is None:
            return None
        return first_hindering(one, self._spare, self._gate, mark, why, self._hinders)

    def _slower(self, graph: Graph) -> str:
        """Why the runtime is slower with a graph than with the one before; "" if it isn't."""
        if self._hinders is None:
            return ""
        try:
            return self._hinders(self._spare, graph)
        except OcostError:
            raise
        except Exception as error:  # of a lowering rule: the rewrites stand without it
            self._hinders = None
            self._fault("lowering", f"what hinders the runtime is not known: {_thrown(error)}")
            return ""

    def _simplify(self, optimizers: Sequence[str]) -> None:
        """Let onnxsim have its turn, without what would spoil it."""
        mark = len(self._gate.made)
        turns = sum(one.stage == "onnxsim" for one in self._made.marks)
        try:
            self._gate.admit(f"{ONNXSIM} {turns + 1}" if turns else ONNXSIM)
        except Refused as refusal:
            self._declined[ONNXSIM] = [Declined(ONNXSIM, (), str(refusal))]
            self._seen[ONNXSIM] = self._version
            return
        found = turn(self._attempt, optimizers)
        left_out = [(f"{ONNXSIM}:{name}", without) for name, without in found.left_out.items()]
        if found.taken.trouble:
            left_out.append((ONNXSIM, found.taken))
        declined = []
        for name, without in left_out:
            if without.trouble in ("bug", "late"):
                self._fault(name, without.reason)
            else:
                declined.append(Declined(name, (), without.reason))
        self._declined[ONNXSIM] = declined
        taken = found.taken
        self._made.made_by = taken.made_by or self._made.made_by
        if taken.trouble or taken.graph is None or taken.figures is None or not taken.rewrites:
            del self._gate.made[mark:]
            self._seen[ONNXSIM] = self._version
            return
        self._made.graph, self._proof = taken.graph, None
        self._take("onnxsim", ONNXSIM, mark, taken.rewrites, taken.figures)

    def _attempt(self, names: Sequence[str], growth: Growth) -> Attempt:
        """What onnxsim makes with these optimisers, and whether that is any good."""
        try:
            made = simplify(self._spare, names, growth)
        except DataError:
            raise
        except DiedError as error:
            return Attempt("late" if isinstance(error, LateError) else "bug", str(error))
        except DisputedError as error:
            return Attempt("folds", str(error))
        except OcostError as error:
            return Attempt("fails", str(error))
        try:
            figures = self._cost(made.graph)
            wrong = broken(self._spare, made.graph, self._figures, figures)
        except OcostError as error:
            wrong = f"the graph that it leaves is broken: {error}"
        if wrong:
            return Attempt("bug", wrong)
        risen, worse = self._worse(figures)
        if not risen:
            worse = self._slower(made.graph)
        if worse:
            return Attempt(risen or "latency_s", worse)
        changes = regions(self._spare, made.graph)
        rewrites = [Rewrite(ONNXSIM, reason, change) for reason, change in changes]
        return Attempt("", "", made.graph, made.made_by, rewrites, figures)

    def _take(
        self,
        stage: Stage,
        name: str,
        mark: int,
        rewrites: Sequence[Rewrite],
        after: Figures,
    ) -> None:
        """Book what was rewritten; ``mark`` is how many had been let through before."""
        graph = self._made.graph
        keys = tuple(self._gate.made[mark:])
        if self._watch is not None:
            self._watch(self._spare, graph, rewrites, keys)
        ledger = self._made.entries
        first = len(ledger)
        ledger += entries(stage, rewrites, self._figures, after)
        done = len(self._gate.made)
        self._made.marks.append(Mark(stage, name, done, slice(first, len(ledger)), keys))
        self._figures, self._spare = after, graph.copy()
        self._version += 1
        self._idle += 1
        for figure, total in _totals(after).items():
            if total < self._lows[figure]:
                self._lows[figure], self._idle = total, 0

    def _endless(self) -> bool:
        """Whether to stop, since passes seem to undo one another."""
        if self._idle < _IDLE:
            return False
        names = dict.fromkeys(mark.by for mark in self._made.marks[-_IDLE:])
        self._fault(", ".join(names), "they go on rewriting one another's work: stopped")
        return True

    def _fault(self, name: str, reason: str) -> None:
        fault = Fault(name, reason)
        if fault not in self._made.faults:
            self._made.faults.append(fault)

    def _go_back(self, mark: int) -> None:
        """To the graph as it was before, and to the rewrites let through by then."""
        self._made.graph, self._proof = self._spare, None
        self._spare = self._spare.copy()
        del self._gate.made[mark:]

    def _worse(self, after: Figures) -> tuple[Trouble, str]:
        """What would rise that may not, and as a sentence; both empty if nothing does.

        The file may grow by a little for each node that is saved. A share of what it was at the
        start would be granted anew to whoever optimises the product.
        """
        old, new = _totals(self._figures), _totals(after)
        for figure in _FIGURES:
            if new[figure] > old[figure]:
                more = new[figure] - old[figure]
                return figure, f"taken together it would raise {figure} by {more:,}"
        grown = new["param_bytes"] - old["param_bytes"]
        if grown > _FOR_A_NODE * (1 + old["nodes"] - new["nodes"]):
            return "param_bytes", f"taken together it would make the file grow by {grown:,} bytes"
        return "", ""

    def _cost(self, graph: Graph) -> Figures:
        return Figures.of(graph, self._device, self._given)


def _totals(figures: Figures) -> dict[str, Number]:
    """The figures that passes are there to lower."""
    found = figures.total()
    return {"nodes": len(figures.nodes)} | {f: found[f] for f in (*_FIGURES[1:], "param_bytes")}


def _thrown(error: Exception) -> str:
    """An exception as a clause, with the place that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{place}" + (f": {text}" if text else "")


__all__ = ["ONNXSIM", "Change", "Fault", "Made", "Plan", "Watch", "run"]
