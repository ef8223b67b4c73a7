"""Recurrent networks."""

import numpy as np
import pytest


def f(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize(("op_type", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_packed_weights_and_steps(beside, op_type: str, gates: int, directions: int) -> None:
    """Within a twentieth: what a step takes is told roughly."""
    gates *= 64
    weights = [f(directions, gates, 40)], [f(directions, gates, 64)]
    direction = "bidirectional" if directions == 2 else "forward"
    told, seen = beside(op_type, f(50, 2, 40), *weights, hidden_size=64, direction=direction)
    assert told.packed == seen.packed == directions * gates * (40 + 64) * 4
    assert told.working == pytest.approx(seen.working, rel=0.05)
