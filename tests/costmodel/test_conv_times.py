"""Times of convolutions and copies, in FLOP at the peak, against what was measured."""

from __future__ import annotations

import pytest

from ocost.costmodel.blocked import Convolution
from ocost.costmodel.conv_times import PRICES, Layer, layer_flop, reorder_flop, reorder_terms, terms


def layer(reads: int, makes: int, side: int, width: int, stride: int = 1, group: int = 1) -> Layer:
    return Layer(Convolution(reads, makes, group, (side, side), width), width, stride)


@pytest.mark.parametrize(
    ("case", "row"),
    [
        (layer(64, 64, 3, 28), "blocked"),
        (layer(64, 64, 1, 28), "blocked 1x1"),
        (layer(64, 64, 3, 28, group=64), "blocked depthwise"),
        (layer(64, 64, 3, 28, group=4), "blocked grouped"),
        (layer(3, 64, 3, 28), "direct"),
        (layer(3, 64, 1, 28), "direct 1x1"),
        (layer(23, 64, 3, 28), "plain"),
        (layer(23, 64, 1, 28, 2), "plain"),
        (layer(23, 64, 1, 28), "plain 1x1"),
        (layer(23, 23, 3, 28, group=23), "plain depthwise"),
        (layer(24, 24, 3, 28, group=3), "plain grouped"),
    ],
)
def test_every_kernel_has_its_row(case: Layer, row: str) -> None:
    found, amounts = terms(case, 16)
    assert found == row
    assert set(amounts) <= {*PRICES[row], "1 blocks", "2 blocks", "3 blocks", "4 blocks"}
    assert layer_flop(case, 16) > 0


@pytest.mark.parametrize("into", [False, True])
def test_copies_pay_what_their_rows_price(into: bool) -> None:
    row, amounts = reorder_terms(24, 28 * 28, 16, into=into)
    assert set(amounts) == {*PRICES[row]}


@pytest.mark.parametrize(
    ("few", "more", "ratio"),
    [  # measured: the time with more channels over that with few, profiled, layers alone
        (layer(17, 17, 3, 28), layer(20, 20, 3, 28), 95 / 83),
        (layer(33, 33, 3, 28), layer(36, 36, 3, 28), 196 / 204),
        (layer(33, 33, 3, 56), layer(36, 36, 3, 56), 761 / 770),
    ],
)
def test_ratios_as_measured(few: Layer, more: Layer, ratio: float) -> None:
    assert layer_flop(more, 16) / layer_flop(few, 16) == pytest.approx(ratio, rel=0.06)


def test_blocked_time_is_a_step_function_of_channels() -> None:
    """20 to 32 channels fill two blocks."""
    times = [layer_flop(layer(channels, channels, 3, 28), 16) for channels in (20, 24, 28, 32)]
    assert times == pytest.approx([times[0]] * 4)
    assert layer_flop(layer(36, 36, 3, 28), 16) > 1.5 * times[0]


def test_a_batch_costs_its_rows() -> None:
    one = layer(32, 32, 3, 28)
    eight = one._replace(rows=8 * one.rows)
    assert layer_flop(eight, 16) == pytest.approx(8 * layer_flop(one, 16), rel=0.01)


def test_channels_beside_whole_blocks_are_copied_slowly() -> None:
    """Elements of a block that is not full have a price of their own."""
    whole, part = (reorder_flop(channels, 10_000, 16, into=True) for channels in (16, 15))
    assert part > whole
