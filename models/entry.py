"""What a weightless file says of one stripped tensor, and the data that stands in for it."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto as T

NUMPY: dict[int, np.dtype[Any]] = {
    T.FLOAT: np.dtype(np.float32),
    T.DOUBLE: np.dtype(np.float64),
    T.FLOAT16: np.dtype(np.float16),
    # Generated as float32, then rounded to its upper half: numpy has no such type.
    T.BFLOAT16: np.dtype(np.float32),
    T.INT8: np.dtype(np.int8),
    T.UINT8: np.dtype(np.uint8),
    T.INT16: np.dtype(np.int16),
    T.UINT16: np.dtype(np.uint16),
    T.INT32: np.dtype(np.int32),
    T.INT64: np.dtype(np.int64),
    T.BOOL: np.dtype(np.bool_),
}
"""The element types that can be stripped, and what each is generated as."""


def itemsize(dtype: int) -> int:
    """Bytes of one stored element of a type in ``NUMPY``."""
    return 2 if dtype == T.BFLOAT16 else NUMPY[dtype].itemsize


@dataclass(frozen=True, slots=True)
class Normal:
    """Kind ``n``: normal draws clipped to [low, high]; integers are rounded.

    With ``log`` (kind ``l``, for variances, which are positive and skewed) the draws are
    ``mean * exp(std * normal)``.
    """

    seed: int
    mean: float
    std: float
    low: float
    high: float
    log: bool = False

    def values(self, count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """The draws. The format fixes the generator and the order of these operations."""
        generator = np.random.Generator(np.random.PCG64(self.seed))
        x = generator.standard_normal(count, dtype=np.float32)
        x *= np.float32(self.std)
        if self.log:
            np.exp(x, out=x)
            x *= np.float32(self.mean)
        else:
            x += np.float32(self.mean)
        if np.issubdtype(dtype, np.integer):
            np.rint(x, out=x)
            range_ = np.iinfo(dtype)
            low, high = max(self.low, range_.min), min(self.high, range_.max)
            return np.clip(x.astype(np.int64), int(low), int(high)).astype(dtype)
        np.clip(x, np.float32(self.low), np.float32(self.high), out=x)
        return x.astype(dtype, copy=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """Kind ``c``: every element the same."""

    value: float

    def values(self, count: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """``count`` times the value."""
        return np.full(count, self.value, dtype=dtype)


@dataclass(frozen=True, slots=True)
class Exact:
    """Kind ``z``: kept as it is, compressed."""

    payload: str

    @classmethod
    def of(cls, data: bytes) -> Exact:
        """Compress a tensor's raw data."""
        return cls(base64.b64encode(zlib.compress(data, 9)).decode("ascii"))


PackedEntry = Normal | Constant | Exact


def raw(entry: PackedEntry, dtype: int, count: int) -> bytes:
    """The raw data of a tensor of ``count`` elements, the same on every run.

    Raises
    ------
    ValueError, OverflowError, zlib.error
        The entry's figures do not fit the type, or its payload is damaged.
    """
    if isinstance(entry, Exact):
        return zlib.decompress(base64.b64decode(entry.payload))
    values = entry.values(count, NUMPY[dtype])
    if dtype == T.BFLOAT16:
        bits = values.view(np.uint32)
        # Round to nearest, ties to even: add half of the dropped part, less one where even.
        values = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return values.tobytes()


def decode(fields: Sequence[object]) -> PackedEntry:
    """Read what follows the index in a manifest's entry; a ValueError if it is none."""
    match fields:
        case [
            ("n" | "l") as kind,
            int(seed),
            (int() | float()) as mean,
            (int() | float()) as std,
            (int() | float()) as low,
            (int() | float()) as high,
        ] if seed >= 0:
            return Normal(seed, mean, std, low, high, log=kind == "l")
        case ["c", (int() | float()) as value]:
            return Constant(value)
        case ["z", str(payload)]:
            return Exact(payload)
    raise ValueError(f"{str(fields)[:60]} is no entry of kind n, l, c or z")


def encode(entry: PackedEntry) -> list[object]:
    """The inverse of ``decode``."""
    match entry:
        case Normal(seed, mean, std, low, high, log):
            return ["l" if log else "n", seed, mean, std, low, high]
        case Constant(value):
            return ["c", value]
        case Exact(payload):
            return ["z", payload]
