"""The part of the last cache that a core gets, from how bandwidth falls."""

import pytest

from ocost.runtime.calibration import caches
from ocost.runtime.calibration.caches import cache_sizes

KIB, MIB = 1024, 1024**2


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches, "_told", lambda: (32 * KIB, MIB))


def curve(edge: int, fast: float = 32e9, slow: float = 8e9) -> tuple[tuple[int, float], ...]:
    sizes = [2**power for power in range(18, 27)]
    return tuple((size, 100e9 if size <= MIB else fast if size <= edge else slow) for size in sizes)


def test_it_ends_where_the_bandwidth_is_half_way_down() -> None:
    # 32 GB/s at 16 MiB and 8 GB/s at 32 MiB: 16 GB/s, by logarithms the middle, lies between.
    found = cache_sizes(curve(16 * MIB), 1)
    assert found[:2] == (32 * KIB, MIB)
    assert found[2] == pytest.approx(16 * MIB * 2**0.5)


def test_threads_share_it() -> None:
    assert cache_sizes(curve(16 * MIB), 2)[2] == pytest.approx(8 * MIB * 2**0.5)


def test_a_curve_that_does_not_fall_is_all_in_the_cache() -> None:
    assert cache_sizes(curve(64 * MIB), 1)[2] == 64 * MIB


def test_a_curve_that_is_too_short() -> None:
    assert cache_sizes(curve(16 * MIB)[:4], 1)[2] == 2 * MIB
