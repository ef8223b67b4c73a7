"""Kernels' models from nodes whose times are known."""

import itertools

import numpy as np
import pytest

from ocost.costmodel.calibration.features import Features
from ocost.runtime.calibration.fit import Sample, fit, non_negative, predicted

RANDOM = np.random.default_rng(5)


def sample(flops: float, moved: float, factor: float = 1.0, kernel: str = "k") -> Sample:
    """1 us, 0.01 ns a FLOP and 0.1 ns a byte, times a factor."""
    seconds = factor * (1e-6 + flops * 1e-11 + moved * 1e-10)
    terms = {"node": 1.0, "flops": flops, "moved": moved}
    where = {"flops": np.log(flops), "moved": np.log(moved)}
    return Sample(
        Features(kernel, terms, where), "conv", seconds, max(flops * 1e-11, moved * 1e-10)
    )


def samples(count: int, kernel: str = "k", factor: float = 1.0) -> list[Sample]:
    sizes = np.exp(RANDOM.uniform(np.log(1e4), np.log(1e8), (count, 2)))
    return [sample(f, m, factor, kernel) for f, m in sizes]


def test_what_made_the_times_is_found() -> None:
    model = fit(samples(60))["k"]
    wanted = {"node": 1e-6, "flops": 1e-11, "moved": 1e-10}
    assert {name: model.coefficients[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)
    assert model.measured == 60


def test_nodes_that_were_not_measured() -> None:
    models = fit(samples(60))
    for one in samples(20):
        assert predicted(models, one) == pytest.approx(one.seconds, rel=0.02)


def test_a_smooth_difference_is_learned() -> None:
    """Half as fast for large nodes than the terms have it, and anything between."""

    def curved(one: Sample) -> Sample:
        share = 1 / (1 + np.exp(-(one.features.coordinates["flops"] - 14)))
        return one._replace(seconds=one.seconds * (1 + share))

    models = fit([curved(one) for one in samples(150)])
    off = [abs(predicted(models, s) / s.seconds - 1) for s in map(curved, samples(50))]
    assert np.median(off) < 0.03


def test_a_kernel_of_few_nodes_is_its_kinds_times_a_factor() -> None:
    few = samples(8, "few", 3.0)
    models = fit([*samples(60), *few])
    for one in few:
        assert predicted(models, one) == pytest.approx(one.seconds, rel=0.1)
    assert models["few"].measured == 8


def test_a_tiny_node_says_little_of_large_ones() -> None:
    """It takes ten times what its kind does; a large one isn't taken to."""
    tiny = sample(1e3, 1e3, 10.0, "tiny")
    large = sample(1e8, 1e8, 1.0, "tiny")
    models = fit([*samples(60), tiny])
    assert 1.0 < predicted(models, large) / large.seconds < 2.0
    assert predicted(models, tiny) > 3e-6


def test_a_kernel_that_was_not_measured_is_as_its_kind() -> None:
    models = fit(samples(60))
    other = samples(1, "never seen")[0]
    assert predicted(models, other) == pytest.approx(other.seconds, rel=0.05)
    assert predicted(models, other._replace(kind="softmax")) is None


def test_no_prediction_is_beyond_what_was_measured_over_the_roofline() -> None:
    model = fit(samples(60))["k"]
    wild = Features("k", {"node": 1.0, "flops": 1e4, "moved": 1e15}, {})
    most = 1.5 * model.rough[1] * 1e-7 + 2 * model.coefficients["node"] + 5e-7
    assert model.estimate(wild.terms, wild.coordinates, 1e-7).seconds == pytest.approx(most)


def test_a_byte_has_a_dearest_price() -> None:
    """A few bytes beside much work explain noise at any price, and would ruin a node of many."""

    def beside(one: Sample) -> Sample:
        noisy = one.seconds * (1 + RANDOM.uniform(0, 0.3))
        moved = {**one.features.terms, "weights DRAM": RANDOM.uniform(0, 8)}
        return one._replace(features=one.features._replace(terms=moved), seconds=noisy)

    model = fit([beside(one) for one in samples(60)])["k"]
    assert model.coefficients.get("weights DRAM", 0.0) <= 2e-9


def test_disturbed_nodes_count_less() -> None:
    disturbed = [s._replace(seconds=s.seconds * 10) for s in samples(4)]
    models = fit([*samples(60), *disturbed])
    off = [abs(predicted(models, s) / s.seconds - 1) for s in samples(30)]
    assert np.median(off) < 0.1


def test_non_negative_least_squares_is_the_best_of_all_supports() -> None:
    for _ in range(20):
        table, wanted = RANDOM.normal(size=(12, 4)), RANDOM.normal(size=12)
        found = non_negative(table, wanted)
        assert found.min() >= 0
        least = ((table @ found - wanted) ** 2).sum()
        for size in range(5):
            for chosen in itertools.combinations(range(4), size):
                part = np.linalg.lstsq(table[:, chosen], wanted, rcond=None)[0]
                if size == 0 or part.min() >= 0:
                    other = ((table[:, chosen] @ part - wanted) ** 2).sum()
                    assert least <= other + 1e-9
