"""The timing protocol on a simulated machine, whose clocks only its own runs advance."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from ocost.runtime.timing.intervals import LEAST
from ocost.runtime.timing.stopwatch import measure, pinned

MakeMachine = Callable[..., Any]


def test_measure_without_noise(machine: MakeMachine) -> None:
    m = machine()
    found = measure(m.opener(0.002)())
    # 3 warm-ups take 6 ms, so no more are needed; then 8 parts of 20.
    assert len(m.log) == 3 + 160
    assert (found.runs, found.noisy) == (160, False)
    assert (found.low_s, found.latency_s, found.high_s) == pytest.approx((0.002,) * 3)


def test_short_runs_are_warmed_up_longer_and_timed_together(
    machine: MakeMachine,
) -> None:
    m = machine()
    found = measure(m.opener(1 / 2**16)())  # 15.3 us
    # Warm-ups fill 5 ms: 0.005 x 65536 = 327.7. A sample fills 0.1 ms: 6.6, so 7 runs.
    assert len(m.log) == 328 + 160 * 7
    assert found.runs == 160 * 7
    assert found.latency_s == pytest.approx(1 / 2**16)


def test_a_long_run_is_not_repeated_more_than_the_interval_needs(
    machine: MakeMachine,
) -> None:
    m = machine()
    assert measure(m.opener(1.0)(), budget_s=5).runs == LEAST
    assert len(m.log) == 3 + LEAST


def test_measure_goes_on_until_the_interval_is_tight_or_the_budget_ends(
    machine: MakeMachine,
) -> None:
    m = machine(noise=0.1)
    tight = measure(m.opener(0.001)(), budget_s=60)
    assert tight.high_s - tight.low_s <= 0.01 * tight.latency_s
    assert m.wall < 30
    # The lower quartile of 1 + exponential noise: 1 + 0.1 x ln(4 / 3) = 1.0288.
    assert tight.latency_s == pytest.approx(0.0010288, rel=0.01)
    m = machine(drift=0.5)
    wide = measure(m.opener(0.001)(), budget_s=3)
    assert 3 <= m.wall < 3.3
    # In 3 s the drift, a sine, takes the latency from 1 to 1.5 ms and back: the 8 parts range
    # from about 1.1 to 1.5.
    assert wide.high_s - wide.low_s > 0.3 * wide.latency_s


def test_cpu_time_counts_for_one_thread_and_the_wall_for_more(
    machine: MakeMachine,
) -> None:
    m = machine()
    m.loaded = True  # wall is twice the CPU time
    alone, together = (measure(m.opener(0.002)(), threads=n) for n in (1, 2))
    assert alone.latency_s == pytest.approx(0.002)
    assert together.latency_s == pytest.approx(0.004)
    assert (alone.noisy, together.noisy) == (True, False)


def test_pinning_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = [{0, 3, 5}]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed[-1], raising=False)
    monkeypatch.setattr(
        os, "sched_setaffinity", lambda _, cores: allowed.append(cores), raising=False
    )
    with pinned() as core:
        assert (core, allowed[-1]) == (5, {5})
    assert allowed[-1] == {0, 3, 5}

    def fail() -> None:
        with pinned(0) as core:
            assert (core, allowed[-1]) == (0, {0})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert allowed[-1] == {0, 3, 5}


def test_no_pinning_where_the_system_cant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pinned() as core:
        assert core is None
