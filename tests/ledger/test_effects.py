"""What a rewrite comes to."""

from __future__ import annotations

import pytest

from ocost.ledger.effects import effect_of

WHOLE = {"latency_s": 1e-3, "traffic_bytes": 1e6, "flops": 1e6, "param_bytes": 1e6}


def delta(latency_us: float, traffic: int = 0, flops: int = 0, stored: int = 0) -> dict[str, float]:
    return {
        "latency_s": latency_us * 1e-6,
        "traffic_bytes": traffic,
        "flops": flops,
        "param_bytes": stored,
    }


@pytest.mark.parametrize(
    ("written_us", "executed_us", "effect"),
    [
        (-100, -90, "net"),
        (-100, -6, "net"),
        (-100, -5, "runtime"),  # 5 % of it, which is a crumb
        (-100, 0, "runtime"),
        (-100, 5, "runtime"),
        (-100, 6, "hinders"),
        (0, -6, "enables"),
        (50, -6, "enables"),
        (-0.2, -6, "enables"),  # the file saves next to nothing of it
        (0, 6, "hinders"),
        (50, 6, "hinders"),
        (50, 0, "runtime"),
        (0, 0, "runtime"),
        (0, -0.0009, "runtime"),  # less than a millionth of 1 ms
        (0, -0.0011, "enables"),
    ],
)
def test_the_latency_decides(written_us: float, executed_us: float, effect: str) -> None:
    other = delta(0, 1, 1, 1)
    written, executed = (other | {"latency_s": us * 1e-6} for us in (written_us, executed_us))
    if not (written_us or executed_us):
        written = executed = delta(0)
    assert effect_of(written, executed, WHOLE) == effect


def test_what_decides_where_the_latency_stays() -> None:
    assert effect_of(delta(0, -100), delta(0, -100), WHOLE) == "net"
    assert effect_of(delta(0, -100), delta(0, 0), WHOLE) == "runtime"
    assert effect_of(delta(0, 0, -100), delta(0, 0, 100), WHOLE) == "hinders"
    assert effect_of(delta(0, 0, 0, -100), delta(0, 0, 0, -100), WHOLE) == "net"
