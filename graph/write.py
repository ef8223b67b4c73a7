"""A changed graph as a new file: its weights in it, or gathered in one file beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

from onnx import ModelProto, TensorProto, numpy_helper

from . import dtypes
from .errors import OcostError
from .external import external_entry
from .graph import Graph
from .save import drop_manifest, file_size, replacing, to_proto
from .tensor import Source, every_tensor

_MESSAGE = 2**31 - 2**20  # bytes of a protobuf message, less what the rest of a model may take
_INLINE = 1024  # bytes of a tensor that stays in the model's file
_ALIGNED = 64


def data_file(path: Path) -> Path:
    """Where a model's weights go if they don't go into the model's file."""
    return path.with_name(f"{path.name}.data")


def check_writable(path: Path, *, force: bool) -> None:
    """Refuse a place that a model can't be written to, before work is done.

    Raises
    ------
    OcostError
        If there is no such folder, or a file is in the way and ``force`` is not given.
    """
    if not path.resolve().parent.is_dir():
        raise OcostError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise OcostError(f"{path}: is a folder; name a file")
    if path.exists() and not force:
        raise OcostError(f"{path}: exists already; choose another name or give --force")


def write(graph: Graph, path: Path, *, force: bool = False) -> None:
    """Write a model whole or not at all; a weightless graph gets its weights.

    Weights that lie in files of their own, or are over protobuf's 2 GB, go to a ``.data`` file
    beside the model, one tensor at a time: those that the graph still has, and no others.

    Raises
    ------
    OcostError
        If a file is in the way and ``force`` is not given, if data can't be read, or on a full
        disk: then nothing is left behind.
    """
    check_writable(path, force=force)
    source = graph.header.source
    if source.path is not None and path.resolve() != source.path.resolve():
        own = {file.resolve() for file in files_of(graph)}
        taken = {path.resolve(), data_file(path).resolve()} & own
        if taken:
            raise OcostError(
                f"{path}: {taken.pop().name} belongs to the model; choose another name"
            )
    model = to_proto(graph, "none")
    drop_manifest(model)
    external = any(t.data_location == TensorProto.EXTERNAL for t in every_tensor(model))
    with contextlib.ExitStack() as all_or_none:
        # what is entered last is in place first: a model's data before the model
        product = all_or_none.enter_context(replacing(path))
        if external or file_size(graph) > _MESSAGE:
            check_writable(data_file(path), force=force)
            beside = all_or_none.enter_context(replacing(data_file(path)))
            write_apart(model, source, beside, data_file(path).name)
        write_inline(model, source, product)


def write_apart(model: ModelProto, source: Source, data: Path, location: str) -> None:
    """Write the initializers' data to a file, and into the model where they are.

    One tensor at a time is in memory. The model refers to the file as ``location``.
    """
    with data.open("wb") as out:
        _move(model, source, out, location)


def write_inline(model: ModelProto, source: Source, path: Path) -> None:
    """Write a model with all data in it that does not lie apart."""
    for tensor in every_tensor(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            tensor.CopyFrom(source.load(tensor))
    path.write_bytes(model.SerializeToString())


def _move(model: ModelProto, source: Source, out: BinaryIO, location: str) -> None:
    """Write the initializers' data to a file, and into the model where they are."""
    graph = model.graph
    for holder in (*graph.node, *graph.sparse_initializer, *model.functions, *model.training_info):
        for tensor in every_tensor(holder):
            tensor.CopyFrom(source.load(tensor))
    for tensor in graph.initializer:
        data = _movable(tensor, source)
        if data is None:
            tensor.CopyFrom(source.load(tensor))
            continue
        out.write(b"\0" * (-out.tell() % _ALIGNED))
        where = {"location": location, "offset": out.tell(), "length": len(data)}
        out.write(data)
        dims, dtype, name = list(tensor.dims), tensor.data_type, tensor.name
        tensor.Clear()
        tensor.dims.extend(dims)
        tensor.data_type, tensor.name = dtype, name
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in where.items():
            tensor.external_data.add(key=key, value=str(value))


def _movable(tensor: TensorProto, source: Source) -> bytes | None:
    """The data of a tensor that is worth a place of its own; None of one that stays inline."""
    if tensor.data_type == TensorProto.STRING:
        return None
    data = source.raw(tensor)
    if data is None:
        full = source.load(tensor)
        data = full.raw_data
        if not data:
            array = numpy_helper.to_array(full)
            if array.nbytes != dtypes.nbytes(full.data_type, array.size):
                return None  # numpy takes more bits an element than the file has to
            data = array.tobytes()
    return data if len(data) >= _INLINE else None


def files_of(graph: Graph) -> set[Path]:
    """The files that a graph was read from, those of its external data included."""
    source = graph.header.source
    if source.path is None:
        return set()
    external = (t for t in every_tensor(to_proto(graph, "none")) if t.external_data)
    stored = (t for t in external if t.data_location == TensorProto.EXTERNAL)
    return {source.path, *(source.folder / external_entry(t).location for t in stored)}
