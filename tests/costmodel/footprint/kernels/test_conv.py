"""What plain convolutions unfold."""

import numpy as np
import pytest


def f(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("x", "w", "attributes", "threads"),
    [
        ((1, 16, 30, 30), (32, 16, 3, 3), {"pads": [1] * 4}, 1),
        ((1, 16, 30, 30), (32, 16, 3, 3), {"pads": [1] * 4}, 2),
        ((4, 16, 30, 30), (32, 16, 3, 3), {"pads": [1] * 4}, 1),  # an image at a time
        ((1, 16, 30, 30), (32, 16, 1, 1), {}, 1),  # nothing
        ((1, 64, 7, 7), (10, 64, 7, 7), {}, 1),  # more filters than places: 64 * 49 * 4, all of it
        ((1, 16, 300), (32, 16, 3), {"pads": [1] * 2}, 1),
    ],
)
def test_unfolded_input(beside, x, w, attributes, threads) -> None:
    told, seen = beside("Conv", f(*x), [f(*w)], [f(w[0])], threads=threads, **attributes)
    assert told.working == seen.working
