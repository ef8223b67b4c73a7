"""Inputs as a model is run on: those of a draw, with noise, in the types that it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from onnx import helper

from ...graph import Graph, dtypes


class Inputs(Protocol):
    """What a draw of a plan is, and what is made of one here."""

    @property
    def what(self) -> str:
        """What it tries, for people."""

    @property
    def special(self) -> bool:
        """Whether NaN or infinities are among them."""

    def feeds(self) -> dict[str, Any]:
        """The inputs by name, made anew at each call and always the same."""


@dataclass(frozen=True)
class Fixed:
    """Inputs that are there already."""

    made: Mapping[str, Any]
    what: str = ""
    special: bool = False

    def feeds(self) -> dict[str, Any]:
        """The inputs."""
        return dict(self.made)


@dataclass(frozen=True)
class _Changed:
    """What is made of the inputs of a draw."""

    draw: Inputs

    @property
    def what(self) -> str:
        """As of the draw."""
        return self.draw.what

    @property
    def special(self) -> bool:
        """As of the draw."""
        return self.draw.special


@dataclass(frozen=True)
class Noisy(_Changed):
    """Those of a draw, and the noise that random nodes read."""

    noise: Mapping[str, Any]

    def feeds(self) -> dict[str, Any]:
        """The inputs."""
        return {**self.draw.feeds(), **self.noise}


@dataclass(frozen=True)
class Fitted(_Changed):
    """Those of a draw, each float in the type that is given here for its name."""

    types: Mapping[str, np.dtype[Any]]

    def feeds(self) -> dict[str, Any]:
        """The inputs."""
        made = self.draw.feeds()
        with np.errstate(all="ignore"):
            return {
                name: value.astype(self.types[name], copy=False) if name in self.types else value
                for name, value in made.items()
            }


def fitted(draw: Inputs, graph: Graph) -> Inputs:
    """A draw as the inputs of a graph: the same where it declares the same float types."""
    declared = {name: graph.declared[name].type.tensor_type.elem_type for name in graph.inputs}
    types = {
        name: helper.tensor_dtype_to_np_dtype(dtype)
        for name, dtype in declared.items()
        if dtypes.is_float(dtype)
    }
    return Fitted(draw, types)
