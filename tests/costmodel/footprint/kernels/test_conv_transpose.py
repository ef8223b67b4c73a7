"""What transposed convolutions take."""

import numpy as np


def test_product_and_filters(beside) -> None:
    """The product of one group of one image, 8 * 9 * 900 * 4; all filters, 16 * 8 * 9 * 4."""
    x, w = np.ones((1, 16, 30, 30), np.float32), np.ones((16, 8, 3, 3), np.float32)
    told, seen = beside("ConvTranspose", x, [w], group=2)
    assert told.packed == seen.packed == 4_608
    assert told.working == seen.working
