"""Latency by what a machine's kernels were measured to take."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ..calibration.calibration import Calibration
from ..calibration.features import features_of
from ..calibration.kernel import KernelModel
from ..calibration.signature import measurable, signature
from ..cost import Costed
from ..device import Device
from ..kinds import KernelKind
from ..result import NodeCost
from .estimator import Latency, total
from .roofline import estimate


@dataclass(frozen=True)
class Calibrated:
    """Estimates nodes by their signatures' or their kernels' measured times."""

    device: Device
    calibration: Calibration

    def __call__(self, costed: Costed) -> NodeCost:
        """The node with its latency: measured itself, or by its kernel's model.

        A node as written has no kernel yet: the roofline estimates it, and one whose kernel is
        not among the measured ones. ``bound`` and ``efficiency`` are the roofline's in any case.
        """
        rough = self._rough(costed)
        if not measurable(costed):
            return rough
        trips = costed.cost.trips
        seconds = self._measured(costed)
        if seconds is not None:
            noise = self.calibration.provenance.noise
            off = _NOISE if noise is None else noise
            return rough._replace(
                latency_s=seconds * trips,
                latency_low_s=seconds * trips * (1 - min(off, 0.5)),
                latency_high_s=seconds * trips * (1 + off),
                estimator="measured",
            )
        if rough.latency_s is None:
            return rough
        features = features_of(costed, self.calibration.machine)
        model = None if features is None else self._model(features.kernel, costed.cost.kind)
        if features is None or model is None:
            return rough
        guess = model.estimate(features.terms, features.coordinates, rough.latency_s / trips)
        return rough._replace(
            latency_s=guess.seconds * trips,
            latency_low_s=guess.low * trips,
            latency_high_s=guess.high * trips,
            estimator="calibrated",
        )

    def whole(self, nodes: Sequence[NodeCost]) -> Latency:
        """The sum, and what a run takes besides its nodes; the interval is narrower than the sum's.

        Half-widths add up as errors that are equal within a kernel in part, and independent
        between kernels: h^2 = sum over kernels of (c (sum of h)^2 + (1 - c) sum of h^2). All of
        it is off together by ``common``.
        """
        seconds = total(node.latency_s for node in nodes)
        if seconds is None or not any(n.estimator in ("calibrated", "measured") for n in nodes):
            return Latency(
                seconds,
                total(n.latency_low_s for n in nodes),
                total(n.latency_high_s for n in nodes),
            )
        seconds += self.calibration.run_s
        common = self.calibration.common * seconds
        low = math.hypot(common, _together([(n, _below(n)) for n in nodes]))
        high = math.hypot(common, _together([(n, _above(n)) for n in nodes]))
        return Latency(seconds, max(0.0, seconds - low), seconds + high)

    def _rough(self, costed: Costed) -> NodeCost:
        found = estimate(costed.cost, self.device)
        if found.latency_s is None:
            return found
        return found._replace(latency_high_s=found.latency_s * max(1.0, self.calibration.rough))

    def _measured(self, costed: Costed) -> float | None:
        found = self.calibration.measured
        return found.get(signature(costed)) if found else None

    def _model(self, kernel: str, kind: KernelKind | None) -> KernelModel | None:
        kernels = self.calibration.kernels
        return kernels.get(kernel) or kernels.get(f"any {kind}")


_NOISE = 0.1  # of a measured node where two passes could not be compared
_ALIKE = 0.3  # the part of errors' variance that nodes of one operator have in common


def _together(widths: Sequence[tuple[NodeCost, float]]) -> float:
    sums: defaultdict[str, float] = defaultdict(float)
    squares: defaultdict[str, float] = defaultdict(float)
    for node, width in widths:
        sums[node.op_type] += width
        squares[node.op_type] += width * width
    return math.sqrt(
        sum(_ALIKE * sums[op] ** 2 + (1 - _ALIKE) * squares[op] for op in sums),
    )


def _below(node: NodeCost) -> float:
    return (node.latency_s or 0.0) - (node.latency_low_s or 0.0)


def _above(node: NodeCost) -> float:
    return (node.latency_high_s or 0.0) - (node.latency_s or 0.0)
