"""Do two models compute the same? Their outputs on random inputs, but for rounding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...graph import Graph, OcostError
from ...graph.shapes import Given, Shapes, infer
from ..feeds.inputs import make_feeds
from ..naming import named
from ..session import open_session, run_once
from .closeness import By, OutputCheck, judge, leaves
from .comparable import how, is_quantised, mismatch, random_node
from .evidence import AS_WRITTEN, Record, flat, refer, shake
from .reference import NoReferenceError
from .trials import Trial, overridden, repeated, resized


@dataclass(frozen=True)
class Equivalence:
    """Whether a rewritten model computes what it did before.

    Parameters
    ----------
    inputs
        How many inputs were compared.
    reference
        What the outputs for the first input were compared with: the model's in float64, or what
        it gave before, in the types that it has. Those for the other inputs: always the latter.
    max_abs, max_rel, tolerance
        Of the output with the least room; see ``OutputCheck``. None where nothing was compared.
    ok
        None where nothing can be concluded: a random operator, no way to run the model, or
        outputs that rounding alone changes as much.
    reason
        Why it is not ok, in one line.
    worst_output
        The output with the least room.
    outputs
        Every output.
    notes
        What was left out, and why.
    """

    inputs: int
    reference: Literal["float64", "float32"]
    max_abs: float | None
    max_rel: float | None
    tolerance: float | None
    ok: bool | None
    reason: str = ""
    worst_output: str = ""
    outputs: tuple[OutputCheck, ...] = ()
    notes: tuple[str, ...] = ()


def check(
    before: Graph,
    after: Graph,
    *,
    given: Given | None = None,
    inputs: int = 3,
    budget_s: float = 30.0,
) -> Equivalence:
    """Compare the outputs of two models, run as they are written.

    They are compared on random inputs, on one more for every open dim that can have another size,
    and with other contents of initializers that a caller may override. What may differ is found
    by shaking the weights and inputs of the model before (``noise``), and by its distance from
    the same in float64 (``reference``).

    Parameters
    ----------
    before, after
        Root graphs.
    given
        Shapes, dims and contents of inputs.
    inputs
        How many random inputs.
    budget_s
        Seconds. Further random inputs are left out once they have taken a tenth of that; the
        model is not shaken again, and a float64 reference given up, when that took all of it.

    Raises
    ------
    OcostError
        If what is given contradicts the model, or no valid input can be made.
    """
    given = given or Given()
    shapes = infer(before, given)
    text = _incomparable(before, after, shapes)
    if text:
        return _nothing(None, text)
    text = mismatch(before, after)
    if text:
        return _nothing(False, text)
    feeds = [make_feeds(before, shapes, seed=seed) for seed in range(inputs)]
    model = named(before)  # onnxruntime refuses nodes of one name
    notes: list[str] = []
    try:
        session = open_session(model, AS_WRITTEN)
        trials = list(repeated(session, feeds, budget_s, notes))
        trials += overridden(session, before, feeds[0])
        trials += resized(session, shapes, given, notes)
    except OcostError as error:
        return _nothing(None, f"the model before can't be run: {error}")
    try:
        session = open_session(named(after), AS_WRITTEN)
        answers = [run_once(session, trial.feeds) for trial in trials]
    except OcostError as error:
        return _nothing(False, f"the model after fails where the one before does not: {error}")
    names = before.outputs
    records = [
        Record(trial.feeds, flat(names, trial.outputs), flat(names, outputs))
        for trial, outputs in zip(trials, answers, strict=True)
    ]
    for record in records:
        if record.before.keys() != record.after.keys():
            odd = min(record.before.keys() ^ record.after.keys())
            return _nothing(False, f"only one of the models answers '{odd}'")
    quantised = is_quantised(before)
    manners = _manners(before, trials, quantised=quantised)
    notes += [f"output '{n}' is empty on every input" for n in manners if _empty(records, n)]
    if any(record.differs(manners) for record in records):
        shake(records, model, names, quantised=quantised, seconds=budget_s)
        try:
            if quantised:
                raise NoReferenceError("rounding to quantisation steps is part of the model")
            refer(records[0], model, names, manners, shapes, budget_s)
        except NoReferenceError as error:
            notes.append(f"no float64 reference: {error}")
    checks = tuple(
        judge(name, by, [r.case(name) for r in records if name in r.before])
        for name, by in manners.items()
    )
    return _verdict(checks, records, notes)


def _incomparable(before: Graph, after: Graph, shapes: Shapes) -> str:
    """Why outputs on the same inputs tell nothing, or there are no inputs; "" if neither."""
    odd = random_node(before) or random_node(after)
    if odd:
        return f"{odd} is random: two runs of the same model differ"
    for name in before.inputs:
        info = shapes.get(name)
        if info is not None and info.type is not None:
            return f"input '{name}' is no tensor, and only tensors can be made"
    return ""


def _empty(records: Sequence[Record], name: str) -> bool:
    return not any(r.before[name].size for r in records if name in r.before)


def _manners(graph: Graph, trials: Sequence[Trial], *, quantised: bool) -> Mapping[str, By]:
    """How each output has to be compared."""
    return {
        leaf: how(graph, name, array.dtype.name, quantised=quantised)
        for trial in trials
        for name, value in zip(graph.outputs, trial.outputs, strict=True)
        for leaf, array in leaves(name, value).items()
    }


def _verdict(
    checks: tuple[OutputCheck, ...], records: Sequence[Record], notes: Sequence[str]
) -> Equivalence:
    worst = min(checks, key=lambda found: found.urgency)
    return Equivalence(
        len(records),
        "float64" if records[0].reference else "float32",
        worst.max_abs,
        worst.max_rel,
        worst.tolerance,
        worst.ok,
        worst.reason,
        worst.name,
        checks,
        tuple(notes),
    )


def _nothing(ok: bool | None, reason: str) -> Equivalence:
    return Equivalence(0, "float32", None, None, None, ok, reason)
