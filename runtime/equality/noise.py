"""What rounding alone may change: a model and its inputs shaken by a few units in the last place.

Every operation rounds, and how far that carries depends on depth and on how well conditioned the
model is. Shaking all weights and inputs shows it: the change of the outputs is what a rewrite
that only rounds differently may make. No fixed tolerance does that; a deep model may pass 1e-4 of
its largest output while a shallow one stays below 1e-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

# Spacing of the numbers just above 1, by numpy's name of the type.
SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
# A correct rewrite changed the outputs of real models by up to what one unit makes, and by up to
# ten where it sums 50 000 numbers of one sign in another order. Sixteen leave room, and are still
# hundreds of times below what a wrong rewrite does. Of the half types' coarse units two have to
# do: sums are mostly computed in float32, so that only the weights are rounded to them.
UNITS = {"float16": 2, "bfloat16": 2, "float32": 16, "float64": 16}
# A flip of one quantisation step is rare at sixteen units, but far larger than they are: it has to
# occur in the few samples. At 2^-16 about one element in 500 of an 8-bit tensor flips.
QUANTISED = 2.0**-16


def shaken_feeds(
    feeds: Mapping[str, Array], generator: np.random.Generator, *, quantised: bool
) -> dict[str, Array]:
    """Inputs with every float shaken."""

    def shaken(value: Any) -> Any:  # noqa: ANN401 - an array, or what holds some
        if isinstance(value, list):
            return [shaken(inner) for inner in value]
        if isinstance(value, dict):
            return {key: shaken(inner) for key, inner in value.items()}
        if getattr(value, "dtype", None) is not None and value.dtype.name in SPACING:
            return shake(value, generator, quantised)
        return value

    return {name: shaken(value) for name, value in feeds.items()}


def shake(array: Array, generator: np.random.Generator, quantised: bool) -> Array:
    """Each element moved up or down by the same share of itself; 0 and what is not finite stay."""
    share = UNITS[array.dtype.name] * SPACING[array.dtype.name]
    if quantised:
        share = max(share, QUANTISED)
    factors = np.array([1 - share, 1 + share]).astype(array.dtype)
    with np.errstate(all="ignore"):
        moved = array * factors[generator.integers(0, 2, array.shape, dtype=np.uint8)]
    return np.asarray(np.where(np.isfinite(moved), moved, array), dtype=array.dtype)
