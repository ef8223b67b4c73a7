"""Inputs to run a model with: made so that they are valid, or read from the user's file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import helper

from ...graph import Graph, OcostError, dtypes
from ...graph.shapes import Given, Info, Shapes
from ...graph.shapes.onnx_inference import DATA_LIMIT, from_type
from .constants import Constants
from .draws import Array, Draw, Setting, Value, inputs_of, required
from .modes import Mode, Style
from .sizes import Dims, Frame, Search, declared_dims


def make_feeds(graph: Graph, shapes: Shapes, *, seed: int = 0) -> dict[str, Value]:
    """Contents for every input of a model, the same for the same seed.

    What the user gave counts first, then what the model's own metadata suggest. Else integers
    are indices within the tables that they are looked up in, lengths of whole sequences, or 0
    and 1; 8-bit ones fill their range; masks let everything pass; floats are standard normal, or
    positive where the model takes their root or logarithm or divides by them; strings are those
    that the model knows.

    Parameters
    ----------
    graph
        A root graph. Initializers that a caller may override keep their own contents.
    shapes
        What is known of its tensors, with the contents that the user gave.
    seed
        Of the random generator.

    Returns
    -------
    dict
        Arrays; a list, a dict or None for an input that is a sequence, a map or an optional.

    Raises
    ------
    OcostError
        If no shape is found for an input without a declared rank, or one doesn't fit into memory.
    """
    names = required(graph)
    infos = {name: shapes.get(name) for name in names}
    fixed = [name for name, info in infos.items() if info is not None and info.value is not None]
    inputs = inputs_of(shapes, _sizes(graph, infos), fixed)
    modes = {made.name: Mode(Style.CHOICE) for made in inputs if made.choices}
    known = Constants.of(graph)
    return Draw("", False, Setting(inputs, known=known), modes, seed).feeds()


def _sizes(graph: Graph, infos: Mapping[str, Info | None]) -> dict[str, tuple[int, ...]]:
    """The inputs' shapes; what is not declared is chosen so that inference finds no fault."""
    dims: dict[str, Dims | None] = {}
    for name, info in infos.items():
        known = None if info is None else info.resolved
        dims[name] = known or declared_dims(name, graph.declared[name].type) if known != () else ()
    frame = Frame(graph, dims, {})
    if not frame.symbols:
        return frame.shapes({})
    found = Search(frame, lambda *_: True, lambda: False).base()
    if found is None:
        raise OcostError(
            f"no shape was found that fits input '{frame.symbols[0]}'; give --shape or --inputs"
        )
    return frame.shapes(found)


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
    missing = [name for name in required(graph) if name not in arrays]
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
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(declared.dtype))
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
