"""Choose the manifest entry that stands in for a tensor's data: what stripping keeps of it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, numpy_helper

from .entry import Constant, Exact, Normal, PackedEntry

_SMALL_INTEGERS = (np.int8, np.uint8, np.int16, np.uint16)


def content(tensor: TensorProto) -> bytes:
    """A tensor's data in the layout of ``raw_data``, whichever field holds them."""
    return tensor.raw_data or numpy_helper.to_array(tensor).tobytes()


def digest(tensor: TensorProto) -> bytes:
    """A hash of type and data: equal for equal tensors, whatever their shapes and names."""
    return hashlib.sha256(b"%d:" % tensor.data_type + content(tensor)).digest()


def describe(tensor: TensorProto, *, seed: int, variance: bool, bias: bool) -> PackedEntry | None:
    """The entry for a tensor, or None where keeping the data in the tensor is shorter.

    Weights are drawn anew from their mean, spread and range. What decides shapes, indices or
    masks is kept exactly: other integers, booleans, and whatever has two values only or any
    that is not finite.

    Parameters
    ----------
    variance
        It is a BatchNormalization's variance somewhere.
    bias
        It is the int32 bias of a quantised operator somewhere, thus weights.
    """
    values = numpy_helper.to_array(tensor)
    if tensor.data_type == TensorProto.BFLOAT16:
        values = values.astype(np.float32)
    low, high = values.min(), values.max()
    if low == high and np.isfinite(low):
        return Constant(low.item())
    if _is_weights(values, bias) and not ((values == low) | (values == high)).all():
        return _normal(values, seed, log=variance and bool(low > 0))
    data = content(tensor)
    kept = Exact.of(data)
    return kept if len(kept.payload) < len(data) else None


def _is_weights(values: npt.NDArray[Any], bias: bool) -> bool:
    if np.issubdtype(values.dtype, np.floating):
        return bool(np.isfinite(values).all())
    return values.dtype in _SMALL_INTEGERS or (bias and values.dtype == np.int32)


def _normal(values: npt.NDArray[Any], seed: int, *, log: bool) -> Normal:
    measured = np.log(values, dtype=np.float64) if log else values
    mean = float(measured.mean(dtype=np.float64))
    return Normal(
        seed=seed,
        mean=_short(np.exp(mean) if log else mean, 4),
        std=_short(measured.std(dtype=np.float64), 4),
        # Nine digits give a float32 back exactly, so that no bound leaves the type's range.
        low=_short(values.min(), 9),
        high=_short(values.max(), 9),
        log=log,
    )


def _short(value: np.generic | float, digits: int) -> float:
    return float(f"{float(value):.{digits}g}")
