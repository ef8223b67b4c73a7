"""Times of convolutions and copies, in FLOP at the peak, against what was measured."""

from __future__ import annotations

import pytest

from ocost.costmodel.blocked import ConvShape, Kernel
from ocost.costmodel.conv_times import PRICES, Layer, layer_flop, reorder_flop, reorder_terms, terms

BLOCKED, DIRECT, PLAIN = Kernel.BLOCKED, Kernel.DIRECT, Kernel.PLAIN


def layer(
    runs: Kernel, reads: int, makes: int, side: int, width: int, stride: int = 1, group: int = 1
) -> Layer:
    return Layer(ConvShape(runs, reads, makes, group, (side, side), width), width, stride)


@pytest.mark.parametrize(
    ("case", "row"),
    [
        (layer(BLOCKED, 64, 64, 3, 28), "blocked"),
        (layer(BLOCKED, 64, 64, 1, 28), "blocked 1x1"),
        (layer(BLOCKED, 64, 64, 3, 28, group=64), "blocked depthwise"),
        (layer(BLOCKED, 64, 64, 3, 28, group=4), "blocked grouped"),
        (layer(DIRECT, 3, 64, 3, 28), "direct"),
        (layer(DIRECT, 3, 64, 1, 28), "direct 1x1"),
        (layer(PLAIN, 23, 64, 3, 28), "plain"),
        (layer(PLAIN, 23, 64, 1, 28, 2), "plain"),
        (layer(PLAIN, 23, 64, 1, 28), "plain 1x1"),
        (layer(PLAIN, 23, 23, 3, 28, group=23), "plain depthwise"),
        (layer(PLAIN, 24, 24, 3, 28, group=3), "plain grouped"),
    ],
)
def test_every_kernel_has_its_row(case: Layer, row: str) -> None:
    found, amounts = terms(case)
    assert found == row
    assert set(amounts) <= {*PRICES[row], "1 blocks", "2 blocks", "3 blocks", "4 blocks"}
    assert layer_flop(case) > 0


@pytest.mark.parametrize("into", [False, True])
def test_copies_pay_what_their_rows_price(into: bool) -> None:
    row, amounts = reorder_terms(24, 28 * 28, into=into)
    assert set(amounts) == {*PRICES[row]}


@pytest.mark.parametrize(
    ("few", "more", "ratio"),
    [  # measured: the time with more channels over that with few, profiled, layers alone
        (17, 20, 95 / 83),
        (33, 36, 196 / 204),
    ],
)
def test_ratios_as_measured(few: int, more: int, ratio: float) -> None:
    """The few run plain, the more in blocks of 16."""
    filled = -(-more // 16) * 16
    plain, blocked = layer(PLAIN, few, few, 3, 28), layer(BLOCKED, filled, filled, 3, 28)
    assert layer_flop(blocked) / layer_flop(plain) == pytest.approx(ratio, rel=0.06)


def test_a_batch_costs_its_rows() -> None:
    one = layer(BLOCKED, 32, 32, 3, 28)
    eight = one._replace(rows=8 * one.rows)
    assert layer_flop(eight) == pytest.approx(8 * layer_flop(one), rel=0.01)


def test_channels_beside_whole_blocks_are_copied_slowly() -> None:
    """Elements of a block that is not full have a price of their own."""
    whole, part = (reorder_flop(channels, 10_000, into=True) for channels in (16, 15))
    assert part > whole
