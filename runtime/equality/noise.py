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
from onnx import ModelProto, numpy_helper

from ...models.walk import consumed, walk

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


def shaken(model: ModelProto, generator: np.random.Generator, *, quantised: bool) -> ModelProto:
    """A copy of a model, its weights filled, with every weight shaken.

    Scalars, whole numbers and the scales of a Resize stay: they say what is computed (an
    exponent, a mask, a size) more often than how much.
    """
    made = ModelProto()
    made.CopyFrom(model)
    kept = consumed(made, {"Resize": 1, "Upsample": 1}) | consumed(made, {"Resize": 2})
    for tensor, name in walk(made):
        if name in kept:
            continue
        array = numpy_helper.to_array(tensor)
        if array.dtype.name in SPACING and array.size > 1:
            moved = np.where(array == np.rint(array), array, shake(array, generator, quantised))
            tensor.CopyFrom(numpy_helper.from_array(moved.astype(array.dtype), tensor.name))
    return made


def shaken_feeds(
    feeds: Mapping[str, Array], generator: np.random.Generator, *, quantised: bool
) -> dict[str, Array]:
    """Inputs with every float shaken."""
    return {
        name: shake(array, generator, quantised) if array.dtype.name in SPACING else array
        for name, array in feeds.items()
    }


def shake(array: Array, generator: np.random.Generator, quantised: bool) -> Array:
    """Each element moved up or down by the same share of itself; 0 and what is not finite stay."""
    share = UNITS[array.dtype.name] * SPACING[array.dtype.name]
    if quantised:
        share = max(share, QUANTISED)
    factors = np.array([1 - share, 1 + share]).astype(array.dtype)
    with np.errstate(all="ignore"):
        moved = array * factors[generator.integers(0, 2, array.shape, dtype=np.uint8)]
    return np.asarray(np.where(np.isfinite(moved), moved, array), dtype=array.dtype)
