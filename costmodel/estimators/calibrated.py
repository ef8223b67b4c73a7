"""Latency of a node by what a machine's kernels were measured to take."""

from __future__ import annotations

from ..calibration.calibration import Calibration
from ..calibration.features import features_of
from ..calibration.kernel import KernelModel
from ..calibration.signature import signature
from ..cost import Costed
from ..device import Device
from ..kinds import KernelKind
from ..result import NodeCost
from .roofline import estimate

_NOTHING = (KernelKind.CONSTANT, KernelKind.CALL)


def calibrated(costed: Costed, device: Device, found: Calibration) -> NodeCost:
    """The node with its latency: measured itself, or by its kernel's model.

    A node as written has no kernel yet: the roofline estimates it, and one whose kernel is not
    among the measured ones. ``bound`` and ``efficiency`` are the roofline's in any case.
    """
    rough = estimate(costed.cost, device)
    if not costed.executed or rough.latency_s is None or costed.cost.kind in _NOTHING:
        return rough
    seconds = found.measured.get(signature(costed))
    if seconds is not None:
        took = seconds * costed.cost.trips
        return rough._replace(
            latency_s=took, latency_low_s=took, latency_high_s=took, estimator="measured"
        )
    features = features_of(costed, found.machine)
    if features is None:
        return rough
    model = _model(found, features.kernel, costed.cost.kind)
    if model is None:
        return rough
    guess = model.estimate(features.terms, features.coordinates)
    trips = costed.cost.trips
    return rough._replace(
        latency_s=guess.seconds * trips,
        latency_low_s=guess.low * trips,
        latency_high_s=guess.high * trips,
        estimator="calibrated",
    )


def _model(found: Calibration, kernel: str, kind: KernelKind | None) -> KernelModel | None:
    return found.kernels.get(kernel) or found.kernels.get(f"any {kind}")
