"""What is predicted for models that were measured, by a calibrated device and by baselines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accuracy_families import architecture_of, family_of
from accuracy_truth import Truth

from ocost import find_device
from ocost.costmodel import Device
from ocost.costmodel.calibration.features import features_of
from ocost.costmodel.cost import Costed
from ocost.costmodel.estimators import Estimator, estimator_for
from ocost.costmodel.executed import as_executed, executed_nodes, unpadded_channels
from ocost.graph import Graph, dtypes, load
from ocost.graph.shapes import infer
from ocost.passes.lowering.costed import lowered_nodes
from ocost.runtime.validation.loops import as_seen, original_trips

CALIBRATED = "calibrated"
FLOPS, BYTES, PAPER, MEASURED = "FLOPs only", "bytes only", "roofline, paper", "roofline, measured"
CEILING = "the profile against another process"
METHODS = (CALIBRATED, MEASURED, PAPER, FLOPS, BYTES, CEILING)
SMALL_S = 1e-3
# By the starts of the operators' names.
_KINDS = {
    "audio front end": ("STFT", "DFT", "MelWeightMatrix"),
    "trees": ("TreeEnsemble",),
    "QOperator": ("QLinear",),
    "dynamic": ("DynamicQuantize", "MatMulInteger", "ConvInteger", "MatMulNBits"),
    "QDQ": ("DequantizeLinear",),
    "recurrent": ("LSTM", "GRU", "RNN"),
}


@dataclass(frozen=True)
class Node:
    """An executed node: what it took, and what each method says.

    ``again_s`` is what it took in another process; ``kernel`` the calibration's name for what runs.
    """

    model: str
    name: str
    op_type: str
    kernel: str
    estimator: str
    measured_s: float
    again_s: float
    predicted: Mapping[str, float]
    sizes: str


@dataclass(frozen=True)
class Model:
    """A model: what it took, and what each method says.

    ``runs`` are the seconds in each process, ``low`` and ``high`` the calibrated interval,
    ``nodes_s`` the calibrated sum over the nodes that were executed, where rules say others.
    """

    name: str
    family: str
    kind: str
    runs: tuple[float, float]
    predicted: Mapping[str, float]
    low: float
    high: float
    nodes_s: float
    nodes: tuple[Node, ...]

    @property
    def measured_s(self) -> float:
        """The smaller of the two."""
        return min(self.runs)

    @property
    def architecture(self) -> str:
        """What its variants have in common."""
        return architecture_of(self.name)

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that it is judged in."""
        return (self.kind, "under 1 ms") if self.measured_s < SMALL_S else (self.kind,)


def kind_of(graph: Graph) -> str:
    """The class of a model: by its operators, the first that fits, or by most weights' type."""
    found = {node.op_type for _, node in graph.walk()}
    for kind, wanted in _KINDS.items():
        if any(any(op_type.startswith(name) for op_type in found) for name in wanted):
            return kind
    elements: Counter[str] = Counter()
    for scope, node in graph.walk():
        for tensor in map(scope.constant, filter(None, node.inputs)):
            if tensor is not None:
                elements[dtypes.name(tensor.dtype)] += math.prod(tensor.shape)
    return "float16" if elements["float16"] > elements["float32"] else "float32"


class Predictors:
    """What each method but the two with one factor says of a node, and of a run.

    Parameters
    ----------
    device
        Calibrated.
    """

    def __init__(self, device: Device) -> None:
        if device.calibration is None:
            raise ValueError(f"{device.name} is not calibrated")
        threads = device.calibration.provenance.threads
        self.device, self.calibration = device, device.calibration
        self._estimators: Mapping[str, Estimator] = {
            CALIBRATED: estimator_for(device),
            MEASURED: estimator_for(replace(device, calibration=None)),
            PAPER: estimator_for(find_device("host", threads=threads)),
        }

    def model(self, file: Path, truths: tuple[Truth, Truth], added_s: Sequence[float]) -> Model:
        """A model that was measured in two processes.

        Parameters
        ----------
        file
            The model.
        truths
            What each process measured.
        added_s
            What the profiler adds to an event in each.
        """
        graph = load(file)
        one, other = truths
        given = as_seen(graph, one.given, original_trips(one.trips, one.attribution, graph))
        ruled = lowered_nodes(graph, self.device, given)
        ran = _executed(graph, one)
        estimated = [self._estimators[CALIBRATED](costed) for costed in ruled]
        whole = self._estimators[CALIBRATED].whole(estimated)
        predicted = {
            name: estimator.whole(list(map(estimator, ruled))).seconds or math.nan
            for name, estimator in self._estimators.items()
        }
        predicted[FLOPS] = float(sum(costed.cost.flops or 0 for costed in ruled))
        predicted[BYTES] = float(sum(costed.cost.traffic_bytes or 0 for costed in ruled))
        predicted[CEILING] = one.total_s
        on_ran = self._estimators[CALIBRATED]
        return Model(
            file.stem,
            family_of(file.stem),
            kind_of(graph),
            (one.total_s, other.total_s),
            predicted,
            whole.low or 0.0,
            whole.high or math.inf,
            on_ran.whole(list(map(on_ran, ran))).seconds or math.nan,
            tuple(self._nodes(file.stem, ran, truths, added_s)),
        )

    def _nodes(
        self,
        model: str,
        ran: Sequence[Costed],
        truths: tuple[Truth, Truth],
        added_s: Sequence[float],
    ) -> list[Node]:
        known = {costed.cost.name: costed for costed in ran}
        first, second = (_seconds(*each) for each in zip(truths, added_s, strict=True))
        nodes = []
        for name, seconds in first.items():
            costed = known.get(name)
            if costed is None:
                continue
            again = second.get(name, math.nan)
            guess = self._estimators[CALIBRATED](costed)
            features = features_of(costed, self.calibration.machine)
            predicted = {
                method: estimator(costed).latency_s or math.nan
                for method, estimator in self._estimators.items()
            }
            predicted[FLOPS] = float(costed.cost.flops or 0)
            predicted[BYTES] = float(costed.cost.traffic_bytes or 0)
            predicted[CEILING] = seconds
            nodes.append(
                Node(
                    model,
                    name,
                    costed.cost.op_type,
                    features.kernel if features else f"none: {costed.cost.op_type}",
                    guess.estimator or "none",
                    min(seconds, again),
                    again,
                    predicted,
                    sizes_of(costed),
                )
            )
        return nodes


def sizes_of(costed: Costed) -> str:
    """The shapes that a node reads and makes."""
    sides = []
    for names in (costed.node.inputs, costed.node.outputs):
        infos = [costed.scope.get(name) for name in names if name]
        sides.append(" ".join("x".join(map(str, (i and i.resolved) or ())) or "-" for i in infos))
    return " > ".join(sides)


def _executed(graph: Graph, truth: Truth) -> list[Costed]:
    told = as_seen(truth.optimized, truth.given, truth.trips)
    shapes = infer(truth.optimized, as_executed(told, truth.attribution))
    channels = unpadded_channels(truth.attribution, infer(graph, truth.given), shapes)
    return executed_nodes(shapes, truth.attribution, channels)


_LEAST_S = 5e-8


def _seconds(truth: Truth, added_s: float) -> dict[str, float]:
    """By node, less what the profiler adds."""
    own = truth.seconds - added_s * truth.events
    return {name: max(_LEAST_S, float(s)) for name, s in zip(truth.names, own, strict=True)}
