"""How long a node takes: one function from a costed node to its time, whatever estimates it."""

from __future__ import annotations

from collections.abc import Callable

from ..cost import Costed
from ..device import Device
from ..result import NodeCost
from .kernels import reached
from .roofline import estimate

Estimator = Callable[[Costed], NodeCost]


def estimator_for(device: Device) -> Estimator:
    """What fills in a node's bound, efficiency, latency and the name of the estimator.

    A node that is not costed keeps unknown times.
    """

    def roofline(costed: Costed) -> NodeCost:
        return estimate(costed.cost, device, reached(costed, device))

    return roofline
