"""Where data lie, from what was touched since."""

import pytest

from ocost.costmodel.calibration.machine import Machine

MACHINE = Machine(16, (32e3, 1e6, 1e7))


@pytest.mark.parametrize("distance", [1, 1e4, 1e5, 1e7, 1e9])
def test_all_of_it_lies_somewhere(distance: float) -> None:
    found = MACHINE.by_level(1000, distance)
    assert sum(found) == pytest.approx(1000)
    assert min(found) >= 0


@pytest.mark.parametrize(("distance", "level"), [(1e3, 0), (2e5, 1), (3e6, 2), (1e9, 3)])
def test_most_of_it_in_the_level_that_holds_it(distance: float, level: int) -> None:
    found = MACHINE.by_level(1.0, distance)
    assert max(found) == found[level] > 0.5


def test_at_the_edge_of_a_cache_half() -> None:
    assert MACHINE.by_level(1.0, 32e3)[0] == pytest.approx(0.5)
