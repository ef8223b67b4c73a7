"""What a graph that a rule nearly matches is made of, beside the same graph with the fix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ocost.graph import Graph

from ..conftest import model

Array = npt.NDArray[np.generic]


class Made(NamedTuple):
    """A graph: its text, and constants by name, by their shape where the contents don't matter."""

    text: str
    constants: dict[str, Array | tuple[int, ...]]
    opset: int = 17

    def graph(self) -> Graph:
        rng = np.random.default_rng(0)
        arrays = {
            name: (rng.random(c, dtype=np.float32) + 0.5) / 8 if isinstance(c, tuple) else c
            for name, c in self.constants.items()
        }
        return model(f"g {self.text}", self.opset, **arrays)


@dataclass(frozen=True)
class Case:
    """What nearly matches, what is to be said of it, and what it is with the fix."""

    name: str
    rule: str
    kind: str
    reason: str  # part of it
    fix: str
    blocked: Made
    fixed: Made
    others: tuple[str, ...] = field(default=())  # rules that nearly match as well


def f(value: float, *shape: int) -> Array:
    return np.full(shape, value, np.float32)


def u(value: int, *shape: int) -> Array:
    return np.full(shape, value, np.uint8)


def s(value: int, *shape: int) -> Array:
    return np.full(shape, value, np.int8)


def swap(made: Made, *pairs: tuple[str, str], opset: int = 0, **constants: object) -> Made:
    text = made.text
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    kept = {k: c for k, c in {**made.constants, **constants}.items() if c is not None}
    return Made(text, kept, opset or made.opset)  # type: ignore[arg-type]


W = (32, 32, 3, 3)
X = "(float[1,32,16,16] x) => (float[1,32,16,16] y)"
CONV = "c = Conv <pads=[1,1,1,1]> (x, w)"
