"""Where predictions are wrong: by kernel, and the nodes that lose most of their model's time."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from accuracy_predicted import CALIBRATED, Model, Node

_OF_A_KIND = 2  # misses that are listed of one kernel and family: variants miss alike


class KernelMiss(NamedTuple):
    """A kernel as ``costmodel/calibration/features`` names it, over all models.

    Parameters
    ----------
    time, lost, bias
        Shares of a model's time, on the mean over families: what its nodes take, the sum of their
        errors, and that sum with the errors' signs.
    typical, beside
        Medians of ln(predicted / measured), as it is and less the model's own: a machine that is
        slower today than when it was calibrated moves all kernels of a model alike.
    """

    kernel: str
    estimator: str
    nodes: int
    time: float
    lost: float
    bias: float
    typical: float
    beside: float


class NodeMiss(NamedTuple):
    """A node, and the share of its model's time that its error is."""

    lost: float
    node: Node


def off(node: Node) -> float:
    """ln(predicted / measured)."""
    return math.log(node.predicted[CALIBRATED] / node.measured_s)


def common(model: Model) -> float:
    """What the model's nodes are off by: the median, each weighing as much as it takes."""
    ordered = sorted((off(node), node.measured_s) for node in _known(model))
    reached = np.cumsum([seconds for _, seconds in ordered])
    return ordered[int(np.searchsorted(reached, reached[-1] / 2))][0] if ordered else 0.0


def kernel_misses(models: Sequence[Model]) -> list[KernelMiss]:
    """All kernels, those that lose most first."""
    families = Counter(model.family for model in models)
    groups: defaultdict[tuple[str, str], list[tuple[Node, float, float]]] = defaultdict(list)
    for model in models:
        nodes = _known(model)
        whole = sum(node.measured_s for node in nodes) * families[model.family] * len(families)
        shift = common(model)
        for node in nodes:
            groups[node.kernel, node.estimator].append((node, 1 / whole, shift))
    found = []
    for (kernel, estimator), group in groups.items():
        errors = [(n.predicted[CALIBRATED] - n.measured_s) * weight for n, weight, _ in group]
        found.append(
            KernelMiss(
                *(kernel, estimator, len(group)),
                sum(n.measured_s * weight for n, weight, _ in group),
                sum(map(abs, errors)),
                sum(errors),
                float(np.median([off(node) for node, *_ in group])),
                float(np.median([off(node) - shift for node, _, shift in group])),
            )
        )
    return sorted(found, key=lambda miss: -miss.lost)


def node_misses(models: Sequence[Model], most: int) -> list[NodeMiss]:
    """The nodes that lose most of their model's time, few of one kernel and family."""
    found = []
    for model in models:
        nodes = _known(model)
        whole = sum(node.measured_s for node in nodes)
        for node in nodes:
            lost = abs(node.predicted[CALIBRATED] - node.measured_s) / whole
            found.append((lost, model.family, node))
    seen: Counter[tuple[str, str]] = Counter()
    listed = []
    for lost, family, node in sorted(found, key=lambda one: -one[0]):
        seen[node.kernel, family] += 1
        if seen[node.kernel, family] <= _OF_A_KIND:
            listed.append(NodeMiss(lost, node))
    return listed[:most]


def _known(model: Model) -> list[Node]:
    return [node for node in model.nodes if node.predicted[CALIBRATED] > 0]
