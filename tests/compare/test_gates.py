"""Gates read as the user means them, and trip when they should."""

from __future__ import annotations

import pytest

from ocost.compare.gates import check, parse
from ocost.costmodel.result import Totals
from ocost.graph import OcostError

NOTHING = dict.fromkeys(Totals.names())


def totals(**figures: float) -> Totals:
    return Totals(**{**NOTHING, **figures})


@pytest.mark.parametrize(
    ("spec", "before", "after", "actual", "ok"),
    [
        ("written.flops:0%", 100, 100, 0.0, True),
        ("written.flops:0%", 100, 101, 1.0, False),
        ("written.latency:5%", 2.0, 2.08, 4.0, True),
        ("written.latency:-5%", 2.0, 1.96, -2.0, False),  # demands a saving of 5 %
        ("written.latency:-5%", 2.0, 1.8, -10.0, True),
        ("written.flops:5", 0, 6, 6.0, False),
        ("written.peak_bytes:8MiB", 0, 8 * 2**20, 8.0 * 2**20, True),
        ("written.peak:8MiB", 0, 8 * 2**20 + 1, 8.0 * 2**20 + 1, False),
        ("written.latency:1.5ms", 0.010, 0.011, 0.001, True),
        ("written.macs:5%", 0, 3, float("inf"), False),
        ("written.macs:5%", 0, 0, 0.0, True),
    ],
)
def test_limits(spec: str, before: float, after: float, actual: float, ok: bool) -> None:
    gate = parse(spec)
    sides = totals(**{gate.metric: before}), totals(**{gate.metric: after})
    verdict = check(gate, {"written": sides}, whole=True)
    assert verdict.actual == pytest.approx(actual)
    assert verdict.ok is ok


def test_an_unknown_figure_fails_the_gate() -> None:
    verdict = check(parse("written.peak_bytes:10%"), {"written": (totals(), totals())}, whole=True)
    assert (verdict.actual, verdict.ok) == (None, False)


def test_the_default_level_is_executed_and_a_missing_level_is_said() -> None:
    gate = parse("latency:5%")
    assert gate.level == "executed"
    with pytest.raises(
        OcostError,
        match=r"^--fail-on latency:5%: .* no level 'executed'; write written.latency:5%$",
    ):
        check(gate, {"written": (totals(), totals())}, whole=True)


@pytest.mark.parametrize(
    "spec",
    ["latency", "speed:5%", "flops:5furlongs", "flops:", "flops:five", "latency:5", "peak:5"],
)
def test_what_cannot_be_read(spec: str) -> None:
    with pytest.raises(OcostError, match=f"^--fail-on {spec}: "):
        parse(spec)


def test_a_sum_over_part_of_the_nodes_is_not_known() -> None:
    sides = {"written": (totals(flops=100, file_bytes=9), totals(flops=1, file_bytes=9))}
    assert not check(parse("written.flops:0%"), sides, whole=False).ok
    assert check(parse("written.file_bytes:0%"), sides, whole=False).ok
