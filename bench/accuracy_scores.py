"""What is said of predictions: errors of models and nodes, of changes, and how intervals cover."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from accuracy_predicted import BYTES, CEILING, FLOPS, Model, Node

from ocost.runtime.validation.accuracy import spearman

NOMINAL = 0.9  # of the intervals
CHANGED = 0.03  # from which on a change has to have the right sign
APART = 0.05  # from which on two precisions have to be in order
SIZES = ((100e-6, "over 100 us"), (10e-6, "over 10 us"), (0.0, "all"))
LIMITS = (0.10, 0.25, 0.50)

Floats = npt.NDArray[np.float64]


class ModelScore(NamedTuple):
    """Of the models of a class by one method; shares are of the models, None where undefined."""

    models: int
    families: int
    median: float
    mean: float
    within_5: float
    within_10: float
    within_15: float
    worst: float
    rank: float | None


class NodeScore(NamedTuple):
    """Of the nodes of a size: their number, and the shares within each of ``LIMITS``."""

    nodes: int
    within: tuple[float, ...]


class KindScore(NamedTuple):
    """Of the nodes of one operator: share of the time, and sum of errors / sum of times."""

    op_type: str
    nodes: int
    time: float
    error: float
    bias: float


class IntervalScore(NamedTuple):
    """Shares of the families whose models lie within, each family weighing one, and widths.

    ``inflated`` and ``inflated_width`` are with a factor fitted to all other families.
    """

    families: int
    covered: float
    width: float
    inflated: float
    inflated_width: float
    factor: float


class PairScore(NamedTuple):
    """Of changes: ratios' errors, and how many of those that count have the right sign."""

    pairs: int
    median: float
    p90: float
    right: int
    counted: int


def fitted_elsewhere(models: Sequence[Model]) -> list[Model]:
    """The models with the seconds of the methods that have one factor, fitted to other families.

    Before, ``predicted`` holds FLOPs and bytes there. The factor is the median over the models of
    what a run takes for each.
    """
    found = []
    for model in models:
        others = [other for other in models if other.family != model.family] or [model]
        factors = {
            method: float(np.median([o.measured_s / max(o.predicted[method], 1) for o in others]))
            for method in (FLOPS, BYTES)
        }
        nodes = tuple(replace(n, predicted=_scaled(n.predicted, factors)) for n in model.nodes)
        found.append(replace(model, predicted=_scaled(model.predicted, factors), nodes=nodes))
    return found


def _scaled(predicted: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, float]:
    return {method: value * factors.get(method, 1.0) for method, value in predicted.items()}


def measured_for(method: str, item: Model | Node) -> float:
    """What a method is judged by: the smaller time, but the ceiling by the other process."""
    if method != CEILING:
        return item.measured_s
    return item.runs[1] if isinstance(item, Model) else item.again_s


def model_score(models: Sequence[Model], method: str) -> ModelScore | None:
    """Errors of the models' predicted latency; None of no models."""
    if not models:
        return None
    measured = np.array([measured_for(method, model) for model in models])
    predicted = np.array([model.predicted[method] for model in models])
    off = np.abs(predicted / measured - 1)
    return ModelScore(
        len(models),
        len({model.family for model in models}),
        float(np.median(off)),
        float(off.mean()),
        *(float((off <= limit).mean()) for limit in (0.05, 0.10, 0.15)),
        float(off.max()),
        spearman(measured, predicted),
    )


def node_score(nodes: Iterable[Node], method: str, least_s: float) -> NodeScore | None:
    """Shares of the nodes that take longer than so many seconds; None of no nodes."""
    both = [(measured_for(method, n), n.predicted[method]) for n in nodes if n.measured_s > least_s]
    if not both:
        return None
    measured, predicted = np.array(both).T
    off = np.abs(predicted - measured) / measured
    return NodeScore(len(both), tuple(float((off <= limit).mean()) for limit in LIMITS))


def kind_scores(nodes: Iterable[Node], method: str) -> list[KindScore]:
    """By operator, those that take most time first."""
    groups: defaultdict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        groups[node.op_type].append(node)
    whole = sum(node.measured_s for group in groups.values() for node in group)
    found = []
    for op_type, group in groups.items():
        measured = np.array([measured_for(method, node) for node in group])
        off = np.array([node.predicted[method] for node in group]) - measured
        took = float(measured.sum())
        error, bias = float(np.abs(off).sum()) / took, float(off.sum()) / took
        found.append(KindScore(op_type, len(group), took / whole, error, bias))
    return sorted(found, key=lambda score: -score.time)


def interval_score(models: Sequence[Model], method: str) -> IntervalScore | None:
    """How the method's intervals cover; None of fewer than two families."""
    sizes = Counter(model.family for model in models)
    if len(sizes) < 2:
        return None
    weights = np.array([1 / sizes[model.family] for model in models])
    parts = np.array([_part(model, model.predicted[method]) for model in models])
    widths = np.array([(m.high - m.low) / m.predicted[method] for m in models])
    families = np.array([model.family for model in models])
    factors = {f: _quantile(parts[families != f], weights[families != f]) for f in sizes}
    own = np.array([factors[family] for family in families])

    def mean(values: Floats) -> float:
        return float((values * weights).sum() / weights.sum())

    return IntervalScore(
        len(sizes),
        mean(parts <= 1),
        mean(widths),
        mean(parts <= own),
        mean(widths * own),
        float(np.median(list(factors.values()))),
    )


def _part(model: Model, predicted: float) -> float:
    """How far the measured time lies from the predicted one, in half widths of that side."""
    off = model.measured_s - predicted
    half = model.high - predicted if off > 0 else predicted - model.low
    return abs(off) / half if half > 0 else math.inf


def _quantile(values: Floats, weights: Floats) -> float:
    """The smallest value up to which there is the nominal share of the weights."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][int(np.searchsorted(reached, NOMINAL - 1e-9))])


def pair_score(models: Sequence[Model], method: str, *, across: bool) -> PairScore | None:
    """Changes between the variants of one model, of one class or ``across`` classes.

    A sign counts where the measured change is large enough and beyond what the two processes
    differ by. None of no pairs.
    """
    least = APART if across else CHANGED
    off, signs = [], []
    for one, other in combinations(models, 2):
        if one.architecture != other.architecture or (one.kind != other.kind) != across:
            continue
        measured = measured_for(method, other) / measured_for(method, one)
        predicted = other.predicted[method] / one.predicted[method]
        off.append(abs(predicted / measured - 1))
        if sure(one, other, least):
            signs.append((predicted > 1) == (measured > 1))
    if not off:
        return None
    median, p90 = (float(value) for value in np.percentile(off, (50, 90)))
    return PairScore(len(off), median, p90, sum(signs), len(signs))


def sure(one: Model, other: Model, least: float) -> bool:
    """Whether two models measure that far apart, and twice as far as noise moves them."""
    change = abs(math.log(other.measured_s / one.measured_s))
    noise = math.hypot(*(math.log(model.runs[0] / model.runs[1]) for model in (one, other)))
    return change > max(math.log1p(least), 2 * noise)
