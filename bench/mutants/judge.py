"""Whether an edit changes what a model computes, by more than rounding does: in float64."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import ModelProto

from .float64 import Feeds, exact, own
from .view import Array

ROOM = 10  # as many times the spread of rounding has to be exceeded
_UNITS = {"float64": 2**-53, "float32": 2**-24, "float16": 2**-11, "bfloat16": 2**-8}


def leaves(name: str, value: object) -> Iterator[tuple[str, Array]]:
    """The arrays in an output."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(f"{name}[{key!r}]", inner)
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from leaves(f"{name}[{at}]", inner)
    else:
        yield name, np.asarray(value)


def flat(names: Sequence[str], outputs: Sequence[Any]) -> dict[str, Array]:
    """All arrays in the outputs, by name."""
    return {k: v for n, o in zip(names, outputs, strict=True) for k, v in leaves(n, o)}


def distance(one: Array, other: Array) -> float:
    """The largest difference of two numbers; infinite where they can't be subtracted."""
    if one.shape != other.shape:
        return np.inf
    if one.dtype.kind in "OUS" or other.dtype.kind in "OUS":
        return np.inf if (one.astype(str) != other.astype(str)).any() else 0.0
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        found = np.where(same, 0.0, np.abs(a - b))
    return float(np.where(np.isnan(found), np.inf, found).max(initial=0.0))


@dataclass
class Judge:
    """A model's outputs on many inputs, and what rounding makes of them.

    Parameters
    ----------
    model
        As it is without an edit.
    draws
        Inputs, as many as the time allows are used.
    seconds
        To run the model on them, and again for each mutant.
    """

    model: ModelProto
    draws: Sequence[Feeds]
    seconds: float
    answers: list[dict[str, Array]] = field(default_factory=list)
    spread: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = [value.name for value in self.model.graph.output]
        right, rounded = exact(self.model), own(self.model)
        end = time.monotonic() + self.seconds
        for number, feeds in enumerate(self.draws):
            answer = flat(self.names, right(feeds, number))
            self.answers.append(answer)
            for name, array in flat(self.names, rounded(feeds, number)).items():
                wide = answer.get(name)
                off = np.inf if wide is None else distance(wide, array)
                self.spread[name] = max(self.spread.get(name, 0.0), off, _unit(array))
            if time.monotonic() > end:
                break

    def moved(self, mutant: ModelProto) -> bool:
        """Whether an output moves beyond rounding on any of the inputs, as far as time goes.

        Raises
        ------
        Exception
            Of any kind, where the mutant doesn't run.
        """
        names = [value.name for value in mutant.graph.output]
        run = exact(mutant)
        end = time.monotonic() + self.seconds
        for number, answer in enumerate(self.answers):
            found = flat(names, run(self.draws[number], number))
            if found.keys() != answer.keys():
                return True
            for name, array in found.items():
                if distance(answer[name], array) > ROOM * self.spread.get(name, 0.0):
                    return True
            if time.monotonic() > end:
                break
        return False


def _unit(array: Array) -> float:
    """One rounding of the largest number; 0 for a type that does not round."""
    unit = _UNITS.get(array.dtype.name)
    if unit is None:
        return 0.0
    sizes = np.abs(array.astype(np.float64))
    return unit * float(sizes.max(initial=0.0, where=np.isfinite(sizes)))
