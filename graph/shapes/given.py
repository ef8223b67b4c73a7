"""What the user, or the model itself, says of the inputs before the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from onnx import TensorShapeProto, ValueInfoProto, helper

from ...models.inputs import InputHint, input_hints
from .. import dtypes
from ..errors import OcostError
from ..graph import Graph
from .info import Array, Info, Quality
from .onnx_inference import DATA_LIMIT, from_type
from .sizes import Size, Sizes


class Given(NamedTuple):
    """Shapes of inputs, sizes of dims, contents of inputs that decide shapes.

    A dim is named by its symbol or by its place, ``x[0]``. Shapes and dims may override a size
    that the file fixes. ``trips`` are those of Loops by the paths that reports name nodes by.
    With ``strict`` a dim that stays open is an error. Otherwise it is as large as ``found`` of
    another model, else assumed 1 or, where that doesn't fit, what does.
    """

    shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({})
    dims: Mapping[str, int] = MappingProxyType({})
    values: Mapping[str, Array] = MappingProxyType({})
    strict: bool = False
    trips: Mapping[str, int] = MappingProxyType({})
    found: Mapping[str, Size] = MappingProxyType({})


class Inputs(NamedTuple):
    """What is known of the graph's inputs.

    ``assumed`` are the open dims that were assumed, ``inferred`` those for which no other size
    fits, ``axes`` the first axis of an input that each open dim is. ``overridden`` are what
    the file says of the inputs whose fixed sizes the user changed. ``bound`` says that the user
    sized some, so that what the file declares of inner tensors need not hold.
    """

    infos: dict[str, Info]
    assumed: dict[str, int]
    inferred: dict[str, int]
    axes: dict[str, int]
    overridden: dict[str, tuple[int | None, ...]]
    bound: bool


def input_infos(graph: Graph, given: Given, sizes: Sizes = MappingProxyType({})) -> Inputs:
    """Sizes for every input: the user's, else the model's, else of ``sizes``, else 1.

    A model may carry sensible input shapes and values of its own in the metadata entry
    ``ocost.inputs``; they count where the user gives none.

    Raises
    ------
    OcostError
        If an input or symbol that the user names is not there, or a shape contradicts the model.
    """
    names = [n for n in graph.inputs if n not in graph.initializers]
    _check_names(graph, given, names)
    for loop, trips in given.trips.items():
        if trips < 0:
            raise OcostError(f"--trips {loop}={trips}: a count can't be negative")
    hints = input_hints(graph.header.skeleton)
    shapes, symbols = _users_sizes(graph, given)
    ranks = (graph.declared[n].type.tensor_type.HasField("shape") for n in shapes)
    fixed = _fixed_dims(graph, given, names)
    bound = bool(symbols) or bool(fixed) or not all(ranks)
    for name in names:
        declared = graph.declared[name]
        if name in shapes or name not in hints or not declared.type.HasField("tensor_type"):
            continue
        if not declared.type.tensor_type.HasField("shape"):
            shapes[name] = hints[name].shape
        elif not _clash(declared, hints[name].shape, {}):
            symbols = _symbols(declared, hints[name].shape) | symbols
    assumed: dict[str, int] = {}
    sizes = {**given.found, **sizes}
    inferred = {symbol: one.size for symbol, one in sizes.items() if one.inferred}
    defaults = {symbol: one.size for symbol, one in sizes.items()}
    axes: dict[str, int] = {}
    overridden: dict[str, tuple[int | None, ...]] = {}
    infos: dict[str, Info] = {}
    for name in names:
        declared = graph.declared[name]
        known = symbols | inferred | fixed
        info = _resolve(declared, shapes.get(name), known, assumed, defaults)
        stated = from_type(declared.type).shape
        if stated is not None and info.shape is not None and _differ(stated, info.shape):
            overridden[name] = stated
        for axis, dim in enumerate(declared.type.tensor_type.shape.dim):
            if not _is_fixed(dim):
                axes.setdefault(_symbol(name, axis, dim), axis)
        value = given.values.get(name)
        if value is None and name in hints and hints[name].value is not None:
            value = _hinted(hints[name], info)
        infos[name] = info if value is None else _with_value(name, info, value)
    inferred = {symbol: size for symbol, size in inferred.items() if symbol in axes}
    return Inputs(infos, assumed, inferred, axes, overridden, bound or bool(overridden))


def refuse_open(dims: Mapping[str, int]) -> None:
    """Refuse dims that were left open.

    Raises
    ------
    OcostError
        If there are any.
    """
    if dims:
        options = " ".join(f"--dim {n}=..." for n in dims)
        raise OcostError(f"open dims: {', '.join(dims)}; give them with {options}")


def _users_sizes(graph: Graph, given: Given) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """Shapes of inputs that the user gives, and the symbols that they bind."""
    symbols = _symbols_given(graph, given)
    shapes = dict(given.shapes)
    for name, shape in given.shapes.items():
        if min(shape, default=0) < 0:
            raise OcostError(f"--shape {name}={_text(shape)}: a size can't be negative")
        clash = _clash(graph.declared[name], shape, symbols, fixed=False)
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
    if not given.dims:
        return
    places = _places(graph, names)
    known = sorted({symbol for symbol in places.values() if symbol is not None})
    for symbol, size in given.dims.items():
        if symbol not in known and symbol not in places:
            raise OcostError(
                f"--dim {symbol}: no input has a dim '{symbol}'; "
                + (f"open are {', '.join(known)}" if known else "all dims are fixed")
            )
        if size < 0:
            raise OcostError(f"--dim {symbol}={size}: a size can't be negative")


def _places(graph: Graph, names: Iterable[str]) -> dict[str, str | None]:
    """Every dim of the inputs by its place, ``x[0]``: its symbol, None of a fixed one."""
    return {
        f"{name}[{axis}]": None if _is_fixed(dim) else _symbol(name, axis, dim)
        for name in names
        for axis, dim in enumerate(graph.declared[name].type.tensor_type.shape.dim)
    }


def _symbols_given(graph: Graph, given: Given) -> dict[str, int]:
    """The sizes of symbols that the user gives, those that are named by their place too."""
    if not given.dims:
        return {}
    places = _places(graph, (n for n in graph.inputs if n not in graph.initializers))
    symbols: dict[str, int] = {}
    for name, size in given.dims.items():
        symbol = places.get(name, name)
        if symbol is not None and symbols.setdefault(symbol, size) != size:
            raise OcostError(f"--dim {name}={size}: '{symbol}' is given as {symbols[symbol]} too")
    return symbols


def _fixed_dims(graph: Graph, given: Given, names: Iterable[str]) -> dict[str, int]:
    """The sizes that the user gives for dims that the file fixes, by their place."""
    if not given.dims:
        return {}
    places = _places(graph, names)
    fixed = {n: size for n, size in given.dims.items() if n in places and places[n] is None}
    for place, size in fixed.items():
        name, _, axis = place.removesuffix("]").rpartition("[")
        shape = given.shapes.get(name)
        if shape is not None and shape[int(axis)] != size:
            raise OcostError(f"--dim {place}={size} contradicts --shape {name}={_text(shape)}")
    return fixed


def _differ(stated: Sequence[int | None], shape: Sequence[int | None]) -> bool:
    return any(a not in (None, b) for a, b in zip(stated, shape, strict=True))


def _is_fixed(dim: TensorShapeProto.Dimension) -> bool:
    return dim.HasField("dim_value") and dim.dim_value >= 0


def _symbol(name: str, axis: int, dim: object) -> str:
    """The dim's name; "?" is what some exporters write for a dim without one."""
    param = getattr(dim, "dim_param", "")
    return param if param not in ("", "?") else f"{name}[{axis}]"


def _clash(
    declared: ValueInfoProto,
    shape: tuple[int, ...],
    symbols: Mapping[str, int],
    *,
    fixed: bool = True,
) -> str | None:
    """What in the model a given shape contradicts, its ``fixed`` sizes too or not; or None."""
    if not declared.type.tensor_type.HasField("shape"):
        return None
    dims = declared.type.tensor_type.shape.dim
    if len(dims) != len(shape):
        return f"the model: '{declared.name}' has {len(dims)} dims"
    bound: dict[str, int] = dict(symbols)
    for axis, (dim, size) in enumerate(zip(dims, shape, strict=True)):
        if _is_fixed(dim):
            if fixed and dim.dim_value != size:
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
        if not _is_fixed(dim)
    }


def _resolve(
    declared: ValueInfoProto,
    shape: tuple[int, ...] | None,
    symbols: Mapping[str, int],
    assumed: dict[str, int],
    defaults: Mapping[str, int],
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
        size = symbols.get(f"{declared.name}[{axis}]", info.shape[axis])
        if size is None:
            symbol = _symbol(declared.name, axis, dim)
            size = symbols.get(symbol)
            if size is None:
                size = assumed.setdefault(symbol, defaults.get(symbol, 1))
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
