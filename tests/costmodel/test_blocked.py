"""Which kernel runs a convolution, and how well it fares."""

from __future__ import annotations

import pytest

from ocost.costmodel.blocked import (
    Convolution,
    Kernel,
    efficiency,
    kernel,
    padded,
)

SLOW, FAST = 6.1, 3.4  # FLOP a byte of the two cores that were measured


def conv(channels: int, outputs: int = 0, group: int = 1, side: int = 3, width: int = 56):
    return Convolution(channels, outputs or channels, group, (side, side), width)


@pytest.mark.parametrize(("channels", "blocks"), [(1, 16), (16, 16), (17, 32), (23, 32)])
def test_channels_fill_whole_blocks(channels: int, blocks: int) -> None:
    assert padded(channels, 16) == blocks


@pytest.mark.parametrize(
    ("case", "runs"),
    [
        *((conv(n), Kernel.PLAIN) for n in (17, 22, 23, 30)),
        *((conv(n), Kernel.BLOCKED) for n in (16, 20, 24, 28, 32)),
        (conv(24, 23), Kernel.BLOCKED),  # outputs may be anything
        (conv(3, 23), Kernel.DIRECT),
        (conv(15), Kernel.DIRECT),
        (conv(12, group=12), Kernel.BLOCKED),
        (conv(13, group=13), Kernel.PLAIN),
        (conv(32, group=2), Kernel.BLOCKED),
        (conv(24, group=2), Kernel.PLAIN),
        (conv(32, 24, group=2), Kernel.PLAIN),
    ],
)
def test_kernels_at_a_block_of_16(case: Convolution, runs: Kernel) -> None:
    assert kernel(case, 16) is runs


def test_kernels_at_other_blocks() -> None:
    assert kernel(conv(12), 8) is Kernel.BLOCKED
    assert kernel(conv(24, group=3), 8) is Kernel.BLOCKED
    assert kernel(conv(64), 1) is Kernel.PLAIN


@pytest.mark.parametrize(
    ("case", "ridge", "peak", "measured"),
    [  # GFLOP/s
        (conv(64), SLOW, 177, 162),
        (conv(64, side=1), SLOW, 177, 151),
        (conv(64, group=64), SLOW, 177, 60),
        (conv(64, group=64, side=5), SLOW, 177, 95),
        (conv(64, group=4), SLOW, 177, 100),
        (conv(32), FAST, 262, 232),
        (conv(16), FAST, 262, 166),
        (conv(16, side=1), FAST, 262, 161),
        (conv(32, width=14), FAST, 262, 185),
        (conv(32, side=5, width=28), FAST, 262, 201),
        (conv(8, 64), FAST, 262, 227),
        (conv(8, 64, side=1), FAST, 262, 81),
        (conv(22), FAST, 262, 110),
        (conv(30), FAST, 262, 133),
        (conv(51), FAST, 262, 160),
        (conv(22, width=14), FAST, 262, 74),
        (conv(22, side=1), FAST, 262, 121),
        (conv(30, side=1), FAST, 262, 141),
        (conv(22, side=5), FAST, 262, 116),
    ],
)
def test_agrees_with_what_was_measured(
    case: Convolution, ridge: float, peak: float, measured: float
) -> None:
    assert peak * efficiency(case, 16, ridge) == pytest.approx(measured, rel=0.18)


@pytest.mark.parametrize(("channels", "width", "ratio"), [(64, 56, 96 / 162), (512, 7, 95 / 112)])
def test_plain_against_blocked_on_the_slower_core(channels: int, width: int, ratio: float) -> None:
    case = conv(channels, width=width)
    plain, blocked = (efficiency(case, block, SLOW) for block in (1, 16))
    assert plain / blocked == pytest.approx(ratio, rel=0.05)
