"""The timing protocol on a simulated machine, whose clocks only its own runs advance."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from ocost.runtime import timing
from ocost.runtime.intervals import LEAST
from ocost.runtime.timing import compare, measure, pinned


@dataclass
class Machine:
    """Stands in for the module ``time``.

    A run takes so much CPU time, times what the machine's state adds: a slow drift, phases of
    load that come and go, and short disturbances. Others have the core in phases of load too.
    """

    seed: int = 0
    noise: float = 0.0  # of one run, one-sided
    drift: float = 0.0
    load: float = 0.0  # slow-down in a phase of load
    placement: float = 0.0  # deviation of a session from its model's latency
    opening: float = 0.02
    loaded: bool = False
    cpu: float = 0.0
    wall: float = 0.0
    alive: int = 0
    most_alive: int = 0
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def perf_counter(self) -> float:
        return self.wall

    def thread_time(self) -> float:
        return self.cpu

    def opener(self, seconds: float, name: str = "") -> Callable[[], timing.Run]:
        return lambda: _Session(self, seconds * (1 + self.rng.gauss(0, self.placement)), name)


class _Session:
    def __init__(self, machine: Machine, seconds: float, name: str) -> None:
        self.machine, self.seconds, self.name = machine, seconds, name
        machine.wall += machine.opening
        machine.alive += 1
        machine.most_alive = max(machine.most_alive, machine.alive)

    def __del__(self) -> None:
        self.machine.alive -= 1

    def __call__(self) -> None:
        m = self.machine
        took = self.seconds * (1 + m.drift * math.sin(m.wall))
        if m.noise:
            took *= 1 + m.rng.expovariate(1 / m.noise)
        if m.load:
            if m.rng.random() < 0.02:
                m.loaded = not m.loaded
            took *= 1 + m.load * m.loaded * m.rng.random()
        m.cpu += took
        m.wall += took * (2 if m.loaded else 1)
        m.log.append(self.name)


def machine(monkeypatch: pytest.MonkeyPatch, **settings: float) -> Machine:
    made = Machine(**settings)  # type: ignore[arg-type]
    monkeypatch.setattr(timing, "time", made)
    return made


BUSY = {"noise": 0.05, "drift": 0.2, "load": 0.25, "placement": 0.002}


def test_measure_without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine(monkeypatch)
    found = measure(m.opener(0.002)())
    # 3 warm-ups take 6 ms, so no more are needed; then 8 parts of 20.
    assert len(m.log) == 3 + 160
    assert (found.runs, found.noisy) == (160, False)
    assert (found.low_s, found.latency_s, found.high_s) == pytest.approx((0.002,) * 3)


def test_short_runs_are_warmed_up_longer_and_timed_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    m = machine(monkeypatch)
    found = measure(m.opener(1 / 2**16)())  # 15.3 us
    # Warm-ups fill 5 ms: 0.005 x 65536 = 327.7. A sample fills 0.1 ms: 6.6, so 7 runs.
    assert len(m.log) == 328 + 160 * 7
    assert found.runs == 160 * 7
    assert found.latency_s == pytest.approx(1 / 2**16)


def test_a_long_run_is_not_repeated_more_than_the_interval_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    m = machine(monkeypatch)
    assert measure(m.opener(1.0)(), budget_s=5).runs == LEAST
    assert len(m.log) == 3 + LEAST


def test_measure_goes_on_until_the_interval_is_tight_or_the_budget_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    m = machine(monkeypatch, noise=0.1)
    tight = measure(m.opener(0.001)(), budget_s=60)
    assert tight.high_s - tight.low_s <= 0.01 * tight.latency_s
    assert m.wall < 30
    # The lower quartile of 1 + exponential noise: 1 + 0.1 x ln(4 / 3) = 1.0288.
    assert tight.latency_s == pytest.approx(0.0010288, rel=0.01)
    m = machine(monkeypatch, drift=0.5)
    wide = measure(m.opener(0.001)(), budget_s=3)
    assert 3 <= m.wall < 3.3
    # In 3 s the drift, a sine, takes the latency from 1 to 1.5 ms and back: the 8 parts range
    # from about 1.1 to 1.5.
    assert wide.high_s - wide.low_s > 0.3 * wide.latency_s


def test_cpu_time_counts_for_one_thread_and_the_wall_for_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    m = machine(monkeypatch)
    m.loaded = True  # wall is twice the CPU time
    alone, together = (measure(m.opener(0.002)(), threads=n) for n in (1, 2))
    assert alone.latency_s == pytest.approx(0.002)
    assert together.latency_s == pytest.approx(0.004)
    assert (alone.noisy, together.noisy) == (True, False)
    busy = compare(m.opener(0.002), m.opener(0.002), budget_s=1)
    assert busy.wall_over_cpu == pytest.approx(2)
    assert busy.noisy
    assert compare(m.opener(0.002), m.opener(0.002), budget_s=1, threads=2).wall_over_cpu is None


def test_compare_without_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine(monkeypatch)
    found = compare(m.opener(0.002), m.opener(0.0025), budget_s=10)
    assert (found.low, found.ratio, found.high) == pytest.approx((1.25,) * 3)
    assert found.verdict == "slower"
    assert (found.noise_floor, found.smallest_detectable) == pytest.approx((0, 0))
    assert (found.a.latency_s, found.b.latency_s) == pytest.approx((0.002, 0.0025))
    assert (found.wall_over_cpu, found.noisy) == (pytest.approx(1), False)
    assert compare(m.opener(0.0025), m.opener(0.002), budget_s=10).verdict == "faster"
    same = compare(m.opener(0.002), m.opener(0.002), budget_s=10)
    assert same.verdict == "no measurable difference"


def test_the_budget_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine(monkeypatch)
    found = compare(m.opener(0.004), m.opener(0.004), budget_s=10)
    # A slot is 2 samples of 4 ms (5 / 4 rounds to 1, but 2 is the least), a round 6 slots.
    # An opening takes 3 x (20 + 3 x 4) = 96 ms, which 8 times is less than a quarter of 10 s.
    assert found.openings == found.blocks
    assert 14 <= found.blocks <= 16
    assert 9 < m.wall < 10
    runs = found.blocks * 9 + found.rounds * 12
    assert len(m.log) == runs
    assert found.a.runs == found.rounds * 4


def test_a_slow_model_gets_the_least_that_an_interval_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    m = machine(monkeypatch)
    found = compare(m.opener(1.0), m.opener(1.0), budget_s=5)
    assert (found.blocks, found.rounds, found.openings) == (LEAST, LEAST, 1)
    assert len(m.log) == 9 + LEAST * 12


def test_every_round_is_mirrored_and_orders_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine(monkeypatch, opening=0)
    compare(m.opener(0.002, "a"), m.opener(0.002, "b"), budget_s=2, seed=3)
    rounds = "".join(m.log[9:39])  # of the first block: 6 slots of 2 samples, 5 ms / 2 ms
    slots = rounds[:12:2]
    assert sorted(slots) == list("aaaabb")
    assert slots == slots[::-1]
    assert rounds[:12] == "".join(2 * slot for slot in slots)
    opened = {"".join(m.log[i : i + 9]) for i in range(0, len(m.log), len(m.log) // 16)}
    assert len(opened) > 1


def test_sessions_of_a_block_are_closed_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine(monkeypatch)
    found = compare(m.opener(0.002), m.opener(0.002), budget_s=5)
    assert found.openings >= LEAST
    assert (m.most_alive, m.alive) == (3, 0)


def test_a_bias_of_few_sessions_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    # Opening takes 3 x (1 s + 6 ms): 8 of these take 24.1 s, ten times a quarter of 10 s. So the
    # sessions are kept for 10 blocks, and their own bias can't be told from a difference of 0.8 %.
    m = machine(monkeypatch, opening=1.0)
    found = compare(m.opener(0.002), m.opener(0.002 * 1.008), budget_s=10)
    assert found.openings == 2
    assert found.blocks == 11
    assert found.low > 1
    assert (found.noise_floor, found.smallest_detectable) == (0.01, 0.01)
    assert found.verdict == "no measurable difference"
    m = machine(monkeypatch, opening=1.0)
    assert compare(m.opener(0.002), m.opener(0.00203), budget_s=10).verdict == "slower"


def test_the_same_model_is_not_found_different_under_load(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = []
    for seed in range(100):
        m = machine(monkeypatch, seed=seed, **BUSY)
        found = compare(m.opener(0.001), m.opener(0.001), budget_s=1.5, seed=seed)
        assert found.noisy
        verdicts.append(found.verdict)
    # At 99 % one interval in 100 may miss by chance; the noise floor catches most of these.
    assert verdicts.count("no measurable difference") >= 99


def test_five_per_cent_are_found_under_load(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts, covered = [], 0
    for seed in range(100):
        m = machine(monkeypatch, seed=seed, **BUSY)
        found = compare(m.opener(0.001), m.opener(0.00105), budget_s=5, seed=seed)
        verdicts.append(found.verdict)
        covered += found.low <= 1.05 <= found.high
    assert verdicts.count("slower") >= 95
    assert covered >= 96


def test_two_per_cent_are_found_on_a_quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    m = machine(monkeypatch, noise=0.01, drift=0.02, placement=0.002)
    found = compare(m.opener(0.005), m.opener(0.0049), budget_s=10)
    assert found.smallest_detectable < 0.01
    assert found.verdict == "faster"
    assert not found.noisy


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
