"""Two models compared on a simulated machine: no difference where there is none, 5 % under load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ocost.runtime.timing.comparison import compare
from ocost.runtime.timing.intervals import LEAST

MakeMachine = Callable[..., Any]
BUSY = {"noise": 0.05, "drift": 0.2, "load": 0.25, "placement": 0.002}


def test_compare_without_noise(machine: MakeMachine) -> None:
    m = machine()
    found = compare(m.opener(0.002), m.opener(0.0025), budget_s=10)
    assert (found.low, found.ratio, found.high) == pytest.approx((1.25,) * 3)
    assert found.verdict == "slower"
    assert (found.noise_floor, found.smallest_detectable) == pytest.approx((0, 0))
    assert (found.a.latency_s, found.b.latency_s) == pytest.approx((0.002, 0.0025))
    assert (found.wall_over_cpu, found.noisy) == (pytest.approx(1), False)
    assert compare(m.opener(0.0025), m.opener(0.002), budget_s=10).verdict == "faster"
    same = compare(m.opener(0.002), m.opener(0.002), budget_s=10)
    assert same.verdict == "no measurable difference"


def test_the_budget_is_kept(machine: MakeMachine) -> None:
    m = machine()
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
    machine: MakeMachine,
) -> None:
    m = machine()
    found = compare(m.opener(1.0), m.opener(1.0), budget_s=5)
    assert (found.blocks, found.rounds, found.openings) == (LEAST, LEAST, 1)
    assert len(m.log) == 9 + LEAST * 12


def test_every_round_is_mirrored_and_orders_vary(machine: MakeMachine) -> None:
    m = machine(opening=0)
    compare(m.opener(0.002, "a"), m.opener(0.002, "b"), budget_s=2, seed=3)
    # Of 2 ms, a slot has 2 runs, a round 6 slots. After 9 warm-ups a block's share of 2 s / 16,
    # less these 18 ms, is 107 ms: 5 rounds of 24 ms.
    rounds = ["".join(m.log[start : start + 12]) for start in range(9, 69, 12)]
    for runs in rounds:
        slots = runs[::2]
        assert runs[1::2] == slots
        assert slots == slots[::-1]
        assert sorted(slots[:3]) == ["a", "a", "b"]
    assert len(set(rounds)) > 1


def test_sessions_of_a_block_are_closed_before_the_next(machine: MakeMachine) -> None:
    m = machine()
    found = compare(m.opener(0.002), m.opener(0.002), budget_s=5)
    assert found.openings >= LEAST
    assert (m.most_alive, m.alive) == (3, 0)


def test_few_sessions_may_be_biased_and_the_interval_says_so(machine: MakeMachine) -> None:
    # Opening takes 3 x (0.5 s + 6 ms) = 1.518 s, for which 0.4 x 10 s has room twice, not 8 times.
    # So each set of sessions serves 16 / 2 blocks, and a bias of its own can't be told from a
    # difference of 1.4 %.
    m = machine(opening=0.5)
    found = compare(m.opener(0.002), m.opener(0.002 * 1.014), budget_s=10)
    assert (found.openings, found.blocks) == (2, 15)
    assert (found.low, found.high) == pytest.approx((1.014 / 1.015, 1.014 * 1.015))
    assert found.noise_floor == 0.015
    assert found.smallest_detectable == pytest.approx(1.014 * 0.015, abs=2e-4)
    assert found.verdict == "no measurable difference"
    m = machine(opening=0.5)
    assert compare(m.opener(0.002), m.opener(0.002 * 1.016), budget_s=10).verdict == "slower"


def test_each_block_has_its_own_sessions_where_the_budget_has_room_for_eight(
    machine: MakeMachine,
) -> None:
    # Opening takes 3 x (0.15 s + 6 ms) = 468 ms: 8 times, 3.7 s, is less than 0.4 x 10 s.
    m = machine(opening=0.15)
    found = compare(m.opener(0.002), m.opener(0.002 * 1.01), budget_s=10)
    assert found.openings == found.blocks == LEAST
    assert found.verdict == "slower"


def test_the_same_model_is_not_found_different_under_load(machine: MakeMachine) -> None:
    verdicts = []
    for seed in range(100):
        m = machine(seed=seed, **BUSY)
        found = compare(m.opener(0.001), m.opener(0.001), budget_s=1.5, seed=seed)
        assert found.noisy
        verdicts.append(found.verdict)
    # At 99 % one interval in 100 may miss by chance; the noise floor catches most of these.
    assert verdicts.count("no measurable difference") >= 99


def test_sessions_that_differ_by_their_placement_are_not_found_different(
    machine: MakeMachine,
) -> None:
    verdicts = []
    for seed in range(100):
        m = machine(seed=seed, noise=0.001, placement=0.005)
        found = compare(m.opener(0.001), m.opener(0.001), budget_s=2, seed=seed)
        assert found.openings >= LEAST
        verdicts.append(found.verdict)
    assert verdicts.count("no measurable difference") >= 99


def test_five_per_cent_are_found_under_load(machine: MakeMachine) -> None:
    verdicts, covered = [], 0
    for seed in range(100):
        m = machine(seed=seed, **BUSY)
        found = compare(m.opener(0.001), m.opener(0.00105), budget_s=5, seed=seed)
        verdicts.append(found.verdict)
        covered += found.low <= 1.05 <= found.high
    assert verdicts.count("slower") >= 95
    assert covered >= 96


def test_two_per_cent_are_found_on_a_quiet_machine(machine: MakeMachine) -> None:
    m = machine(noise=0.01, drift=0.02, placement=0.002)
    found = compare(m.opener(0.005), m.opener(0.0049), budget_s=10)
    assert found.smallest_detectable < 0.01
    assert found.verdict == "faster"
    assert not found.noisy


def test_wall_over_cpu_tells_of_others_on_the_core(machine: MakeMachine) -> None:
    m = machine()
    m.loaded = True  # wall is twice the CPU time
    busy = compare(m.opener(0.002), m.opener(0.002), budget_s=1)
    assert (busy.wall_over_cpu, busy.noisy) == (pytest.approx(2), True)
    assert compare(m.opener(0.002), m.opener(0.002), budget_s=1, threads=2).wall_over_cpu is None
