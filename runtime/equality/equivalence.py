"""Do two models compute the same? Their outputs on inputs that would show a difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Any

from ...graph import Graph, OcostError
from ...graph.shapes import Given
from .baseline import LADDER, Baseline, UncomparableError
from .child import DiedError
from .closeness import OutputCheck, judge
from .comparable import mismatch
from .engines import Engine
from .evidence import Record, flat
from .fitting import fitted
from .randomness import Noise, Shared, share_noise
from .result import Equivalence, nothing
from .similarity import Similarity, similarity
from .stage import Staged
from .workspace import Workspace

_RUN_S = 60.0  # that one run may take at least
_NONE: Mapping[str, str] = MappingProxyType({})
_SHAKES, _MANY_SHAKES = 3, 24
_SAMPLES = 16  # inputs that similarity is taken over


def check(
    before: Graph,
    after: Graph,
    *,
    given: Given | None = None,
    feeds: Mapping[str, Any] | None = None,
    budget_s: float = 30.0,
    tolerance: float | None = None,
    alike: bool = False,
    similar: bool = True,
    finite: bool = False,
) -> Equivalence:
    """Compare the outputs of two models, run as they are written, in processes of their own.

    They are compared on inputs that a plan makes (``feeds.plan``): of several scales and sizes,
    with every flag in both states, with special values, with other contents of initializers that
    a caller may override. Random operators get the same noise in both. What may differ is found
    by shaking the weights and inputs of the model before (``noise``), and by its distance from
    the same in float64.

    Parameters
    ----------
    before, after
        Root graphs.
    given
        Shapes, dims and contents of inputs.
    feeds
        Inputs of the user's own, compared on before those that are made up.
    budget_s
        Seconds. Further inputs are left out once the model before has run for a quarter of that.
    tolerance
        How far outputs may be apart, relative to their largest number, instead of what rounding
        explains.
    alike
        Whether the models may be meant to differ (float32 and int8, say): inputs and outputs of
        another float type are no difference by themselves, and it is said how similar outputs are.
    similar
        Whether that is said of equal models too: it takes up to 16 more runs of each.
    finite
        Whether the model after promises nothing of NaN and infinities: what differs there is a
        note.

    Raises
    ------
    OcostError
        If what is given contradicts the model.
    """
    with Checker(
        before,
        given=given,
        feeds=feeds,
        budget_s=budget_s,
        tolerance=tolerance,
        alike=alike,
        similar=similar,
    ) as checker:
        return checker.check(after, finite=finite)


class Checker:
    """A context manager that compares models with one that is run only once; see ``check``."""

    def __init__(
        self,
        before: Graph,
        *,
        given: Given | None = None,
        feeds: Mapping[str, Any] | None = None,
        budget_s: float = 30.0,
        tolerance: float | None = None,
        alike: bool = False,
        similar: bool = True,
        ladder: Sequence[Engine] = LADDER,
    ) -> None:
        self._ladder = ladder
        self._before, self._given, self._feeds = before, given or Given(), feeds
        self._budget_s, self._tolerance = budget_s, tolerance
        self._alike, self._similar = alike, similar
        self._workspace = Workspace(max(_RUN_S, budget_s))
        self._baseline: Baseline | None = None

    def __enter__(self) -> Checker:
        """Make a place to work."""
        self._workspace.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove all files."""
        self._workspace.__exit__(kind, error, trace)

    def check(self, after: Graph, *, finite: bool = False) -> Equivalence:
        """Compare the outputs of another model.

        Parameters
        ----------
        after
            The other model.
        finite
            Whether it is known to compute the same of finite numbers only: other outputs on NaN
            and infinities are noted then, and no difference.

        Raises
        ------
        OcostError
            If what is given contradicts the model before.
        """
        text = mismatch(self._before, after, other_floats=self._alike)
        if text:
            return nothing(False, text)
        if not self._before.outputs:
            return nothing(None, "the model has no outputs to compare")
        shared = share_noise(self._before, after)
        if shared is not None and shared.different:
            return nothing(False, shared.different)
        try:
            baseline = self._baseline if shared is None else self._with_noise(shared, after)
            if baseline is None:
                baseline = self._baseline = self._run_before(after)
        except UncomparableError as error:
            return nothing(None, str(error))
        uncomparable = {} if shared is None else shared.uncomparable
        after = after if shared is None else shared.after
        found = compare(baseline, after, self._tolerance, uncomparable, finite=finite)
        if not self._alike or (found.ok and not self._similar):
            return found
        likeness = similarities(baseline, after)
        outputs = [replace(one, similarity=likeness.get(one.name)) for one in found.outputs]
        return replace(found, outputs=tuple(outputs))

    def _with_noise(self, shared: Shared, after: Graph) -> Baseline:
        return self._run_before(after, noise=shared.noise, noisy=shared.before)

    def _run_before(
        self, after: Graph, noise: Sequence[Noise] = (), noisy: Graph | None = None
    ) -> Baseline:
        return Baseline(
            self._before,
            self._workspace,
            self._given,
            feeds=self._feeds,
            budget_s=self._budget_s,
            ladder=self._ladder,
            noise=noise,
            noisy=noisy,
            beside=after,
        )


def similarities(baseline: Baseline, after: Graph) -> dict[str, Similarity]:
    """How alike the numbers among the outputs are, over ordinary inputs.

    Empty where the model after can't be run on them.
    """
    pairs: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    with baseline.workspace.staged(after) as staged:
        try:
            for draw in baseline.ordinary(_SAMPLES):
                before = baseline.run(baseline.staged, draw)
                answer = baseline.run(staged, fitted(draw, after))
                for name in before.keys() & answer.keys():
                    if baseline.manners.get(name) in ("values", "rows"):
                        pairs[name].append((before[name], answer[name]))
        except OcostError:
            return {}
    return {name: similarity(found) for name, found in pairs.items()}


def compare(
    baseline: Baseline,
    after: Graph,
    tolerance: float | None = None,
    uncomparable: Mapping[str, str] = _NONE,
    *,
    finite: bool = False,
) -> Equivalence:
    """Compare what a model answers with what the one before did.

    Parameters
    ----------
    baseline
        The model before, on its inputs.
    after
        The other.
    tolerance
        As of ``check``.
    uncomparable
        Outputs that can't be compared, and why.
    finite
        As of ``Checker.check``.
    """
    with baseline.workspace.staged(after) as staged:
        return _compared(baseline, staged, after, tolerance, uncomparable, finite=finite)


def _compared(
    baseline: Baseline,
    staged: Staged,
    after: Graph,
    tolerance: float | None,
    uncomparable: Mapping[str, str],
    *,
    finite: bool,
) -> Equivalence:
    records = baseline.records
    try:
        baseline.workspace.open(staged, baseline.engine)
        for record in records:
            record.after = baseline.run(staged, fitted(record.draw, after))
            record.noise_after = {}
    except DiedError as error:
        return nothing(None, f"the model after: {error}", baseline.notes)
    except OcostError as error:
        text = f"the model after fails where the one before does not: {error}"
        # onnx's evaluator may lack what a runtime has.
        return nothing(False if baseline.engine is Engine.RUNTIME else None, text, baseline.notes)
    for record in records:
        if record.before.keys() != record.after.keys():
            odd = min(record.before.keys() ^ record.after.keys())
            return nothing(False, f"only one of the models answers '{odd}'")
    notes = list(baseline.notes)
    compared = {n: by for n, by in baseline.manners.items() if not _reason(n, uncomparable)}
    if any(record.differs(compared) for record in records):
        baseline.shake(_SHAKES)
        reason = baseline.refer()
        if reason:
            notes.append(f"no float64 reference: {reason}")
    judged = _Judged(baseline, tolerance, uncomparable, finite=finite)
    if any(check.close for check in judged.checks):  # rounding may explain it all the same
        baseline.shake(_MANY_SHAKES)
        _shake_after(baseline, staged, after)
        judged = _Judged(baseline, tolerance, uncomparable, finite=finite)
    return _verdict(judged.checks, baseline, (*notes, *judged.notes))


def _shake_after(baseline: Baseline, staged: Staged, after: Graph) -> None:
    """Add what rounding makes of the outputs after: a fused kernel may round more than its parts.

    No more than a few times what it makes of those before: else a wrong model might explain itself.
    """
    twins = [
        Record(fitted(record.draw, after), record.after, steps=record.steps)
        for record in baseline.records
    ]
    baseline.shake_records(twins, staged, _MANY_SHAKES)
    for record, twin in zip(baseline.records, twins, strict=True):
        record.noise_after = twin.noise


class _Judged:
    """Every output, and what to know of it."""

    def __init__(
        self,
        baseline: Baseline,
        tolerance: float | None,
        uncomparable: Mapping[str, str],
        *,
        finite: bool,
    ) -> None:
        self._baseline, self._tolerance, self._finite = baseline, tolerance, finite
        self.notes: list[str] = []
        self.checks = tuple(
            self._left_out(name, reason)
            if (reason := _reason(name, uncomparable))
            else self._check(name)
            for name in baseline.manners
        )

    def _left_out(self, name: str, reason: str) -> OutputCheck:
        text = f"output '{name}': {reason}"
        by = self._baseline.manners[name]
        return OutputCheck(name, by, None, None, None, None, None, text)

    def _check(self, name: str) -> OutputCheck:
        baseline, tolerance = self._baseline, self._tolerance
        ordinary = [record for record in baseline.records if not record.draw.special]
        special = [record for record in baseline.records if record.draw.special]
        found = _judged(name, baseline, ordinary, tolerance)
        if not special or found.ok is False:
            return found
        odd_one = _judged(name, baseline, special, tolerance)
        if odd_one.ok is not False:
            return found
        why = "of which a pass that took part promises nothing" if self._finite else ""
        if not why and not _self_consistent(name, baseline, special, tolerance):
            why = "where onnxruntime's own optimisation changes the model before as well"
        if not why:
            return odd_one
        self.notes.append(f"{odd_one.reason} on special values (NaN, infinity), {why}")
        return found


def _reason(leaf: str, uncomparable: Mapping[str, str]) -> str:
    """Why an output, or an element of one, is not compared; "" if it is."""
    return uncomparable.get(leaf) or uncomparable.get(leaf.partition("[")[0], "")


def _judged(
    name: str, baseline: Baseline, records: Sequence[Record], tolerance: float | None
) -> OutputCheck:
    by = baseline.manners[name]
    there = [record for record in records if name in record.before]
    cases = [record.case(name) for record in there]
    filled = [case for case in cases if case.before.size or case.after.size]
    if not filled:
        # Where its shape says so, that is all there is to compare.
        ok = True if baseline.always_empty(name) else None
        reason = "" if ok else f"output '{name}' is empty on every input"
        return OutputCheck(name, by, None, None, None, None, ok, reason)
    return judge(name, by, filled, tolerance)


def _self_consistent(
    name: str, baseline: Baseline, records: Sequence[Record], tolerance: float | None
) -> bool:
    """Whether the runtime's own optimisation leaves an output of the model before as it is."""
    if baseline.engine is not Engine.RUNTIME:
        return True
    cases = []
    for record in records:
        try:
            answer = baseline.workspace.run(
                baseline.staged, Engine.RUNTIME_OPTIMISED, record.draw.feeds()
            )
        except OcostError:
            return True
        found = flat(baseline.staged.outputs, answer)
        if name in found and name in record.before:
            own = replace(record, after=found)
            cases.append(own.case(name))
    return not cases or judge(name, baseline.manners[name], cases, tolerance).ok is not False


def _verdict(
    checks: tuple[OutputCheck, ...], baseline: Baseline, notes: Sequence[str]
) -> Equivalence:
    worst = min(checks, key=lambda found: found.urgency)
    exact = any(record.reference for record in baseline.records)
    return Equivalence(
        len(baseline.records),
        "float64" if exact else "float32",
        worst.max_abs,
        worst.max_rel,
        worst.tolerance,
        worst.ok,
        worst.reason,
        worst.name,
        checks,
        tuple(notes),
        baseline.engine.value,
    )
