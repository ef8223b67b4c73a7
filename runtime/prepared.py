"""Models as files that a runtime elsewhere can open."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import onnx
from google.protobuf.message import EncodeError
from onnx import ModelProto, TensorProto

from ..costmodel.params import constants
from ..graph import Graph, OcostError, from_proto, save
from ..graph.save import replacing
from ..graph.tensor import external_entry
from .naming import named


def prepare(graph: Graph, path: Path, *, force: bool = False) -> None:
    """Write a model whose nodes carry their paths as names, for a profile to be taken of it.

    External data stays as it is, and is copied where the file is to lie in another folder. A
    weightless graph gets its weights; if they are over protobuf's 2 GB, in a ``.data`` file.

    Raises
    ------
    OcostError
        If the file is the graph's own, if one is in the way and ``force`` is not given, or if
        the file or what the graph reads can't be read or written. Then nothing is left behind.
    """
    for own in _files(graph):
        if path.exists() and own.exists() and path.samefile(own):
            raise OcostError(f"{path}: belongs to the model itself; choose another name")
    source = graph.header.source
    if not source.fillers:
        save(from_proto(named(graph, "kept"), source), path, force=force)
        return
    for target in (path, _beside(path)):
        if target.exists() and not force:
            raise OcostError(f"{target}: exists already; choose another name or allow overwriting")
    write(named(graph), path)


def write(model: ModelProto, path: Path) -> None:
    """Write a model with its weights: in a ``.data`` file if they are over protobuf's 2 GB."""
    try:
        data = model.SerializeToString()
    except (EncodeError, ValueError):
        _write_apart(model, path)
        return
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _write_apart(model: ModelProto, path: Path) -> None:
    beside = _beside(path)
    copied = ModelProto()
    copied.CopyFrom(model)  # onnx moves the weights out of the proto that it saves
    with (
        replacing(path) as file,
        replacing(beside) as weights,
        tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder,
    ):
        onnx.save_model(
            copied, Path(folder) / path.name, save_as_external_data=True, location=beside.name
        )
        os.replace(Path(folder) / beside.name, weights)
        os.replace(Path(folder) / path.name, file)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.data")


def _files(graph: Graph) -> set[Path]:
    """Those that a graph was read from."""
    source = graph.header.source
    if source.path is None:
        return set()
    external = {
        source.folder / external_entry(tensor.proto).location
        for tensor in constants(graph)
        if isinstance(tensor.proto, TensorProto)
        and tensor.proto.data_location == TensorProto.EXTERNAL
    }
    return {source.path, *external}
