"""Sensible inputs that a model's own metadata suggest: their shapes and their values.

``metadata_props["ocost.inputs"]`` is JSON: for each input ``{"dtype": ..., "shape": [...]}`` and
at most one of ``low, high`` (uniform; integers exclude high), ``mean, std`` (normal), ``value``.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from .errors import refusal

KEY = "ocost.inputs"


class InputHint(NamedTuple):
    """The shape of an input, its type as numpy names it (or ``string``), and its values.

    ``value`` is a scalar that fills the shape, or a list of all elements. Without it the values
    are drawn: booleans are all true, integers lie in [low, high) (by default 0 or 1), floats are
    uniform in [low, high) if both are given, else normal (by default standard).
    """

    dtype: str
    shape: tuple[int, ...]
    value: Any = None
    low: float | None = None
    high: float | None = None
    mean: float = 0.0
    std: float = 1.0

    def draw(self, generator: np.random.Generator) -> npt.NDArray[Any]:
        """One such input; a ValueError or TypeError where the hint makes no sense."""
        dtype = np.dtype(object if self.dtype == "string" else self.dtype)
        if isinstance(self.value, list):
            return np.array(self.value, dtype=dtype).reshape(self.shape)
        if self.value is not None:
            return np.full(self.shape, self.value, dtype=dtype)
        if self.dtype == "string":
            raise ValueError("a string needs a value")
        if dtype == np.bool_:
            return np.ones(self.shape, dtype=np.bool_)
        if np.issubdtype(dtype, np.integer):
            low, high = self.low or 0, 2 if self.high is None else self.high
            return generator.integers(int(low), int(high), size=self.shape).astype(dtype)
        if self.low is not None and self.high is not None:
            return np.asarray(generator.uniform(self.low, self.high, size=self.shape), dtype=dtype)
        normal = generator.standard_normal(self.shape) * self.std + self.mean
        return np.asarray(normal, dtype=dtype)


def input_hints(model: ModelProto) -> dict[str, InputHint]:
    """What the model suggests for its inputs, by name; empty where it suggests nothing."""
    text = next((p.value for p in model.metadata_props if p.key == KEY), "{}")
    try:
        rows = json.loads(text)
        return {
            name: InputHint(**{**row, "shape": tuple(int(dim) for dim in row["shape"])})
            for name, row in rows.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise refusal(f"the model's {KEY} metadata are broken: {error}") from error


def make_inputs(model: ModelProto, seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Inputs drawn as the model suggests, the same for the same seed."""
    generator = np.random.Generator(np.random.PCG64(seed))
    feeds = {}
    for name, hint in input_hints(model).items():
        try:
            feeds[name] = hint.draw(generator)
        except (ValueError, TypeError) as error:
            raise refusal(f"the model's {KEY} metadata are broken at {name!r}: {error}") from error
    return feeds
