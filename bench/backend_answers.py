"""Whether an optimised model gives the answers that onnx's backend suite has for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from backend_cases import Case
from mutants.float64 import reference, session
from mutants.view import Array, graphs
from onnx import ModelProto, ValueInfoProto

from ocost import optimize_model
from ocost.graph import OcostError, from_proto, to_proto
from ocost.graph.dataflow import RANDOM

_ROUNDINGS = 8  # of the largest element, by which another order of a sum may differ
WRONG, CRASH, REFUSED = "WRONG", "CRASH", "REFUSED"


class Answer(NamedTuple):
    """What became of a case, and why."""

    said: str
    why: str = ""


def answer(case: Case) -> Answer:
    """Optimise a model and run what is made of it."""
    try:
        made = to_proto(optimize_model(from_proto(_copied(case.model))).graph, "filled")
    except OcostError as error:
        return Answer(REFUSED, str(error))
    except Exception as error:  # of any kind: that is what is looked for
        return Answer(CRASH, f"{type(error).__name__}: {error}")
    if made.graph == case.model.graph and made.functions == case.model.functions:
        return Answer("unchanged")
    why = _declared(case.model, made)
    return Answer(WRONG, why) if why else _compared(case, made)


def _copied(model: ModelProto) -> ModelProto:
    made = ModelProto()
    made.CopyFrom(model)
    return made


def _declared(before: ModelProto, after: ModelProto) -> str:
    """What inputs and outputs no longer are as they were declared; "" if nothing."""
    for what in ("input", "output"):
        one, other = ({v.name: v.type for v in _values(m, what)} for m in (before, after))
        if list(one) != list(other):
            return f"{what}s are {', '.join(other)} instead of {', '.join(one)}"
        for name, kind in one.items():
            if _element(kind) != _element(other[name]):
                return f"{what} '{name}' has another type"
    return ""


def _values(model: ModelProto, what: str) -> list[ValueInfoProto]:
    """Inputs or outputs; without those inputs that are initializers, as each is up to IR 3."""
    if what == "output" or model.ir_version > 3:
        return list(getattr(model.graph, what))
    held = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in held]


def _element(kind: Any) -> Any:  # noqa: ANN401 - a TypeProto
    return (kind.WhichOneof("value"), kind.tensor_type.elem_type)


def _compared(case: Case, made: ModelProto) -> Answer:
    """By the first runner that gives the suite's answers for the model as it was."""
    noisy = any(
        node.op_type in {*RANDOM, "Dropout"} for g in graphs(case.model.graph) for node in g.node
    )
    failures, noise = [], None
    said = "right by paired noise" if noisy else "right by the reference evaluator"
    earlier = None
    for name, runner in (("right", session), (said, reference)):
        try:
            outputs = runner(case.model)(case.inputs, 0)
        except Exception as error:  # of any kind: it can't run this model
            failures.append(f"{type(error).__name__}: {error}")
            continue
        off = _apart(case, outputs, case.outputs)
        if noisy and runner is reference:
            off, noise = "", outputs  # by the same noise before and after
        if not off:
            return _product(case, made, runner, name, noise or case.outputs)
        failures.append(off)
        earlier = earlier or (runner, outputs)
    if earlier is not None:  # other answers than the suite's, but they may not change
        return _product(case, made, earlier[0], "as before", earlier[1])
    return Answer("not compared", "; ".join(failures))


def _product(case: Case, made: ModelProto, runner: Any, name: str, right: Sequence[Any]) -> Answer:  # noqa: ANN401 - whatever a runner answers
    try:
        outputs = runner(made)(case.inputs, 0)
    except Exception as error:  # of any kind: the model before runs
        return Answer(WRONG, f"does not run any more: {type(error).__name__}: {error}")
    off = _apart(case, outputs, right)
    return Answer(WRONG, off) if off else Answer(name)


def _apart(case: Case, outputs: Sequence[Any], right: Sequence[Any]) -> str:
    """How the first output that is not the right one differs; "" if none does."""
    for value, one, other in zip(case.model.graph.output, outputs, right, strict=False):
        off = _off(one, other, case)
        if off:
            return f"output '{value.name}' {off}"
    return "" if len(outputs) >= len(right) else "an output is missing"


def _off(one: Any, other: Any, case: Case) -> str:  # noqa: ANN401 - whatever a runner answers
    if one is None or other is None:
        return "" if one is None and other is None else "is there in one only"
    if isinstance(other, Mapping):
        if not isinstance(one, Mapping) or one.keys() != other.keys():
            return "has other keys"
        return next(filter(None, (_off(one[key], other[key], case) for key in other)), "")
    if isinstance(other, list | tuple):
        if len(one) != len(other):
            return f"has {len(one)} elements instead of {len(other)}"
        pairs = zip(one, other, strict=True)
        return next(filter(None, (_off(a, b, case) for a, b in pairs)), "")
    return _between(np.asarray(one), np.asarray(other), case)


def _between(a: Array, b: Array, case: Case) -> str:
    if a.shape != b.shape:
        return f"is {a.shape} instead of {b.shape}"
    if a.dtype.kind in "OUS" or b.dtype.kind in "OUS":
        return "" if (a.astype(str) == b.astype(str)).all() else "has other strings"
    if a.dtype != b.dtype:
        return f"is {a.dtype} instead of {b.dtype}"
    if a.dtype.kind == "c":
        a, b = a.view(a.real.dtype), b.view(b.real.dtype)
    rtol = max(case.rtol, 2**-6) if a.dtype.name == "bfloat16" else case.rtol
    x, y = a.astype(np.float64), b.astype(np.float64)
    atol = case.atol
    if a.dtype in (np.float16, np.float32):  # sums of large numbers that all but cancel
        atol = max(
            atol,
            _ROUNDINGS / 2 * np.finfo(a.dtype).eps * np.abs(y).max(initial=0, where=np.isfinite(y)),
        )
    with np.errstate(all="ignore"):
        close = np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=True)
        off = np.abs(x - y)[~close]
    return f"differs by {off.max():.3g} in {off.size} of {close.size}" if off.size else ""
