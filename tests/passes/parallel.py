"""Small models whose branches are added up."""

from __future__ import annotations

import numpy as np

from ocost.graph import Graph

from .conftest import model


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def statistics(letter: str, channels: int) -> dict[str, np.ndarray]:
    """Scale, shift, mean and variance, all different from those of another letter."""
    values = random(4, channels, seed=ord(letter))
    return {f"{letter}{i}": abs(v) + 0.5 if i == 3 else v for i, v in enumerate(values)}


def bn(letter: str, x: str) -> str:
    return f"BatchNormalization ({x}, {letter}0, {letter}1, {letter}2, {letter}3)"


def total(text: str, channels: int = 4, size: int = 8, **constants: np.ndarray) -> Graph:
    return model(
        f"""g (float[N, 4, 8, 8] x) => (float[N, {channels}, {size}, {size}] y) {{
            {text}
        }}""",
        **constants,
    )


W3 = random(4, 4, 3, 3, seed=3)
W1 = random(4, 4, 1, 1, seed=1)
PADDED = "<pads = [1, 1, 1, 1]>"
