"""Inputs to run a model with: made so that they are valid, or read from the user's file."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import helper

from ...graph import Graph, OcostError, dtypes
from ...graph.shapes import Given, Info, Shapes
from ...graph.shapes.onnx_inference import DATA_LIMIT, from_type
from ...models.inputs import KEY, InputHint, input_hints
from .roles import Interval, allowed

Array = npt.NDArray[Any]


def make_feeds(graph: Graph, shapes: Shapes, *, seed: int = 0) -> dict[str, Array]:
    """An array for every input of a model, the same for the same seed.

    What the user gave counts first, then what the model's own metadata suggest. Else integers
    are indices within the tables that they are looked up in, lengths of whole sequences, or 0
    and 1; 8-bit ones fill their range; masks let everything pass; floats are standard normal, or
    positive where the model takes their root or logarithm or divides by them.

    Parameters
    ----------
    graph
        A root graph. Initializers that a caller may override keep their own contents.
    shapes
        What is known of its tensors, with the contents that the user gave.
    seed
        Of the random generator.

    Raises
    ------
    OcostError
        If an input's shape is not known, it is a sequence, a map or an optional, or of a type
        that numpy doesn't have.
    """
    generator = np.random.default_rng(seed)
    hints = input_hints(graph.header.skeleton)
    feeds = {}
    for name in _required(graph):
        info = shapes.get(name)
        assert info is not None  # every input is inferred
        try:
            feeds[name] = _make(name, info, shapes, hints.get(name), generator)
        except (MemoryError, ValueError) as error:  # numpy's, of arrays that are too large
            size = "x".join(map(str, info.resolved or ()))
            raise OcostError(
                f"input '{name}' can't be made as large as {size}; give a smaller --shape or --dim"
            ) from error
    return feeds


def _required(graph: Graph) -> list[str]:
    return [name for name in graph.inputs if name not in graph.initializers]


def _make(
    name: str,
    info: Info,
    shapes: Shapes,
    hint: InputHint | None,
    generator: np.random.Generator,
) -> Array:
    if info.type is not None:
        kind = str(info.type.WhichOneof("value")).removesuffix("_type")
        raise OcostError(f"input '{name}' is a {kind}: only tensors can be made or read")
    shape = info.resolved
    if shape is None:
        raise OcostError(info.reason or f"the shape of input '{name}' is not known; give --shape")
    if info.value is not None:
        return info.value
    dtype = _numpy_type(f"input '{name}'", info.dtype)
    if hint is not None and (hint.shape == shape or not isinstance(hint.value, list)):
        try:
            return replace(hint, shape=shape).draw(generator).astype(dtype)
        except (ValueError, TypeError) as error:
            raise OcostError(
                f"the model's {KEY} metadata are broken at {name!r}: {error}"
            ) from error
    if info.dtype == dtypes.STRING:
        return np.full(shape, "a", dtype=object)
    limits = allowed(shapes, name)
    if limits is None and ("mask" in name.lower() or info.dtype == dtypes.BOOL):
        limits = Interval(1, 1)
    return _draw(info.dtype, shape, limits, generator).astype(dtype)


def _numpy_type(where: str, dtype: int) -> np.dtype[Any]:
    made = helper.tensor_dtype_to_np_dtype(dtype)
    if made.isbuiltin != 1:
        raise OcostError(f"{where} is {dtypes.name(dtype)}, which numpy can't hand to onnxruntime")
    return made


def _draw(
    dtype: int, shape: tuple[int, ...], limits: Interval | None, generator: np.random.Generator
) -> Array:
    if dtypes.is_float(dtype):
        if limits is None:
            return generator.standard_normal(shape, dtype=np.float32)
        return np.asarray(generator.uniform(limits.low, limits.high, shape))
    if limits is None and dtype in (dtypes.INT8, dtypes.UINT8):
        range_ = np.iinfo(helper.tensor_dtype_to_np_dtype(dtype))
        limits = Interval(range_.min, range_.max)
    low, high = limits or Interval(0, 1)
    return np.asarray(generator.integers(math.ceil(low), math.floor(high) + 1, shape))


def load_feeds(path: Path, graph: Graph) -> dict[str, Array]:
    """Inputs from a ``.npz``, or from a ``.json`` of nested lists by input name.

    Raises
    ------
    OcostError
        If the file can't be read, an input is missing or not the model's, or its contents don't
        fit the type and shape that the model declares.
    """
    arrays = _read(path)
    for name in arrays:
        if name not in graph.inputs:
            raise OcostError(
                f"{path}: the model has no input '{name}'; it has {', '.join(graph.inputs)}"
            )
    missing = [name for name in _required(graph) if name not in arrays]
    if missing:
        raise OcostError(f"{path}: no contents for input {', '.join(missing)}")
    return {
        name: _fitted(f"{path}: input '{name}'", array, from_type(graph.declared[name].type))
        for name, array in arrays.items()
    }


def given_by(graph: Graph, feeds: Mapping[str, Array]) -> Given:
    """What inputs tell the cost model: their shapes, and of small ones the contents."""
    known = {name: array for name, array in feeds.items() if name not in graph.initializers}
    numbers = (n for n, a in known.items() if a.dtype.kind in "biuf" and a.size <= DATA_LIMIT)
    return Given(
        shapes={name: array.shape for name, array in known.items()},
        values={name: known[name] for name in numbers},
    )


def _read(path: Path) -> dict[str, Array]:
    try:
        if path.suffix == ".npz":
            with path.open("rb") as file:  # else numpy takes it for a pickle, or for one array
                if not zipfile.is_zipfile(file):
                    raise OcostError(f"{path}: no .npz archive")
                file.seek(0)
                with np.load(file, allow_pickle=False) as archive:
                    return dict(archive)
        if path.suffix == ".json":
            read = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(read, dict):
                raise OcostError(f'{path}: no arrays by input name, as in {{"x": [1, 2]}}')
            return {name: np.asarray(value) for name, value in read.items()}
    except OcostError:
        raise
    except OSError as error:
        raise OcostError(f"{path}: can't be read ({error.strerror or error})") from error
    except Exception as error:  # of many classes, on a damaged archive
        raise OcostError(f"{path}: no arrays by input name ({error})") from error
    raise OcostError(f"{path}: inputs come in a .npz or .json file")


def _fitted(where: str, array: Array, declared: Info) -> Array:
    """The array in the type that the model declares, if it keeps its contents and fits."""
    if declared.type is not None:
        kind = str(declared.type.WhichOneof("value")).removesuffix("_type")
        raise OcostError(f"{where} is a {kind}: only tensors can be made or read")
    shape = declared.shape
    if shape is not None and (
        len(shape) != array.ndim
        or any(a not in (None, b) for a, b in zip(shape, array.shape, strict=True))
    ):
        wanted = "x".join("?" if dim is None else str(dim) for dim in shape) or "scalar"
        given = "x".join(map(str, array.shape)) or "scalar"
        raise OcostError(f"{where} is {given}, the model wants {wanted}")
    dtype = _numpy_type(where, declared.dtype)
    if array.dtype.kind in "US" and declared.dtype == dtypes.STRING:
        return array.astype(object)
    if array.dtype.kind in "biuf" and declared.dtype != dtypes.STRING:
        with np.errstate(all="ignore"):  # the comparison below tells
            made = array.astype(dtype)
        if dtypes.is_float(declared.dtype) or (made == array).all():
            return made
    held = "text" if array.dtype.kind in "US" else str(array.dtype)
    wanted = dtypes.name(declared.dtype)
    raise OcostError(f"{where} holds {held} contents that are no {wanted}")
