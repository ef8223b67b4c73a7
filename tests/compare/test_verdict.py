"""Each conclusion that can be drawn from a measurement and a prediction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ocost.compare.verdict import Sides, conclude, ratio
from ocost.costmodel.result import Totals
from ocost.runtime.timing.comparison import Comparison, Verdict
from ocost.runtime.timing.stopwatch import Timing

TIMING = Timing(10e-3, 10e-3, 10e-3, 100, noisy=False)


def measured(value: float, verdict: Verdict, detectable: float = 0.02) -> Comparison:
    """A ratio with an interval of 0.02 to each side."""
    figures = (value, value - 0.02, value + 0.02, 0.01, detectable)
    return Comparison(*figures, verdict, TIMING, TIMING, None, False, 8, 8, 8)


def level(latency_s: float | None = 10e-3, traffic_bytes: int | None = 1000) -> Sides:
    """From 10 ms and 1000 bytes to these."""
    nothing = dict.fromkeys(Totals.names())
    before = Totals(**{**nothing, "latency_s": 10e-3, "traffic_bytes": 1000})
    return before, Totals(**{**nothing, "latency_s": latency_s, "traffic_bytes": traffic_bytes})


SAME = measured(1.0, "no measurable difference")
TEXTS = {
    "real": (
        conclude(measured(0.9, "faster"), level(8e-3), level(8.5e-3)),
        "The saving is real: -10.0 % of latency measured (-12.0 % to -8.0 %); predicted: "
        "-20.0 % as written, -15.0 % as executed.",
    ),
    "slow-down": (
        conclude(measured(1.1, "slower"), level(8e-3), None),
        "It is a slow-down: +10.0 % of latency measured (+8.0 % to +12.0 %); predicted: "
        "-20.0 % as written.",
    ),
    "runtime's own": (
        conclude(SAME, level(9.5e-3, 700), level(9.9e-3, 990)),
        "The runtime makes this saving by itself: traffic changes by -30.0 % as written, but by "
        "-1.0 % in what the runtime executes, and no difference is measured where 2.0 % would have "
        "shown.",
    ),
    "not confirmed": (
        conclude(SAME, level(8e-3), level(9e-3)),
        "Not confirmed: -10.0 % of latency is predicted as executed, but no difference is measured "
        "where 2.0 % would have shown.",
    ),
    "not measurable": (
        conclude(SAME, level(9.9e-3), level(9.9e-3)),
        "Not measurable: -1.0 % of latency is predicted as executed, and no difference is measured "
        "where 2.0 % would have shown.",
    ),
    "none": (
        conclude(SAME, level(), level()),
        "No change: none is predicted as executed, and no difference is measured where 2.0 % would "
        "have shown.",
    ),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_sentences(kind: str) -> None:
    found, sentence = TEXTS[kind]
    assert (found.kind, found.sentence) == (kind, sentence)


def test_latency_is_what_the_runtime_makes_by_itself_where_it_falls_more() -> None:
    found = conclude(SAME, level(6e-3, 700), level())
    assert found.kind == "runtime's own"
    assert "estimated latency changes by -40.0 % as written, but by 0 % in" in found.sentence


def test_a_busy_machine_does_not_confirm_that_the_runtime_made_it() -> None:
    # A run that tells 30 % at best says nothing of 29 %, but something of 31 %.
    busy = measured(1.0, "no measurable difference", 0.3)
    assert conclude(busy, level(7.1e-3), level()).kind == "not measurable"
    assert conclude(busy, level(6.9e-3), level()).kind == "runtime's own"


def test_without_what_is_executed_the_runtime_is_only_suspected() -> None:
    found = conclude(SAME, level(8e-3), None)
    assert found.kind == "not confirmed"
    assert found.sentence.endswith(": the runtime may make this change by itself.")


def test_nothing_predicted_is_no_prediction_of_nothing() -> None:
    found = conclude(SAME, level(None, None), None)
    assert found.kind == "not measurable"
    assert "nothing is predicted" in found.sentence
    real = conclude(measured(0.9, "faster"), level(None, None), None)
    assert real.sentence.endswith("measured (-12.0 % to -8.0 %).")


def test_what_shows_as_0_is_none() -> None:
    # 10 ms less 4 us are 0.04 % less, 6 us 0.06 %.
    assert conclude(SAME, level(), level(9.996e-3)).kind == "none"
    assert conclude(SAME, level(), level(9.994e-3)).kind == "not measurable"


def test_a_saving_of_another_model_says_so() -> None:
    found = conclude(measured(0.9, "faster"), level(), None, different=True)
    assert found.kind == "real"
    assert found.sentence.endswith(". But the graphs compute different outputs.")


def test_a_busy_machine_is_in_the_same_sentence() -> None:
    busy = replace(measured(0.9, "faster"), noisy=True)
    found = conclude(busy, level(8e-3), None)
    assert found.kind == "real"
    assert found.sentence.startswith(
        "The saving is real, as far as a busy machine tells: -10.0 % of latency measured"
    )
    same = conclude(replace(SAME, noisy=True), level(9.5e-3, 700), level(9.9e-3, 990))
    assert same.sentence.startswith(
        "The runtime makes this saving by itself, as far as a busy machine tells: traffic"
    )


def test_ratio() -> None:
    assert ratio(level(5e-3), "latency_s") == 0.5
    assert ratio(level(None), "latency_s") is None
    assert ratio(level()[::-1], "flops") is None
