"""How well a convolution fares on a kernel."""

from __future__ import annotations

import pytest

from ocost.costmodel.blocked import ConvShape, Kernel, efficiency

SLOW, FAST = 6.1, 3.4  # FLOP a byte of the two cores that were measured
BLOCKED, DIRECT, PLAIN = Kernel.BLOCKED, Kernel.DIRECT, Kernel.PLAIN


def conv(
    runs: Kernel, channels: int, outputs: int = 0, group: int = 1, side: int = 3, width: int = 56
) -> ConvShape:
    return ConvShape(runs, channels, outputs or channels, group, (side, side), width)


@pytest.mark.parametrize(
    ("case", "ridge", "peak", "measured"),
    [  # GFLOP/s
        (conv(BLOCKED, 64), SLOW, 177, 162),
        (conv(BLOCKED, 64, side=1), SLOW, 177, 151),
        (conv(BLOCKED, 64, group=64), SLOW, 177, 60),
        (conv(BLOCKED, 64, group=64, side=5), SLOW, 177, 95),
        (conv(BLOCKED, 64, group=4), SLOW, 177, 100),
        (conv(BLOCKED, 32), FAST, 262, 232),
        (conv(BLOCKED, 16), FAST, 262, 166),
        (conv(BLOCKED, 16, side=1), FAST, 262, 161),
        (conv(BLOCKED, 32, width=14), FAST, 262, 185),
        (conv(BLOCKED, 32, side=5, width=28), FAST, 262, 201),
        (conv(DIRECT, 8, 64), FAST, 262, 227),
        (conv(DIRECT, 8, 64, side=1), FAST, 262, 81),
        (conv(PLAIN, 22), FAST, 262, 110),
        (conv(PLAIN, 30), FAST, 262, 133),
        (conv(PLAIN, 51), FAST, 262, 160),
        (conv(PLAIN, 22, width=14), FAST, 262, 74),
        (conv(PLAIN, 22, side=1), FAST, 262, 121),
        (conv(PLAIN, 30, side=1), FAST, 262, 141),
        (conv(PLAIN, 22, side=5), FAST, 262, 116),
    ],
)
def test_agrees_with_what_was_measured(
    case: ConvShape, ridge: float, peak: float, measured: float
) -> None:
    assert peak * efficiency(case, 16, ridge) == pytest.approx(measured, rel=0.18)


@pytest.mark.parametrize(("channels", "width", "ratio"), [(64, 56, 96 / 162), (512, 7, 95 / 112)])
def test_plain_against_blocked_on_the_slower_core(channels: int, width: int, ratio: float) -> None:
    plain, blocked = (
        efficiency(conv(runs, channels, width=width), 16, SLOW) for runs in (PLAIN, BLOCKED)
    )
    assert plain / blocked == pytest.approx(ratio, rel=0.05)
