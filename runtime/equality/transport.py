"""Values on their way between processes: small ones as they are, large arrays through files."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_INLINE = 1 << 20  # bytes of an array that goes through the pipe
_numbers = itertools.count()


@dataclass(frozen=True)
class Stored:
    """An array in a file of its own, as plain bytes."""

    file: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def put(value: object, folder: Path, mark: str) -> object:
    """A value to send: its large arrays in files of the folder, whose names start with ``mark``."""
    if isinstance(value, np.ndarray):
        if value.nbytes <= _INLINE or value.dtype.hasobject:
            return value
        file = folder / f"{mark}{next(_numbers)}.bin"
        with file.open("wb") as out:  # tofile() would not say why it can't
            out.write(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        return Stored(str(file), value.dtype, value.shape)
    if isinstance(value, Mapping):
        return {key: put(inner, folder, mark) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [put(inner, folder, mark) for inner in value]
    return value


def get(value: object) -> Any:  # noqa: ANN401 - whatever was sent
    """What was sent; arrays in files are mapped, so that only what is looked at is read."""
    if isinstance(value, Stored):
        return np.memmap(value.file, dtype=value.dtype, mode="r", shape=value.shape)
    if isinstance(value, Mapping):
        return {key: get(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [get(inner) for inner in value]
    return value


def drop(value: object) -> None:
    """Remove the files of what was sent; who still maps one keeps its contents."""
    if isinstance(value, Stored):
        with contextlib.suppress(OSError):  # where a mapped file can't be removed it stays
            Path(value.file).unlink()
    elif isinstance(value, Mapping):
        for inner in value.values():
            drop(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in value:
            drop(inner)
