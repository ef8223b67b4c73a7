"""The model of one kernel."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ocost.costmodel.calibration.kernel import Correction, KernelModel

MODEL = KernelModel(
    coefficients={"node": 1e-6, "flops": 1e-11},
    low=-0.1,
    high=0.2,
    ranges={"size": (0.0, 2.0)},
    measured=50,
    rough=(0.5, 100.0),
)
UNSURE = 5e-7  # s, of a profiler of whole microseconds
TERMS = {"node": 1.0, "flops": 1e6}


def test_terms_times_coefficients() -> None:
    found = MODEL.estimate(TERMS, {"size": 1.0}, 1e-6)
    assert found.seconds == pytest.approx(1.1e-5)
    assert found.low == pytest.approx(1.1e-5 * math.exp(-0.1) - UNSURE)
    assert found.high == pytest.approx(1.1e-5 * math.exp(0.2) + UNSURE)
    assert found.inside


def test_a_term_that_was_not_measured_takes_nothing() -> None:
    assert MODEL.base({**TERMS, "other": 1e9}) == pytest.approx(1.1e-5)


def test_outside_of_what_was_measured_the_interval_is_wider() -> None:
    found = MODEL.estimate(TERMS, {"size": 3.0}, 1e-6)
    assert not found.inside
    assert found.seconds == pytest.approx(1.1e-5)
    assert found.high == pytest.approx(1.1e-5 * math.exp(0.4) + UNSURE)
    assert found.low == pytest.approx(1.1e-5 * math.exp(-0.2) - UNSURE)


def test_far_outside_it_is_no_wider_than_three_times() -> None:
    far = MODEL.estimate(TERMS, {"size": 50.0}, 1e-6)
    assert far.high == pytest.approx(1.1e-5 * math.exp(0.6) + UNSURE)


@pytest.mark.parametrize(("rough", "seconds"), [(1e-8, 1.5e-6 + 2e-6 + UNSURE), (1e-4, 1e-4 / 3)])
def test_kept_in_the_range_of_measured_over_roofline(rough: float, seconds: float) -> None:
    found = MODEL.estimate(TERMS, {}, rough)
    assert found.seconds == pytest.approx(seconds)
    assert found.low <= found.seconds <= found.high


def test_a_correction_counts_near_what_was_measured() -> None:
    correction = Correction(
        *(("size",), np.array([0.0]), np.array([1.0])),
        points=np.array([[0.0], [2.0]]),
        weights=np.array([0.5, -0.5]),
    )
    model = replace(MODEL, correction=correction)
    near = math.exp(-2.0)  # of the other point, two widths away
    at_first = model.estimate(TERMS, {"size": 0.0}, 1e-6).seconds
    assert at_first == pytest.approx(1.1e-5 * math.exp(0.5 - 0.5 * near))
    beyond = model.estimate(TERMS, {"size": 40.0}, 1e-6).seconds
    assert beyond == pytest.approx(1.1e-5 * math.exp(-0.5 + 0.5 * near))  # as at the last point
