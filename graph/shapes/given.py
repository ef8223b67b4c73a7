"""What the user, or the model itself, says of the inputs before the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from onnx import ValueInfoProto, helper

from ...models.inputs import InputHint, input_hints
from .. import dtypes
from ..errors import OcostError
from ..graph import Graph
from .info import Array, Info, Quality
from .onnx_inference import DATA_LIMIT, from_type


@dataclass(frozen=True)
class Given:
    """Shapes of inputs, sizes of symbolic dims, contents of inputs that decide shapes.

    With ``strict`` a dim that stays open is an error; otherwise it is assumed 1.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, Array] = field(default_factory=dict)
    strict: bool = False


class Inputs(NamedTuple):
    """What is known of the graph's inputs.

    ``assumed`` are the open dims that were assumed 1; ``bound`` says that the user sized some,
    so that what the file declares of inner tensors need not hold.
    """

    infos: dict[str, Info]
    assumed: dict[str, int]
    bound: bool


def input_infos(graph: Graph, given: Given) -> Inputs:
    """Sizes for every input: the user's, else the model's, else 1.

    A model may carry sensible input shapes and values of its own in the metadata entry
    ``ocost.inputs``; they count where the user gives none.

    Raises
    ------
    OcostError
        If an input or symbol that the user names is not there, or a shape contradicts the model.
    """
    names = [n for n in graph.inputs if n not in graph.initializers]
    _check_names(graph, given, names)
    hints = input_hints(graph.header.skeleton)
    shapes, symbols = _users_sizes(graph, given)
    ranks = (graph.declared[n].type.tensor_type.HasField("shape") for n in shapes)
    bound = bool(symbols) or not all(ranks)
    for name in names:
        declared = graph.declared[name]
        if name in shapes or name not in hints or not declared.type.HasField("tensor_type"):
            continue
        if not declared.type.tensor_type.HasField("shape"):
            shapes[name] = hints[name].shape
        elif not _clash(declared, hints[name].shape, {}):
            symbols = _symbols(declared, hints[name].shape) | symbols
    assumed: dict[str, int] = {}
    infos: dict[str, Info] = {}
    for name in names:
        info = _resolve(graph.declared[name], shapes.get(name), symbols, assumed)
        value = given.values.get(name)
        if value is None and name in hints and hints[name].value is not None:
            value = _hinted(hints[name], info)
        infos[name] = info if value is None else _with_value(name, info, value)
    if assumed and given.strict:
        options = " ".join(f"--dim {n}=..." for n in assumed)
        raise OcostError(f"open dims: {', '.join(assumed)}; give them with {options}")
    return Inputs(infos, assumed, bound)


def _users_sizes(graph: Graph, given: Given) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """Shapes of inputs that the user gives, and the symbols that they bind."""
    symbols = dict(given.dims)
    shapes = dict(given.shapes)
    for name, shape in given.shapes.items():
        if min(shape, default=0) < 0:
            raise OcostError(f"--shape {name}={_text(shape)}: a size can't be negative")
        clash = _clash(graph.declared[name], shape, symbols)
        if clash:
            raise OcostError(f"--shape {name}={_text(shape)} contradicts {clash}")
        symbols |= _symbols(graph.declared[name], shape)
    for name, value in given.values.items():
        if name in shapes or value.ndim == 0:  # a scalar fills whatever shape there is
            continue
        clash = _clash(graph.declared[name], value.shape, symbols)
        if clash:
            raise OcostError(f"--value {name}: {_text(value.shape)} elements contradict {clash}")
        shapes[name] = value.shape
        symbols |= _symbols(graph.declared[name], value.shape)
    return shapes, symbols


def _hinted(hint: InputHint, info: Info) -> Array | None:
    """The hint's contents, if they are small and of the shape that counts."""
    if info.resolved != hint.shape or (info.size or 0) > DATA_LIMIT:
        return None
    return hint.draw(np.random.default_rng(0))


def _check_names(graph: Graph, given: Given, names: list[str]) -> None:
    for option, wanted in (("--shape", given.shapes), ("--value", given.values)):
        for name in wanted:
            if name not in names:
                raise OcostError(
                    f"{option} {name}: the model has no input '{name}'; it has {', '.join(names)}"
                )
    known = {
        _symbol(n, axis, dim)
        for n in names
        for axis, dim in enumerate(graph.declared[n].type.tensor_type.shape.dim)
        if not (dim.HasField("dim_value") and dim.dim_value >= 0)
    }
    for symbol, size in given.dims.items():
        if symbol not in known:
            raise OcostError(
                f"--dim {symbol}: no input has a dim '{symbol}'; "
                + (f"open are {', '.join(sorted(known))}" if known else "all dims are fixed")
            )
        if size < 0:
            raise OcostError(f"--dim {symbol}={size}: a size can't be negative")


def _symbol(name: str, axis: int, dim: object) -> str:
    """The dim's name; "?" is what some exporters write for a dim without one."""
    param = getattr(dim, "dim_param", "")
    return param if param not in ("", "?") else f"{name}[{axis}]"


def _clash(
    declared: ValueInfoProto, shape: tuple[int, ...], symbols: Mapping[str, int]
) -> str | None:
    """What in the model a given shape contradicts, or None."""
    if not declared.type.tensor_type.HasField("shape"):
        return None
    dims = declared.type.tensor_type.shape.dim
    if len(dims) != len(shape):
        return f"the model: '{declared.name}' has {len(dims)} dims"
    bound: dict[str, int] = dict(symbols)
    for axis, (dim, size) in enumerate(zip(dims, shape, strict=True)):
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            if dim.dim_value != size:
                return f"the model: dim {axis} of '{declared.name}' is {dim.dim_value}"
        else:
            symbol = _symbol(declared.name, axis, dim)
            if bound.setdefault(symbol, size) != size:
                return f"another input or --dim: '{symbol}' is {bound[symbol]}"
    return None


def _symbols(declared: ValueInfoProto, shape: tuple[int, ...]) -> dict[str, int]:
    """What a shape says of the symbolic dims."""
    pairs = zip(declared.type.tensor_type.shape.dim, shape, strict=False)
    return {
        _symbol(declared.name, axis, dim): size
        for axis, (dim, size) in enumerate(pairs)
        if not (dim.HasField("dim_value") and dim.dim_value >= 0)
    }


def _resolve(
    declared: ValueInfoProto,
    shape: tuple[int, ...] | None,
    symbols: Mapping[str, int],
    assumed: dict[str, int],
) -> Info:
    info = from_type(declared.type)
    if info.type is not None or shape is not None:
        return info if shape is None else Info(info.dtype, shape)
    if info.shape is None:
        reason = f"input '{declared.name}' has no declared rank; give --shape {declared.name}=..."
        return Info(info.dtype, None, reason=reason)
    dims = []
    quality = Quality.EXACT
    for axis, dim in enumerate(declared.type.tensor_type.shape.dim):
        size = info.shape[axis]
        if size is None:
            symbol = _symbol(declared.name, axis, dim)
            size = symbols.get(symbol)
            if size is None:
                size = assumed.setdefault(symbol, 1)
                quality = Quality.ASSUMED
        dims.append(size)
    return Info(info.dtype, tuple(dims), quality)


def _with_value(name: str, info: Info, value: Array) -> Info:
    if value.ndim == 0 and info.resolved is not None:
        value = np.full(info.resolved, value)
    if info.resolved is not None and value.shape != info.resolved:
        raise OcostError(
            f"--value {name}: {_text(value.shape)} elements given, "
            f"the input is {_text(info.resolved)}"
        )
    try:
        dtype = helper.tensor_dtype_to_np_dtype(info.dtype) if info.dtype else value.dtype
        if np.issubdtype(dtype, np.integer) and not np.array_equal(value, np.floor(value)):
            raise ValueError
        fitting = value.astype(dtype)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise OcostError(
            f"--value {name}: {value.reshape(-1)[:4].tolist()} are no values of "
            f"{dtypes.name(info.dtype)}"
        ) from error
    return Info(info.dtype, value.shape, info.quality, value=fitting)


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
