"""The page that says how well latency is predicted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from accuracy_misses import kernel_misses, node_misses
from accuracy_predicted import CALIBRATED, CEILING, MEASURED, METHODS, Model
from accuracy_scores import (
    SIZES,
    PairScore,
    fitted_elsewhere,
    interval_score,
    kind_scores,
    model_score,
    node_score,
    pair_score,
)
from tables import table

from ocost.costmodel import Device

CLASSES = (
    "float32",
    "QDQ",
    "QOperator",
    "dynamic",
    "float16",
    "recurrent",
    "audio front end",
    "trees",
    "under 1 ms",
)
_KINDS = 20  # operators that are listed
_MISSES = 30
_INTRODUCTION = """# Latency: predicted and measured

`bench/accuracy.py` predicts by rules what onnxruntime takes for each model of a corpus, measures it
in two processes, minutes apart or more, and compares. A calibration measures nodes that are made
up, so none of these models was seen by it; what is fitted to models (the one factor of "FLOPs only"
and "bytes only", the intervals' inflation) is fitted to other families than it is judged on.
"Roofline, paper" is the device `host`, "roofline, measured" has the calibration's peaks; the
ceiling is what one process says of the other. Models under 1 ms are judged in their own class too.

Measured on {where}, {threads} thread(s),
denormals flushed to zero. Models take turns of a quarter of a second, so that each is looked at
over a minute; a time is the mean of the lower 20 % of the runs, a node's that with the profiler
less what that adds to an event. Where the two fastest processes differ by more than 5 %, a model is
measured again, five times at most; what is left is in the ceiling.
"""


class Where(NamedTuple):
    """On what the models were measured."""

    machine: str
    threads: int


class Result(NamedTuple):
    """What a device predicts, and the models that could not be measured, with the reasons."""

    device: Device
    models: Sequence[Model]
    failed: Sequence[str]


def page(where: Where, results: Sequence[Result]) -> str:
    """The page, with a chapter for each device."""
    parts = [_INTRODUCTION.format(where=where.machine, threads=where.threads)]
    for result in results:
        parts += _chapter(result)
    return "\n".join(parts)


def _chapter(result: Result) -> list[str]:
    models = fitted_elsewhere(result.models)
    classes = [name for name in CLASSES if _of(models, name)]
    parts = [f"## {_calibrated(result.device)}\n"]
    for title, made in _SECTIONS:
        rows, heads, left, remark = made(models, classes)
        parts.append(f"### {title}\n")
        parts += [f"{remark}\n"] if remark else []
        parts.append(table(heads, rows, left) + "\n" if rows else "No two to compare.\n")
    if result.failed:
        parts.append("### Left out\n")
        parts.append("\n".join(f"* {line}" for line in result.failed) + "\n")
    return parts


def _calibrated(device: Device) -> str:
    assert device.calibration is not None
    of = device.calibration.provenance
    return (
        f"A calibration of {of.seconds:.0f} s: {of.cpu}, {', '.join(of.flags)}, {of.runtime} "
        f"{of.runtime_version}, {of.threads} thread(s), {of.date[:10]}; two passes differ by "
        f"{_percent(of.noise)} %"
    )


class _Section(NamedTuple):
    rows: list[list[str]]
    heads: list[str]
    left: int
    remark: str = ""


def _of(models: Iterable[Model], name: str) -> list[Model]:
    return [model for model in models if name in model.classes]


def _percent(share: float | None, digits: int = 1) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"


def _latency(models: Sequence[Model], classes: Sequence[str]) -> _Section:
    rows = []
    for name in classes:
        for method in METHODS:
            score = model_score(_of(models, name), method)
            if score is None:
                continue
            whom = [name, method, str(score.models), str(score.families)]
            within = [_percent(s, 0) for s in (score.within_5, score.within_10, score.within_15)]
            off = [_percent(score.median), _percent(score.mean), *within, _percent(score.worst, 0)]
            rows.append([*whom, *off, "-" if score.rank is None else f"{score.rank:.3f}"])
    heads = ["class", "method", "models", "families", "median error %", "mean %", "within 5 %"]
    return _Section(rows, [*heads, "10 %", "15 %", "worst %", "rank correlation"], 2)


def _nodes(models: Sequence[Model], classes: Sequence[str]) -> _Section:
    rows = []
    for name in classes:
        nodes = [node for model in _of(models, name) for node in model.nodes]
        for least, size in SIZES:
            for method in METHODS:
                score = node_score(nodes, method, least)
                if score is not None:
                    within = [_percent(share, 0) for share in score.within]
                    rows.append([name, size, method, str(score.nodes), *within])
    heads = ["class", "nodes", "method", "number", "within 10 %", "25 %", "50 %"]
    return _Section(rows, heads, 3, "Shares of the executed nodes in percent.")


def _operators(models: Sequence[Model], classes: Sequence[str]) -> _Section:
    rows = []
    for name in classes:
        nodes = [node for model in _of(models, name) for node in model.nodes]
        others = {
            method: {score.op_type: score for score in kind_scores(nodes, method)}
            for method in (MEASURED, CEILING)
        }
        for score in kind_scores(nodes, CALIBRATED)[:_KINDS]:
            beside = [_percent(others[m][score.op_type].error) for m in (MEASURED, CEILING)]
            own = [_percent(score.time), _percent(score.error), f"{100 * score.bias:+.1f}"]
            rows.append([name, score.op_type, str(score.nodes), *own, *beside])
    heads = ["class", "operator", "nodes", "% of the time", "error %", "bias %"]
    remark = (
        "The sum of the nodes' errors over the sum of their times; the bias has the errors' signs. "
        f"The {_KINDS} operators that take most time."
    )
    return _Section(rows, [*heads, f"{MEASURED} %", "ceiling %"], 2, remark)


def _kernels(models: Sequence[Model], _: Sequence[str]) -> _Section:
    rows = []
    for miss in kernel_misses(models)[:_MISSES]:
        shares = [_percent(miss.time, 2), _percent(miss.lost, 2), f"{100 * miss.bias:+.2f}"]
        ratios = [f"{miss.typical:+.2f}", f"{miss.beside:+.2f}"]
        rows.append([miss.kernel, miss.estimator, str(miss.nodes), *shares, *ratios])
    heads = ["kernel", "estimator", "nodes", "% of a model's time", "% lost", "bias %"]
    remark = (
        f"The {_MISSES} kernels whose errors come to most, families weighing alike; medians of "
        "ln(predicted / measured), and of the same less the median of the node's model."
    )
    return _Section(rows, [*heads, "median ln", "beside its model"], 2, remark)


def _misses(models: Sequence[Model], _: Sequence[str]) -> _Section:
    rows = []
    for lost, node in node_misses(models, _MISSES):
        times = [f"{1e6 * s:.1f}" for s in (node.measured_s, node.predicted[CALIBRATED])]
        rows.append([node.model, node.kernel, node.sizes, _percent(lost), *times])
    heads = ["model", "kernel", "inputs > outputs", "% of the model", "measured us", "predicted us"]
    return _Section(rows, heads, 3, "Two of one kernel and family at most.")


def _intervals(models: Sequence[Model], classes: Sequence[str]) -> _Section:
    rows = []
    for name in classes:
        score = interval_score(_of(models, name), CALIBRATED)
        if score is not None:
            plain = [_percent(score.covered, 0), _percent(score.width, 0)]
            wider = [_percent(score.inflated, 0), _percent(score.inflated_width, 0)]
            rows.append([name, str(score.families), *plain, *wider, f"{score.factor:.2f}"])
    heads = ["class", "families", "covered %", "mean width %", "inflated: covered %"]
    remark = (
        "Nominal 90 % intervals; each family weighs one; the width is (high - low) / predicted. "
        "Inflated by a factor that is fitted to all other families, of which the median is shown."
    )
    return _Section(rows, [*heads, "mean width %", "factor"], 1, remark)


def _changes(models: Sequence[Model], classes: Sequence[str]) -> _Section:
    return _pairs(models, classes, across=False)


def _precisions(models: Sequence[Model], _: Sequence[str]) -> _Section:
    return _pairs(models, ("all",), across=True)


def _pairs(models: Sequence[Model], classes: Sequence[str], *, across: bool) -> _Section:
    rows = []
    for name in classes:
        chosen = models if across else _of(models, name)
        for method in METHODS:
            score = pair_score(chosen, method, across=across)
            if score is not None:
                rows.append([name, method, *_pair(score)])
    heads = ["class", "method", "pairs", "median ratio error %", "p90 %", "right sign"]
    remark = (
        "Signs of pairs of two classes that measure over 5 % apart, and twice as far as noise goes."
        if across
        else "Pairs of variants of one model in one class; signs of changes over 3 %, and over "
        "twice what the two processes differ by."
    )
    return _Section(rows, heads, 2, remark)


def _pair(score: PairScore) -> list[str]:
    off = [_percent(score.median), _percent(score.p90)]
    return [str(score.pairs), *off, f"{score.right} of {score.counted}"]


def _listed(models: Sequence[Model], _: Sequence[str]) -> _Section:
    rows = []
    for model in sorted(models, key=lambda model: (CLASSES.index(model.kind), model.name)):
        one, other = model.runs
        guess = model.predicted[CALIBRATED]
        off = f"{100 * (guess / model.measured_s - 1):+.1f}"
        noise = _percent(max(one, other) / min(one, other) - 1)
        times = [f"{1e3 * s:.3f}" for s in (model.measured_s, guess, model.low, model.high)]
        inside = "yes" if model.low <= model.measured_s <= model.high else "**no**"
        rows.append([model.name, model.kind, times[0], noise, times[1], off, *times[2:], inside])
    heads = ["model", "class", "measured ms", "processes differ %", "predicted ms", "error %"]
    return _Section(rows, [*heads, "low ms", "high ms", "inside"], 2)


_SECTIONS: tuple[tuple[str, Callable[[Sequence[Model], Sequence[str]], _Section]], ...] = (
    ("Models", _latency),
    ("Nodes", _nodes),
    ("Operators", _operators),
    ("Kernels", _kernels),
    ("Largest misses", _misses),
    ("Intervals", _intervals),
    ("Changes", _changes),
    ("Precisions", _precisions),
    ("Every model", _listed),
)
