"""How long a node takes: one function from a costed node to its time, whatever estimates it."""

from __future__ import annotations

from dataclasses import replace

from ..blocked import ridge_of
from ..cost import Costed
from ..device import Device
from ..result import NodeCost
from .estimator import Estimator, Latency, Summed
from .kernels import reached, tabulated_s
from .roofline import estimate

__all__ = ["Estimator", "Latency", "choosing_estimator_for", "estimator_for"]


def estimator_for(device: Device) -> Estimator:
    """What estimates on a device: its calibration, or else the roofline."""
    calibration = device.calibration
    if calibration is not None:
        from .calibrated import Calibrated  # noqa: PLC0415 - most devices have none

        return Calibrated(device, calibration)

    def roofline(costed: Costed) -> NodeCost:
        return estimate(costed.cost, device, reached(costed, device))

    return Summed(roofline)


def choosing_estimator_for(device: Device) -> Estimator:
    """As ``estimator_for``, for a choice between forms of one graph: it is no latency of a model.

    Tensors lie in caches, convolutions and copies between layouts take what was measured where
    there is a table, and what it takes to launch a node counts for nothing. A calibrated device
    says itself what each form takes.
    """
    if device.calibration is not None:
        return estimator_for(device)
    bandwidth = device.peaks["float32"] / ridge_of(device)
    near = replace(device, bandwidth=bandwidth, overhead_s=0.0)

    def choosing(costed: Costed) -> NodeCost:
        found = estimate(costed.cost, near, reached(costed, near))
        seconds = tabulated_s(costed, near)
        return found if seconds is None else found._replace(latency_s=seconds)

    return Summed(choosing)
