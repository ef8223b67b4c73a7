"""The model of one kernel: amounts of work times what each was measured to take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_FLOOR_S = 2e-8  # no node takes less
_UNSURE_S = 5e-7  # of every node: profilers tell whole microseconds
_FARTHEST = 2.0  # that a coordinate is taken to be outside of what was measured
_MARGIN = 1.5  # that a time may be beyond all that was measured, over the roofline's
_MOST = 1.2  # that a correction may be, in units of ln(seconds)


class Estimate(NamedTuple):
    """Seconds of one execution, between ``low`` and ``high`` with the nominal certainty.

    ``inside`` says whether nodes of such sizes were measured.
    """

    seconds: float
    low: float
    high: float
    inside: bool


@dataclass(frozen=True)
class Correction:
    """What the sum of terms leaves, as a smooth function of a node's coordinates.

    Kernel ridge regression (Gaussian process regression's mean): ln(measured / sum of terms) of
    the measured nodes, weighted by how near a node is to each, exp(-d^2 / 2).

    Parameters
    ----------
    names
        Of the coordinates, each centred at ``centre`` and divided by ``width``.
    points
        The measured nodes' coordinates, so scaled; [measured nodes, coordinates].
    weights
        One a measured node.
    """

    names: tuple[str, ...]
    centre: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]

    def at(self, coordinates: Mapping[str, float]) -> float:
        """The logarithm to add."""
        import numpy as np  # noqa: PLC0415 - costing alone does without

        here = np.array([coordinates.get(name, 0.0) for name in self.names])
        scaled = (here - self.centre) / self.width
        scaled = np.clip(scaled, self.points.min(axis=0), self.points.max(axis=0))
        nearness = np.exp(-0.5 * ((self.points - scaled) ** 2).sum(axis=1))
        return float(np.clip(nearness @ self.weights, -_MOST, _MOST))


@dataclass(frozen=True)
class KernelModel:
    """Seconds of a kernel from a node's features.

    seconds = sum of coefficient x term, times e^correction. The result keeps within the range of
    measured time over the roofline's, so that no feature outside what was measured makes a node
    absurd.

    Parameters
    ----------
    coefficients
        Seconds a unit of each term; none is negative.
    low, high
        Of ln(measured / predicted) on nodes that were left out of the fit: 5th and 95th
        percentile.
    ranges
        By coordinate: smallest and largest that was measured.
    measured
        How many nodes it rests on.
    rough
        Smallest and largest measured time over the roofline's, of nodes that do some work.
    """

    coefficients: Mapping[str, float]
    low: float
    high: float
    ranges: Mapping[str, tuple[float, float]]
    measured: int
    rough: tuple[float, float]
    correction: Correction | None = field(default=None)

    def base(self, terms: Mapping[str, float]) -> float:
        """The sum of terms, in seconds."""
        total = sum(self.coefficients.get(name, 0.0) * value for name, value in terms.items())
        return max(_FLOOR_S, total)

    def estimate(
        self, terms: Mapping[str, float], coordinates: Mapping[str, float], rough_s: float
    ) -> Estimate:
        """Of one node that takes ``rough_s`` by the roofline."""
        shift = 0.0 if self.correction is None else self.correction.at(coordinates)
        constant = 2 * self.coefficients.get("node", 0.0) + _UNSURE_S
        least = rough_s * self.rough[0] / _MARGIN
        most = rough_s * self.rough[1] * _MARGIN + constant
        seconds = min(max(_FLOOR_S, self.base(terms) * math.exp(shift), least), most)
        outside = max(self._outside(coordinates), default=0.0)
        wider = 1.0 + min(outside, _FARTHEST)
        return Estimate(
            seconds,
            max(seconds * math.exp(self.low * wider) - _UNSURE_S, 0.0),
            min(seconds * math.exp(self.high * wider), max(seconds, most)) + _UNSURE_S,
            outside < 0.5,  # less than half of what was measured, on a log scale
        )

    def _outside(self, coordinates: Mapping[str, float]) -> Sequence[float]:
        """How far each coordinate is outside of what was measured."""
        found = []
        for name, (low, high) in self.ranges.items():
            value = coordinates.get(name, 0.0)
            found.append(max(low - value, value - high, 0.0))
        return found
